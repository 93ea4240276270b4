"""Splits that do not fit in memory."""

import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from keras_deid.config import Config
from keras_deid.data.images import encode_png
from keras_deid.data.prepared import PreparedDataset
from keras_deid.data.record_stream import SHUFFLED_BYTES, RecordStream
from keras_deid.data.training_batches import training_batches
from keras_deid.data.training_pictures import PictureReader, load_training_pictures
from keras_deid.data.unpaired import UnpairedPictures, _halves, _load_folder, unpaired_batches
from keras_deid.errors import UserError
from keras_deid.preparation.stored import StoredExample
from keras_deid.preparation.writing import write_prepared

from .conftest import take

SIZE = 16


def settings(**data):
    return Config.model_validate({"data": {"image_size": [SIZE, SIZE], "load_scale": 1.25, **data}})


def picture(seed, size=(24, 20)):
    return np.random.default_rng(seed).integers(0, 256, (*size, 3)).astype(np.uint8)


@pytest.fixture
def pairs(tmp_path):
    """Pairs of several sizes; each differs in a square."""
    for number in range(11):
        original = picture(number, (24 + number, 20))
        hidden = original.copy()
        hidden[5:12, 4 + number % 5 : 14] = 0
        for side, pixels in (("x", hidden), ("y", original)):
            (tmp_path / side).mkdir(exist_ok=True)
            Image.fromarray(pixels).save(tmp_path / side / f"{number:02d}.png")
    return settings(source="folders", path=str(tmp_path), prepare={"val_fraction": 0.0, "test_fraction": 0.0})


DRAWN = {"synthetic": {"train": 9, "val": 1, "test": 1}}


@pytest.fixture(params=["pairs", "drawn"])
def either(request):
    return request.getfixturevalue("pairs") if request.param == "pairs" else settings(**DRAWN)


def batches_of(config, count=7, cache_limit=0, **arguments):
    pictures = load_training_pictures(config.data, cache_limit)
    arguments = {"batch_size": 4, "seed": 3, **arguments}
    return take(training_batches(pictures, config.data, config.deidentify, **arguments), count)


def assert_same(first, second):
    assert len(first) == len(second)
    for ours, theirs in zip(first, second, strict=True):
        for part, other in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(part, other)


def test_the_same_batches_as_from_memory(either):
    assert isinstance(load_training_pictures(either.data, cache_limit=0).stored, PictureReader)
    assert_same(batches_of(either), batches_of(either, cache_limit=10**9))


def test_it_continues_at_any_step(either):
    assert_same(batches_of(either, 2, start_step=5), batches_of(either, 7)[5:])


def test_both_sides_of_unpaired_training(either):
    def of(limit):
        pictures = _halves(load_training_pictures(either.data, limit))
        return take(unpaired_batches(pictures, either.data, either.deidentify, batch_size=2, seed=1), 6)

    assert_same(of(0), of(10**9))


def test_unpaired_folders(tmp_path):
    for number in range(5):
        Image.fromarray(picture(number, (30, 20 + number))).save(tmp_path / f"{number}.png")
    data = settings().data

    def of(limit):
        side = _load_folder(tmp_path, data, limit)
        both = UnpairedPictures(side, side, deidentified=True)
        return take(unpaired_batches(both, data, settings().deidentify, batch_size=2, seed=1), 4)

    assert isinstance(_load_folder(tmp_path, data, 0).stored, PictureReader)
    assert_same(of(0), of(10**9))


def test_a_broken_picture_is_named(pairs, tmp_path):
    (tmp_path / "x/03.png").write_bytes(b"broken")
    with pytest.raises(Exception, match="x/03.png: broken image"):
        batches_of(pairs)


