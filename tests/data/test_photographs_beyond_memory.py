"""Photographs of locators and of the catalogue's restorers that do not fit in memory."""

from pathlib import Path

import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.data.catalogue_batches import catalogue_batches, load_catalogue_pictures
from keras_deid.data.images import encode_png
from keras_deid.data.locator_batches import locator_batches
from keras_deid.data.locator_examples import BATCHES, locator_examples
from keras_deid.data.photograph_batches import photograph_batches
from keras_deid.data.photographs import DrawnPhotographs, PhotographStream, load_photographs, read_photographs
from keras_deid.data.repeats import REPEATS
from keras_deid.errors import UserError
from keras_deid.preparation.stored import StoredExample
from keras_deid.preparation.writing import write_prepared

from .conftest import assert_equal, take

SIZE, SIDE, SMALL, LARGE = 64, 160, 30, 120
PARTS = [slice(0, 1), slice(1, 4)]


def settings(**data):
    data = {"image_size": [32, 32], **data}
    return Config.model_validate({"deidentify": {"method": "catalogue"}, "data": data})


DRAWN = settings(synthetic={"train": 6, "val": 11, "test": 1})


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    """Ten photographs; every fifth has a large face. The number of each is the grey level of its upper half."""

    def stored(number):
        pixels = np.random.default_rng(number).integers(0, 256, (SIDE, SIDE, 3)).astype(np.uint8)
        pixels[: SIDE // 2] = number
        width = SMALL if number % 5 else LARGE
        return StoredExample(f"{number:02d}.png", "train", encode_png(pixels), ((20, 20, 20 + width, 60),), b"")

    folder = tmp_path_factory.mktemp("photographs") / "prepared"
    folder.mkdir()
    description = {"settings": {"region": "photo", "size": SIDE}}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_deid.preparation.writing.EXAMPLES_PER_SHARD", 3)
        write_prepared(folder, [stored(number) for number in range(10)], description)
    return settings(source="prepared", path=str(folder))


def windows(config, count, cache_limit=0, **arguments):
    photographs = load_photographs(config.data, cache_limit)
    return take(locator_batches(photographs, **{"size": SIZE, "batch_size": 4, "seed": 3, **arguments}), count)


def crops(config, count, cache_limit=0, **arguments):
    pictures = load_catalogue_pictures(config.data, cache_limit)
    arguments = {"batch_size": 4, "seed": 3, **arguments}
    return take(catalogue_batches(pictures, config.data, config.deidentify, **arguments), count)


@pytest.mark.parametrize("batches", [windows, crops])
def test_drawn_scenes_give_the_same_batches_as_from_memory(batches):
    assert isinstance(load_photographs(DRAWN.data, 0), DrawnPhotographs)
    assert_equal(batches(DRAWN, 3), batches(DRAWN, 3, cache_limit=10**9))


@pytest.mark.parametrize("batches", [windows, crops])
def test_records_give_batches_by_seed_and_step(prepared, batches):
    assert isinstance(load_photographs(prepared.data, 0), PhotographStream)
    first = batches(prepared, 6)
    assert_equal(first, batches(prepared, 6))
    assert_equal(first[3:], batches(prepared, 3, start_step=3))
    parts = [batches(prepared, 6, rows=rows) for rows in PARTS]
    for whole, *pieces in zip(first, *parts, strict=True):
        for part, *of_workers in zip(whole, *pieces, strict=True):
            np.testing.assert_array_equal(np.concatenate(of_workers), part)
    other = batches(prepared, 1, seed=4)
    assert other[0][0].shape == first[0][0].shape and (other[0][0] != first[0][0]).any()


def test_examples_of_records_are_those_of_photographs_in_memory(prepared):
    """What differs is which photograph comes when."""

    def numbered(photograph, rng):
        return np.int64(photograph.path[:2]), photograph.pixels, photograph.faces[0], rng.random()

    def batches(cache_limit):
        photographs = load_photographs(prepared.data, cache_limit)
        shapes, dtypes = [(), (SIDE, SIDE, 3), (4,), ()], [np.int64, np.uint8, np.float32, np.float64]
        made = photograph_batches(photographs, numbered, shapes, dtypes, batch_size=5, seed=7)
        return take(made, 4)  # two epochs

    streamed, kept = batches(0), batches(10**9)
    pictures = {photograph.path: photograph for photograph in read_photographs(prepared.data, "train")}
    for ours, theirs in zip(streamed, kept, strict=True):
        np.testing.assert_array_equal(ours[3], theirs[3])  # draws depend on (seed, step, row)
        for number, pixels, face, _ in zip(*ours, strict=True):
            photograph = pictures[f"{number:02d}.png"]
            np.testing.assert_array_equal(pixels, photograph.pixels)
            np.testing.assert_array_equal(face, photograph.faces[0])
    epochs = [np.concatenate([streamed[step][0] for step in steps]).tolist() for steps in ((0, 1), (2, 3))]
    assert all(sorted(epoch) == list(range(10)) for epoch in epochs) and epochs[0] != epochs[1]


def test_large_faces_come_several_times_in_an_epoch(prepared):
    streamed, kept = (load_catalogue_pictures(prepared.data, limit) for limit in (0, 10**9))
    count = 8 + 2 * REPEATS
    assert len(streamed) == len(kept) == count

    def numbers(photographs):
        made = photograph_batches(
            photographs,
            lambda photograph, rng: (photograph.pixels[0, 0, :1],),
            [(1,)],
            [np.uint8],
            batch_size=4,
            seed=1,
        )
        return sorted(np.concatenate([batch[0] for batch in take(made, count // 4)]).ravel().tolist())

    assert numbers(streamed) == numbers(kept) == sorted([*range(10), *[0, 5] * (REPEATS - 1)])


def test_pixels_count_not_only_their_records(prepared):
    """The files are smaller than the limit."""
    pixels = 10 * SIDE * SIDE * 3
    assert load_photographs(prepared.data, 0).stream.size < 0.9 * pixels
    assert isinstance(load_photographs(prepared.data, pixels), list)
    assert isinstance(load_photographs(prepared.data, pixels - 1), PhotographStream)


def test_a_damaged_record_is_one_line(prepared, tmp_path):
    photographs = load_photographs(prepared.data, 0)
    file = tmp_path / "train-0.tfrecord"
    file.write_bytes(Path(photographs.stream.files[0]).read_bytes()[:-1] + b"?")
    stream = type(photographs.stream)((str(file),), photographs.stream.decode, 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("keras_deid.data.catalogue_batches.load_photographs", lambda *_: PhotographStream(stream, 1))
        with pytest.raises(UserError, match="^the training data are damaged .*; prepare the photographs again$"):
            load_catalogue_pictures(prepared.data)


def test_a_locator_is_validated_on_the_windows_of_the_whole_split():
    photographs = list(read_photographs(DRAWN.data, "val"))
    whole = take(locator_batches(photographs, size=SIZE, batch_size=4, seed=2026), BATCHES)
    assert_equal(whole, locator_examples(DRAWN.data, size=SIZE, batch_size=4))
    (first, *_) = locator_examples(DRAWN.data, size=SIZE, batch_size=100)
    assert len(first[0]) == 11  # fewer photographs than a batch


def test_an_empty_validation_split_is_a_mistake(prepared):
    with pytest.raises(UserError, match="^the val split of .* is empty: add pictures"):
        locator_examples(prepared.data, size=SIZE, batch_size=4)
