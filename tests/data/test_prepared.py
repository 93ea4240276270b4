import json
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_deid.cli.prepare import _summary
from keras_deid.data import prepared
from keras_deid.data.images import encode_png
from keras_deid.data.prepared import PreparedDataset
from keras_deid.errors import UserError
from keras_deid.preparation import contact_sheet, writing
from keras_deid.preparation.contact_sheet import draw_contact_sheet
from keras_deid.preparation.stored import StoredExample
from keras_deid.preparation.writing import write_prepared

from ..mutations import mutations

FACE = {"settings": {"region": "face", "size": 16}, "inputs": "made up"}
PHOTO = {"settings": {"region": "photo", "size": 16}, "inputs": "made up"}


def picture(seed, height=16, width=16):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3)).astype(np.uint8)


def person(height=16, width=16):
    mask = np.zeros((height, width), np.uint8)
    mask[4:, 2:9] = 1
    return mask


def stored(number, split="train", **changes):
    return StoredExample(
        **{
            "path": f"{number}.jpg#0",
            "split": split,
            "image": encode_png(picture(number)),
            "boxes": ((2.5, 3.0, 9.25, 12.0), (-1.0, 0.0, 4.0, 17.0)),
            "person": b"",
            **changes,
        }
    )


def read(dataset, split):
    return list(dataset.examples(split).as_numpy_iterator())


def test_what_is_written_is_read(tmp_path):
    mask = encode_png(person() * np.uint8(255))
    write_prepared(tmp_path, [stored(0, person=mask), stored(1, "test", path="é/1.jpg#2")], FACE)
    dataset = PreparedDataset.open(tmp_path)
    (first,) = read(dataset, "train")
    assert np.array_equal(first["image"], picture(0)) and first["image"].dtype == np.uint8
    assert first["box"].tolist() == [2.5, 3.0, 9.25, 12.0] and first["box"].dtype == np.float32
    assert np.array_equal(first["person"], person()) and first["person"].dtype == np.uint8
    assert first["has_person"] is np.True_
    assert first["path"] == b"0.jpg#0"
    (second,) = read(dataset, "test")
    assert not second["has_person"] and second["person"].shape == (16, 16) and not second["person"].any()
    assert second["path"].decode() == "é/1.jpg#2"
    assert read(dataset, "val") == []
    assert dataset.counts == {"train": 1, "val": 0, "test": 1}


def test_crops_make_batches(tmp_path):
    dataset = write_prepared(tmp_path, [stored(number) for number in range(3)], FACE)
    examples = dataset.examples("train")
    assert examples.element_spec == {
        "image": tf.TensorSpec((16, 16, 3), tf.uint8),
        "box": tf.TensorSpec((4,), tf.float32),
        "person": tf.TensorSpec((16, 16), tf.uint8),
        "has_person": tf.TensorSpec((), tf.bool),
        "path": tf.TensorSpec((), tf.string),
    }
    assert examples.cardinality() == 3
    (batch,) = examples.batch(3).as_numpy_iterator()
    assert batch["image"].shape == (3, 16, 16, 3) and batch["box"].shape == (3, 4)


def test_whole_photographs_have_all_faces_and_their_own_size(tmp_path):
    examples = [
        stored(0, image=encode_png(picture(0, 16, 24)), person=encode_png(person(16, 24) * np.uint8(255))),
        stored(1, image=encode_png(picture(1, 20, 16))),
    ]
    first, second = read(write_prepared(tmp_path, examples, PHOTO), "train")
    assert first["image"].shape == (16, 24, 3) and second["person"].shape == (20, 16)
    assert first["boxes"].tolist() == [[2.5, 3.0, 9.25, 12.0], [-1.0, 0.0, 4.0, 17.0]]
    assert first["box"].tolist() == first["boxes"][0].tolist()


