import keras
import numpy as np
import pytest

from keras_deid.models.locator import STRIDE
from keras_deid.useful import face_network
from keras_deid.useful.average_precision import average_precision, rank
from keras_deid.useful.face_network import DETECTIONS, detect, detection_loss, target, train_anew
from keras_deid.useful.pictures import SIDE
from keras_deid.useful.windows import WINDOW

CELLS = WINDOW // STRIDE
SURE = 9.0


def test_the_target_of_a_face():
    answer = target([(40.0, 36.0, 58.0, 72.0)])  # 18 by 36 pixels about (49, 54): column 12, row 13
    assert answer.shape == (CELLS, CELLS, 5) and answer[13, 12, 0] == 1 and (answer[..., 0] == 1).sum() == 1
    # The middle of that cell is at (50, 54).
    assert answer[13, 12, 1:] * STRIDE == pytest.approx([10, 18, 8, 18])
    assert answer[13, 14, 1:] * STRIDE == pytest.approx([18, 18, 0, 18])
    # The spots' standard deviations are 2 and 4 pixels.
    assert answer[13, 13, 0] == pytest.approx(np.exp(-((4 / 2) ** 2) / 2))
    assert answer[14, 12, 0] == pytest.approx(np.exp(-((4 / 4) ** 2) / 2))


def test_two_faces_and_none():
    one, other = (8.0, 8.0, 24.0, 24.0), (60.0, 60.0, 76.0, 92.0)
    both = target([one, other])
    assert (both[..., 0] == np.maximum(target([one])[..., 0], target([other])[..., 0])).all()
    assert (both[3, 3] == target([one])[3, 3]).all() and (both[19, 17] == target([other])[19, 17]).all()
    assert not target([]).any()
    assert target([(90.0, 90.0, 96.0, 96.0)])[23, 23, 0] == 1  # at the corner


def perfect(faces):
    """What a network answers that has learned a target."""
    answer = target(faces)
    answer[..., 0] = np.where(answer[..., 0] == 1, SURE, -SURE)
    return answer


def test_the_loss():
    true = target([(40.0, 36.0, 58.0, 72.0)])[None]
    known = perfect([(40.0, 36.0, 58.0, 72.0)])[None]
    assert float(detection_loss(true, known)) == pytest.approx(0, abs=1e-6)
    wide = known.copy()
    wide[..., 1:] += 2  # each edge two cells off
    assert float(detection_loss(true, wide)) == pytest.approx(2, abs=1e-5)
    unsure = known.copy()
    unsure[0, 13, 12, 0] = 0  # a half
    assert float(detection_loss(true, unsure)) == pytest.approx(0.25 * np.log(2), abs=1e-6)
    seen = known.copy()
    seen[0, 2, 2, 0] = 0  # far from the face
    assert float(detection_loss(true, seen)) == pytest.approx(0.25 * np.log(2), abs=1e-6)
    near = known.copy()
    near[0, 14, 12, 0] = 0  # beside its middle, where the spot is exp(-1/2)
    weight = (1 - np.exp(-0.5)) ** 4
    assert float(detection_loss(true, near)) == pytest.approx(weight * 0.25 * np.log(2), abs=1e-6)


def test_the_loss_without_faces_is_finite():
    nothing = target([])[None]
    assert float(detection_loss(nothing, perfect([])[None])) == pytest.approx(0, abs=1e-6)


class Answers:
    """A network that knows where the faces are."""

    def __init__(self, answers):
        self.answers = answers

    def __call__(self, pictures, training):
        assert not training
        return keras.ops.convert_to_tensor(self.answers[: len(pictures)])


def test_what_the_network_answers_is_read():
    faces = [(8.0, 8.0, 24.0, 24.0), (60.0, 60.0, 76.0, 92.0)]
    answers = np.stack([perfect(faces), perfect([])])
    answers[0, 19, 17, 0] = SURE - 1  # less sure of the second one
    one, other = detect(Answers(answers), np.zeros((2, WINDOW, WINDOW, 3), np.uint8))
    assert len(one) == DETECTIONS and [box for _, box in one[:2]] == [pytest.approx(face) for face in faces]
    assert [score for score, _ in one[:2]] == pytest.approx([1 / (1 + np.exp(-SURE)), 1 / (1 + np.exp(1 - SURE))])
    assert all(score < 0.001 for score, _ in (*one[2:], *other))


def test_only_peaks_are_faces():
    answer = perfect([])
    answer[10, 10, 0], answer[10, 11, 0], answer[14, 10, 0] = 3, 2, 1
    ((first, second, *_),) = detect(Answers(answer[None]), np.zeros((1, WINDOW, WINDOW, 3), np.uint8))
    # The slope beside the first peak is none.
    assert (first[0], second[0]) == pytest.approx((1 / (1 + np.exp(-3)), 1 / (1 + np.exp(-1))))


@pytest.fixture(scope="module")
def squares():
    """Pictures of noise with a bright square each, and where these are."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 90, (24, SIDE, SIDE, 3), np.uint8)
    faces = []
    for picture in pictures:
        left, top = rng.integers(10, SIDE - 40, 2)
        picture[top : top + 24, left : left + 20] = 220
        faces.append([(float(left), float(top), float(left + 20), float(top + 24))])
    return pictures, faces


def test_it_learns(squares, monkeypatch):
    monkeypatch.setattr(face_network, "STEPS", 50)
    pictures, faces = squares
    network = face_network.face_network()
    train_anew(network, pictures[:16], faces[:16], seed=1)
    found = detect(network, pictures[16:])
    (precision,) = average_precision(rank(found, faces[16:]), np.ones(8), np.ones((1, 8)))
    assert precision > 0.8
    # The same network again, from new weights: nothing of the first training is left.
    monkeypatch.setattr(face_network, "STEPS", 2)
    weights = []
    for seed in (1, 1, 2):
        train_anew(network, pictures[:16], faces[:16], seed=seed)
        weights.append(network.get_weights())
    assert all(np.allclose(one, other, atol=1e-5) for one, other in zip(*weights[:2], strict=True))
    assert not all(np.allclose(one, other, atol=1e-5) for one, other in zip(*weights[1:], strict=True))
