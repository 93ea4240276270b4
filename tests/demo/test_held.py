import pytest

from keras_deid.demo.held import MOST_HELD, HeldPictures
from keras_deid.errors import UserError


def test_the_last_pictures_are_held_under_names_of_their_own():
    held, pictures = HeldPictures(), [object() for _ in range(MOST_HELD + 1)]
    tokens = [held.hold(picture) for picture in pictures]
    assert len(set(tokens)) == MOST_HELD + 1
    assert [held.picture(token) for token in tokens[1:]] == pictures[1:]
    for gone in (tokens[0], "unknown"):
        with pytest.raises(UserError, match="drop it again"):
            held.picture(gone)
