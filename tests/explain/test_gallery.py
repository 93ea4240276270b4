import numpy as np

from keras_deid.explain.gallery import SHOWN_OF_EACH, _chosen, sorted_pictures
from keras_deid.explain.localisation import NOTHING, Localisation
from keras_deid.explain.networks import ITSELF
from keras_deid.explain.pictures import Pictures
from keras_deid.explain.study import Measurement, Study
from keras_deid.explain.targets import TARGETS


def test_pictures_are_sorted_from_best_to_worst_and_those_without_a_map_are_last():
    blank, mask = np.zeros((3, 2, 2, 3), np.uint8), np.ones((3, 2, 2), bool)
    study = Study(Pictures(blank, blank, mask, mask, ("a", "b", "c")), [TARGETS["real"]], "gradcam", ("cbam_1",))
    for run, control, energies in (
        ("first", ITSELF, [1.0, np.nan, 2.0]),
        ("first", "edges", [9.0, 9.0, 9.0]),
        ("second", ITSELF, [9.0, 9.0, 0.0]),
    ):
        for path, energy in zip("abc", energies, strict=True):
            found = NOTHING if np.isnan(energy) else Localisation(energy, 1.0, 1.0, 1.0)
            study.measurements.append(Measurement(run, path, "cbam_1", 1, "real", control, "person", found, False))
    order, energies = sorted_pictures(study, "real", "person")
    assert order == [2, 0, 1]
    np.testing.assert_array_equal(energies, [1.0, np.nan, 2.0])
    mask[1] = False  # nobody is known to be there: not the worst picture, but none of them
    assert sorted_pictures(study, "real", "person")[0] == [2, 0]


def test_the_worst_are_shown_too():
    shown = _chosen(list(range(100)))
    assert len(shown) == 3 * SHOWN_OF_EACH
    assert [index for index, group in shown if group == "worst"] == [96, 97, 98, 99]
    assert [index for index, group in shown if group == "best"] == [0, 1, 2, 3]
    assert [index for index, _ in _chosen(list(range(5)))] == [0, 1, 2, 3, 4]
