import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.data.images import write_png
from keras_deid.errors import UserError
from keras_deid.explain import pictures as explained_pictures
from keras_deid.preparation.prepare import prepare
from keras_deid.synthetic import draw_scene


def test_of_many_photographs_only_as_many_as_needed_are_looked_at(tmp_path, monkeypatch):
    """Twenty photographs, the first nine without a face, in batches of at least four."""
    photos, listed = tmp_path / "photos", []
    (photos / "b").mkdir(parents=True)
    for number in range(20):
        name = f"{number:02}.png" if number < 10 else f"b/{number}.png"
        scene = draw_scene(number, 64)
        write_png(photos / name, scene.image)
        listed += [] if number < 9 else [f"{name}," + ",".join(f"{edge:.1f}" for edge in scene.box)]
    looked_at = []

    def with_boxes(folder, out, **options):
        there = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*.png"))
        looked_at.append(there)
        boxes = out.with_suffix(".csv")
        lines = [line for line in listed if line.partition(",")[0] in there]
        boxes.write_text("\n".join(["path,x0,y0,x1,y1", *lines]))
        return prepare(folder, out, **{**options, "boxes": boxes, "min_face": 1, "size": 32})

    monkeypatch.setattr(explained_pictures, "prepare", with_boxes)
    monkeypatch.setattr(explained_pictures, "LEAST_PHOTOS", 4)
    config = Config.model_validate({"data": {"image_size": [32, 32]}})
    found = explained_pictures.pictures_of_folder(photos, config, 3)
    assert found.paths == ("09.png#0", "b/10.png#0", "b/11.png#0")
    assert [len(names) for names in looked_at] == [4, 4, 4]
    np.testing.assert_array_equal(found.x[0].shape, (32, 32, 3))
    assert found.mask.any(axis=(1, 2)).all() and not found.person.any()
    everything = explained_pictures.pictures_of_folder(photos, config)
    assert len(everything) == 11 and everything.paths[:3] == found.paths


def test_photographs_without_faces(tmp_path):
    write_png(tmp_path / "grey.png", np.full((64, 64, 3), 128, np.uint8))
    config = Config.model_validate({"data": {"image_size": [32, 32]}})
    with pytest.raises(UserError, match="no faces were found on its photographs"):
        explained_pictures.pictures_of_folder(tmp_path, config, 5)
