import numpy as np
import tensorflow as tf

from keras_deid.restoring.views import VIEWS, restore_views
from keras_deid.serving.graph import views as graph

from .conftest import Fake, random_picture

SIZE = (6, 8)


def test_the_last_row_and_column_come_from_the_views_that_are_not_moved():
    # Of two crops: as they are, moved, mirrored, and both.
    answers = (0, 10, 100, 130, 40, 50, 100, 130)
    model = Fake(lambda batch: np.stack([np.full((*SIZE, 3), answer, np.uint8) for answer in answers]), size=SIZE)
    one, other = restore_views(model, [random_picture(seed, SIZE) for seed in range(2)])
    assert len(model.batches[0]) == 2 * VIEWS
    assert (one[:-1, :-1] == 60).all() and (one[-1] == 20).all() and (one[:, -1] == 20).all()
    assert (other[:-1, :-1] == 80).all() and (other[-1] == 30).all() and (other[:, -1] == 30).all()


def test_no_crops_are_no_answers():
    assert restore_views(Fake(size=SIZE), []) == []


def test_servers_take_the_same_mean():
    weights = random_picture(9, (VIEWS, *SIZE)).astype(int)

    def restore(batch):
        return (np.asarray(batch, int) * 3 + weights.reshape(VIEWS, *SIZE, 3)).astype(np.uint8)

    crop = random_picture(0, SIZE)
    (here,) = restore_views(Fake(restore, size=SIZE), [crop])
    there = graph.restore_views(lambda batch: tf.constant(restore(batch)), tf.constant(crop))
    np.testing.assert_array_equal(there.numpy(), here)