def test_shards(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "EXAMPLES_PER_SHARD", 2)
    numbers = range(5)
    write_prepared(tmp_path, [stored(number) for number in numbers] + [stored(9, "val")], FACE)
    dataset = PreparedDataset.open(tmp_path)
    names = sorted(path.name for path in tmp_path.glob("*.tfrecord"))
    assert names == [f"train-0000{shard}.tfrecord" for shard in range(3)] + ["val-00000.tfrecord"]
    assert [shard["examples"] for shard in dataset.description["splits"]["train"]["shards"]] == [2, 2, 1]
    assert [example["path"] for example in read(dataset, "train")] == [f"{number}.jpg#0".encode() for number in numbers]


def test_description(tmp_path):
    mask = encode_png(person() * np.uint8(255))
    examples = [stored(0, path="a.jpg#0", person=mask), stored(1, path="a.jpg#1"), stored(2, "val", path="b.jpg#0")]
    dataset = write_prepared(tmp_path, examples, FACE)
    description = json.loads((tmp_path / "dataset.json").read_text())
    assert description == dataset.description == PreparedDataset.open(tmp_path).description
    assert description["schema"] == prepared.SCHEMA
    train = description["splits"]["train"]
    assert (train["photos"], train["examples"], train["with_person"]) == (1, 2, 1)
    assert description["splits"]["test"] == {"photos": 0, "examples": 0, "with_person": 0, "shards": []}
    assert dataset.settings == FACE["settings"]


def fingerprint(folder, examples):
    folder.mkdir()
    return write_prepared(folder, examples, FACE).fingerprint


def test_fingerprint_is_of_the_examples_alone(tmp_path):
    examples = [stored(0), stored(1), stored(2, "val")]
    first = fingerprint(tmp_path / "first", examples)
    assert len(first) == 32
    assert fingerprint(tmp_path / "again", examples) == first
    assert fingerprint(tmp_path / "reversed", examples[::-1]) == first
    changes = {
        "image": {"image": encode_png(picture(7))},
        "boxes": {"boxes": ((2.5, 3.0, 9.25, 12.5),)},
        "person": {"person": encode_png(person())},
        "path": {"path": "other.jpg#0"},
        "split": {"split": "test"},
    }
    for name, change in changes.items():
        assert fingerprint(tmp_path / name, [stored(0, **change), *examples[1:]]) != first
    assert fingerprint(tmp_path / "fewer", examples[1:]) != first


def test_the_same_examples_give_the_same_bytes(tmp_path):
    for name in ("first", "second"):
        fingerprint(tmp_path / name, [stored(number) for number in range(4)])
    for path in (tmp_path / "first").iterdir():
        assert path.read_bytes() == (tmp_path / "second" / path.name).read_bytes()


def test_unknown_split(tmp_path):
    with pytest.raises(ValueError, match="Received: split='validation'"):
        write_prepared(tmp_path, [stored(0)], FACE).examples("validation")


def test_folders_that_are_no_data_set(tmp_path):
    with pytest.raises(UserError, match="missing: does not exist; give a folder that keras-deid prepare wrote"):
        PreparedDataset.open(tmp_path / "missing")
    with pytest.raises(UserError, match="has no dataset.json"):
        PreparedDataset.open(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '"text"', "\xff", "[" * 100_000, '{"schema": 1, "settings": 3}'])
def test_broken_description(tmp_path, text):
    (tmp_path / "dataset.json").write_bytes(text.encode("latin-1"))
    with pytest.raises(UserError, match="dataset.json: cannot be read .*; prepare the photographs again"):
        PreparedDataset.open(tmp_path)


def test_other_schema_version(tmp_path):
    write_prepared(tmp_path, [stored(0)], FACE)
    text = (tmp_path / "dataset.json").read_text().replace('"schema": 2', '"schema": 99')
    (tmp_path / "dataset.json").write_text(text)
    with pytest.raises(UserError, match="expected schema version 2; received 99"):
        PreparedDataset.open(tmp_path)


