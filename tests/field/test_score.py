import numpy as np
import pytest

from keras_deid.data.faces import Face
from keras_deid.field.score import METRICS, SOURCES, score_photograph
from keras_deid.hiding.kinds import Hidden
from keras_deid.restoring.found import Region

FACE = (20.0, 16.0, 36.0, 41.0)  # 16 x 25 pixels: a size of 20
REGION = (18, 14, 38, 44)
POINTS = tuple((22.0 + 3 * number, 20.0 + 2 * number) for number in range(5))


class Detector:
    """Finds what it is told to, by the brightness of the first pixel."""

    def __init__(self, found):
        self.found = found

    def detect(self, picture):
        return self.found.get(int(picture[0, 0, 0]), [])


def face(box=FACE, shift=(0, 0)):
    return Face(box, 0.9, tuple((x + shift[0], y + shift[1]) for x, y in POINTS))


def scored(found_regions, found=None, original_faces=None, restored=None):
    original = np.random.default_rng(0).integers(60, 200, (60, 60, 3)).astype(np.uint8)
    x0, y0, x1, y1 = REGION
    mask = np.zeros((60, 60), np.float32)
    mask[y0:y1, x0:x1] = 1
    picture = original.copy()
    picture[y0:y1, x0:x1] -= 10
    hidden = Hidden(picture, original, mask, (REGION,), (None,))
    made = picture.copy()
    made[y0:y1, x0:x1] += 9
    pictures = {"input": picture, "inpainted": original.copy(), "restored": made if restored is None else restored}
    for level, one in enumerate(pictures.values()):
        one[0, 0] = level  # what the detector tells them apart by; far from the region
    detector = Detector(found or {})
    faces = [face()] if original_faces is None else original_faces
    return score_photograph(hidden, [FACE], found_regions, pictures, detector, faces)


def test_psnr_and_ssim_are_of_the_hidden_pixels():
    sources = scored([])["faces"][0]["sources"]
    # Errors of 10 and of 1 in every hidden pixel, none in the last one.
    assert sources["input"]["psnr"] == pytest.approx(20 * np.log10(255 / 10), abs=1e-4)
    assert sources["restored"]["psnr"] == pytest.approx(20 * np.log10(255), abs=1e-4)
    assert sources["inpainted"]["psnr"] == 100
    assert sources["inpainted"]["ssim"] == 1 > sources["restored"]["ssim"] > sources["input"]["ssim"]
    # A constant that is added leaves the gradient as it is.
    assert [sources[name]["sharpness"] for name in SOURCES] == [1, 1, 1, 1]
    assert sources["bicubic"] == sources["input"]


def test_nme_is_the_mean_distance_in_sizes_of_the_face():
    record = scored([], found={0: [face(shift=(3, 4))], 2: [face((0, 0, 9, 9)), face(shift=(0, -1))]})
    sources = record["faces"][0]["sources"]
    assert sources["input"]["found"] == 1 and sources["input"]["nme"] == pytest.approx(5 / 20)
    assert sources["restored"]["found"] == 1 and sources["restored"]["nme"] == pytest.approx(1 / 20)
    assert sources["inpainted"]["found"] == 0 and sources["inpainted"]["nme"] is None
    assert sources["original"] == {"found": 1}


def test_a_face_is_found_where_it_was():
    moved = (FACE[0] + 10, FACE[1], FACE[2] + 10, FACE[3])  # an overlap of 6 / 26
    sources = scored([], found={2: [face(moved)]})["faces"][0]["sources"]
    assert sources["restored"]["found"] == 0
    sources = scored([], found={2: [face()]}, original_faces=[])["faces"][0]["sources"]
    assert sources["original"]["found"] == 0
    assert sources["restored"] == {**sources["restored"], "found": 1, "nme": None}


def test_regions_are_counted():
    record = scored([Region((19, 14, 39, 44)), Region((0, 40, 10, 50))])
    assert (record["hidden"], record["found"], record["matched"]) == (1, 2, 1)
    assert record["faces"][0]["region_found"] is True
    assert record["changed_outside"] == 30 + 1  # the first column of the region, and the first pixel
    record = scored([])
    assert (record["found"], record["matched"], record["faces"][0]["region_found"]) == (0, 0, False)


def test_a_record_says_where_the_face_is():
    (one,) = scored([])["faces"]
    assert one["face"] == list(FACE) and one["region"] == list(REGION)
    assert set(one["sources"]) == {"original", *SOURCES}
    assert all(set(one["sources"][source]) == set(METRICS) for source in SOURCES)
