import numpy as np
import pytest

from keras_deid.restoring.steady import Steady, flicker


def grey(level, side=16):
    return np.full((side, side, 3), level, np.uint8)


def test_the_smoothed_square_is_the_weighted_sum():
    steady, seen = Steady(weight=0.5), grey(90)
    assert steady.smooth(0, seen, grey(100)).mean() == 100
    assert steady.smooth(0, seen, grey(120)).mean() == 110
    assert steady.smooth(0, seen, grey(100)).mean() == 105
    # Another track begins anew.
    assert steady.smooth(1, seen, grey(40)).mean() == 40


def test_the_more_the_hidden_region_changes_the_less_is_smoothed():
    def second(change):
        steady = Steady(weight=0.5, changed=20)
        steady.smooth(0, grey(100), grey(0))
        return steady.smooth(0, grey(100 + change), grey(200)).mean()

    # w = 0.5 (1 - change / 20)
    assert [second(change) for change in (0, 4, 10, 20, 60)] == [100, 120, 150, 200, 200]


def test_every_second_frame_repeats_the_one_before_while_the_hidden_region_is_still():
    steady = Steady(still=4)
    assert [steady.repeats(0, grey(90 + change)) for change in (0, 0, 0, 4, 4)] == [False, True, False, True, False]
    # Compared with the frame that was restored last, so that a slow change is not missed.
    assert [steady.repeats(1, grey(level)) for level in (50, 53, 56, 59)] == [False, True, False, True]
    assert [steady.repeats(2, grey(level)) for level in (50, 55, 60)] == [False, False, False]
    assert not any(Steady(still=-1).repeats(0, grey(90)) for _ in range(3))


def test_what_is_repeated_is_the_smoothed_square():
    steady = Steady(weight=0.5)
    for answer in (100, 120):
        steady.smooth(0, grey(90), grey(answer))
    np.testing.assert_array_equal(steady.repeat(0), grey(110))
    assert steady.smooth(0, grey(90), grey(130)).mean() == 120  # as if it had not been repeated


def test_a_square_of_another_size_is_smoothed_with_the_one_before():
    steady = Steady(weight=0.5)
    steady.smooth(0, grey(90), grey(100, 16))
    assert steady.smooth(0, grey(90), grey(200, 32)).shape == (32, 32, 3)
    np.testing.assert_allclose(steady.smooth(0, grey(90), grey(150, 16)), 150)


def test_tracks_are_forgotten():
    steady = Steady(weight=0.5)
    for track in (0, 1):
        steady.smooth(track, grey(90), grey(100))
    steady.keep({1})
    assert [int(steady.smooth(track, grey(90), grey(200)).mean()) for track in (0, 1)] == [200, 150]
    steady.repeats(0, grey(90))
    steady.keep(set())
    assert not steady.repeats(0, grey(90))


def test_flicker_is_the_mean_difference_inside_the_later_box():
    frames = [np.zeros((8, 8, 3), np.uint8) for _ in range(3)]
    frames[1][2:4, 2:4] = 10
    frames[2][:] = 30
    # |1 - 0| in the first box: 10; |2 - 1| in the second one: half of it differs by 20, half by 30
    assert flicker(frames, [(0, 0, 8, 8), (2, 2, 4, 4), (2, 2, 6, 4)]) == pytest.approx((10 + 25) / 2)
    for few in ([], frames[:1]):
        with pytest.raises(ValueError, match="Expected two frames or more"):
            flicker(few, [(0, 0, 8, 8)] * len(few))


def test_a_moving_face_flickers_less_and_hardly_more_than_the_original():
    """A face that turns slowly while it crosses the picture; the model answers with a new error in each frame."""
    random = np.random.default_rng(0)
    size, count = 48, 30
    texture = random.uniform(60, 190, (6, 6, 3))
    rows, columns = np.mgrid[0:size, 0:size] / size * 5

    def face(number):
        """A smooth texture that slides within the face."""
        x = np.clip(columns + 0.03 * number, 0, 4.999)
        y0, x0 = np.floor(rows).astype(int), np.floor(x).astype(int)
        y0 = np.minimum(y0, 4)
        v, u = (rows - y0)[..., None], (x - x0)[..., None]
        top = texture[y0, x0] * (1 - u) + texture[y0, x0 + 1] * u
        bottom = texture[y0 + 1, x0] * (1 - u) + texture[y0 + 1, x0 + 1] * u
        return top * (1 - v) + bottom * v + random.normal(0, 1.5, (size, size, 3))  # and the camera's noise

    faces = [np.clip(face(number), 0, 255).astype(np.uint8) for number in range(count)]
    steady = Steady()
    raw, smoothed = [], []
    for square in faces:
        blocks = square.reshape(6, 8, 6, 8, 3).mean(axis=(1, 3)).astype(np.uint8)
        seen = np.kron(blocks, np.ones((8, 8, 1), np.uint8))
        answer = np.clip(square + random.normal(0, 5, square.shape), 0, 255).astype(np.uint8)
        raw.append(answer)
        smoothed.append(steady.smooth(0, seen, answer))

    def in_the_picture(squares):
        """The squares where the face is: it moves a pixel a frame."""
        frames = []
        for number, square in enumerate(squares):
            picture = np.full((64, 96, 3), 128, np.uint8)
            picture[8 : 8 + size, number : number + size] = square
            frames.append(picture)
        return frames

    boxes = [(number, 8, number + size, 8 + size) for number in range(count)]
    original, unsteady, steadied = (flicker(in_the_picture(squares), boxes) for squares in (faces, raw, smoothed))
    assert unsteady > 1.5 * original
    assert steadied < 0.75 * unsteady and steadied <= 1.5 * original
    # and what is steady is still the face
    error = np.abs(np.array(smoothed, float) - np.array(faces, float)).mean()
    assert error < np.abs(np.array(raw, float) - np.array(faces, float)).mean()