@pytest.mark.parametrize("how", ["return", "raise SystemExit(0)"])
def test_the_program_ends_after_a_loop_that_wants_no_more(how):
    """As training ends: the iterator goes with the function that reads it, pictures that are being read with it."""
    program = f"""
from keras_deid.config import Config
from keras_deid.data.training_batches import training_batches
from keras_deid.data.training_pictures import load_training_pictures

def main():
    config = Config.model_validate({{"data": {{"image_size": [16, 16], **{DRAWN!r}}}}})
    pictures = load_training_pictures(config.data, cache_limit=0)
    for number, _ in enumerate(training_batches(pictures, config.data, config.deidentify, batch_size=4, seed=1)):
        if number == 3:
            print("end")
            {how}

main()
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=280)
    assert (done.returncode, done.stdout) == (0, "end\n"), done.stderr


def prepared(folder, files=5, each=6):
    """A prepared data set of several files of a few records."""

    def stored(number):
        path, png = f"{number // 2:03d}.jpg#{number % 2}", encode_png(picture(number, (20, 20)))
        return StoredExample(path, "train", png, ((4, 4, 12, 12),), b"")

    examples = [stored(number) for number in range(files * each)]
    folder.mkdir()
    return write_prepared(folder, examples, {"settings": {"region": "face", "size": 20}})


@pytest.fixture
def several_files(tmp_path, monkeypatch):
    monkeypatch.setattr("keras_deid.preparation.writing.EXAMPLES_PER_SHARD", 6)
    return prepared(tmp_path / "prepared")


def order_of(stream, seed):
    records = stream.shuffled(tf.constant(seed, tf.int64)).as_numpy_iterator()
    return [stream.decode(record)["path"].numpy().decode() for record in records]


def test_an_epoch_has_every_record_once_in_an_order_of_its_own(several_files):
    stream = RecordStream.of(several_files)
    assert len(stream.files) == 5 and stream.buffer > 1000
    first, again, second = order_of(stream, 1), order_of(stream, 1), order_of(stream, 2)
    assert first == again and first != second and sorted(first) == sorted(second) and len(set(first)) == 30


def test_files_are_mixed_even_if_few_records_are_held(several_files):
    stream = RecordStream(tuple(several_files.files("train")), several_files.decode, buffer=1)
    files = [int(path.partition(".")[0]) // 3 for path in order_of(stream, 1)]
    assert all(len(set(files[start : start + 5])) == 5 for start in range(0, 30, 5))  # one of each in turn
    assert files[:5] != sorted(files[:5])


def test_a_part_by_path(several_files):
    stream = RecordStream.of(several_files).chosen(lambda path: tf.strings.regex_full_match(path, ".*#1"))
    assert sorted(order_of(stream, 1)) == [f"{number:03d}.jpg#1" for number in range(15)]


def test_the_buffer_holds_so_many_bytes(several_files):
    shards = several_files.description["splits"]["train"]["shards"]
    mean = sum(shard["bytes"] for shard in shards) / 30
    assert RecordStream.of(several_files).buffer == pytest.approx(SHUFFLED_BYTES / mean, rel=0.01)


def test_what_tensorflow_reads_from_elsewhere(several_files):
    """`ram://` stands for `gs://`: both are file systems of TensorFlow."""
    url = "ram://bucket/prepared"
    tf.io.gfile.makedirs(url)
    for path in several_files.folder.iterdir():
        with tf.io.gfile.GFile(f"{url}/{path.name}", "wb") as file:
            file.write(path.read_bytes())
    config = settings(source="prepared", path=url)
    assert config.data.path == url and Config.model_validate(config.model_dump(mode="json")) == config
    there = PreparedDataset.open(config.data.path)
    assert there.fingerprint == several_files.fingerprint
    here = settings(source="prepared", path=str(several_files.folder))
    for limit in (0, 10**9):
        assert_same(batches_of(config, cache_limit=limit), batches_of(here, cache_limit=limit))


def test_nothing_elsewhere():
    with pytest.raises(UserError, match="ram://nowhere: has no dataset.json; give a folder that keras-deid prepare"):
        PreparedDataset.open("ram://nowhere")


@pytest.mark.parametrize(("key", "value"), [("source", "folders"), ("photos", "photos")])
def test_only_a_prepared_data_set_lies_elsewhere(key, value):
    with pytest.raises(ValueError, match="data.path should be a local path, unless it is a data set that is prepared"):
        settings(**{"source": "prepared", "path": "gs://b/x", key: value})


def test_a_path_that_is_none():
    with pytest.raises(ValueError, match="should be a path or a URL, received 5"):
        settings(source="prepared", path=5)