def test_shards_that_are_missing_or_cut_off(tmp_path):
    write_prepared(tmp_path, [stored(0)], FACE)
    shard = tmp_path / "train-00000.tfrecord"
    shard.write_bytes(shard.read_bytes()[:-1])
    with pytest.raises(UserError, match="train-00000.tfrecord: is not as it was written"):
        PreparedDataset.open(tmp_path)
    shard.unlink()
    with pytest.raises(UserError, match="train-00000.tfrecord: is missing; prepare the photographs again"):
        PreparedDataset.open(tmp_path)


@pytest.mark.parametrize(
    ("keys", "value", "mistake"),
    [
        (["settings"], None, "settings: input should be a valid dictionary"),
        (["settings", "region"], "sky", "settings.region: input should be 'face' or 'photo'"),
        (["settings", "size"], "16", "settings.size: input should be a valid integer"),
        (["settings", "size"], 10**9, "settings.size: input should be less than or equal to 4096"),
        (["splits"], [], "splits: input should be a valid dictionary"),
        (["splits", "train", "examples"], 1.5, "splits.train.examples: input should be a valid integer"),
        (["splits", "train", "shards"], 3, "splits.train.shards: input should be a valid list"),
        (["splits", "train", "shards", 0, "bytes"], None, "splits.train.shards.0.bytes: input should be a valid int"),
        (
            ["splits", "train", "shards", 0, "file"],
            "../other/train-00000.tfrecord",
            "file: string should match pattern",
        ),
        (["splits", "train", "shards", 0, "file"], "/etc/passwd", "file: string should match pattern"),
        (["fingerprint"], 3, "fingerprint: input should be a valid string"),
        (["inputs"], 3, "inputs: input should be a valid string"),
        (["skipped"], 3, "skipped: input should be a valid dictionary"),
    ],
)
def test_edited_description(tmp_path, keys, value, mistake):
    write_prepared(tmp_path, [stored(0)], FACE)
    description = json.loads((tmp_path / "dataset.json").read_text())
    place = description
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(UserError) as raised:
        PreparedDataset.open(tmp_path)
    assert mistake in str(raised.value) and str(raised.value).endswith("; prepare the photographs again")
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    "keys", [("settings",), ("settings", "size"), ("splits",), ("splits", "val"), ("fingerprint",)]
)
def test_description_without_a_key(tmp_path, keys):
    write_prepared(tmp_path, [stored(0)], FACE)
    description = json.loads((tmp_path / "dataset.json").read_text())
    place = description
    for key in keys[:-1]:
        place = place[key]
    del place[keys[-1]]
    (tmp_path / "dataset.json").write_text(json.dumps(description))
    with pytest.raises(UserError, match=f"dataset.json: .*{keys[-1]}.*; prepare the photographs again"):
        PreparedDataset.open(tmp_path)


def test_however_it_is_edited_it_is_refused_in_one_line_or_reads(tmp_path):
    write_prepared(tmp_path, [stored(0), stored(1, "test")], FACE)
    path = tmp_path / "dataset.json"
    opened = 0
    for name, mutated in mutations(json.loads(path.read_text())):
        path.write_text(json.dumps(mutated))
        try:
            dataset = PreparedDataset.open(tmp_path)
        except UserError as error:
            assert len(str(error).splitlines()) == 1 and str(path) in str(error) or "tfrecord: is" in str(error), name
            continue
        opened += 1
        assert all(isinstance(count, int) for count in dataset.counts.values()), name
        assert _summary(dataset).startswith(f"{tmp_path}: "), name
    assert opened  # what nobody relies on may be anything


def bomb():
    """A PNG of a few bytes that says it has 60000 x 60000 pixels."""
    png = encode_png(picture(0))
    return png[:16] + (60_000).to_bytes(4, "big") * 2 + png[24:]


@pytest.mark.parametrize("settings", [FACE, PHOTO], ids=["face", "photo"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"image": bomb()}, "too large"),
        ({"person": bomb()}, "too large"),
        ({"image": b"\xff\xd8\xff" + bytes(100)}, "not a PNG"),
        ({"image": b""}, "not a PNG"),
        ({"image": encode_png(picture(0))[:60]}, ""),
        ({"boxes": ()}, ""),
        ({"boxes": ((float("nan"), 1, 2, 3),)}, "not finite"),
    ],
    ids=["bomb", "person bomb", "jpeg", "empty", "cut off", "no box", "nan"],
)
def test_records_that_are_not_what_they_should_be(tmp_path, monkeypatch, settings, changes, reason):
    monkeypatch.setattr(writing, "draw_contact_sheet", lambda dataset: picture(0))
    write_prepared(tmp_path, [stored(0), stored(1, **changes)], settings)
    with pytest.raises(UserError, match=f"the train split is damaged .*{reason}.*; prepare the photographs again"):
        list(PreparedDataset.open(tmp_path).read("train"))


def test_flipped_bytes(tmp_path):
    write_prepared(tmp_path, [stored(0), stored(1)], FACE)
    shard = tmp_path / "train-00000.tfrecord"
    content = bytearray(shard.read_bytes())
    for place in (2, 30, len(content) // 2, len(content) - 2):
        shard.write_bytes(content[:place] + bytes([content[place] ^ 16]) + content[place + 1 :])
        with pytest.raises(UserError, match="the train split is damaged .*corrupted.*; prepare the photographs again"):
            list(PreparedDataset.open(tmp_path).read("train"))


def test_contact_sheet_shows_face_and_person(tmp_path):
    grey = np.full((16, 16, 3), 100, np.uint8)
    example = stored(
        0,
        image=encode_png(grey),
        boxes=((4.0, 4.0, 12.0, 8.0),),
        person=encode_png(person() * np.uint8(255)),
    )
    sheet = draw_contact_sheet(write_prepared(tmp_path, [example], FACE))
    top, left, scale = (
        contact_sheet._LINE + 10 + 4,
        4,
        contact_sheet._PICTURE / 16,
    )  # title and margin; no train tile above
    red, green = (255, 64, 64), (64, 255, 64)
    x0, y0, x1, y1 = (round(edge * scale) for edge in (4, 4, 12, 8))
    corners = [(y0, x0), (y0, x1 - 1), (y1 - 1, x0), (y1 - 1, x1 - 1)]
    assert [tuple(sheet[top + y, left + x].tolist()) for y, x in corners] == [red] * 4
    assert tuple(sheet[top + round(14 * scale), left + round(2 * scale)].tolist()) == green  # the mask's left edge
    assert tuple(sheet[top + round(14 * scale), left + round(14 * scale)].tolist()) == (100, 100, 100)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "contact_sheet.png")), sheet)


def test_contact_sheet_has_a_row_for_each_eight(tmp_path):
    examples = [stored(number) for number in range(30)] + [stored(50 + number, "val") for number in range(9)]
    sheet = draw_contact_sheet(write_prepared(tmp_path, examples, FACE))
    title, tile = contact_sheet._LINE + 10, contact_sheet._TILE + contact_sheet._LINE
    assert sheet.shape == (3 * title + (3 + 2 + 0) * tile, 8 * contact_sheet._TILE, 3)


def test_contact_sheet_of_whole_photographs(tmp_path):
    wide = stored(0, image=encode_png(np.full((16, 32, 3), 100, np.uint8)), boxes=((4, 4, 8, 8), (20, 4, 24, 8)))
    sheet = draw_contact_sheet(write_prepared(tmp_path, [wide], PHOTO))
    colours = {tuple(colour) for colour in np.unique(sheet.reshape(-1, 3), axis=0).tolist()}
    assert {(255, 64, 64), (255, 200, 0), (100, 100, 100)} <= colours


def test_opening_needs_no_tensorflow(tmp_path):
    write_prepared(tmp_path, [stored(0)], FACE)
    code = (
        "import sys; from keras_deid.data.prepared import PreparedDataset; "
        f"print(PreparedDataset.open({str(tmp_path)!r}).counts['train'], 'tensorflow' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "1 False\n", ended.stderr
