"""Batches without pairs: de-identified pictures of some scenes, originals of others.

Two sources of them. Any data set with pairs or originals is divided in two by its scenes: one half gives the
de-identified pictures, the other the originals, so that no original is ever seen beside what became of it. Or two
folders as [CycleGAN](https://arxiv.org/abs/1703.10593) takes them, `trainA` (de-identified) and `trainB` (originals).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from keras_deid.config import DataConfig, DeidentifyConfig
from keras_deid.data.images import find_images, read_image
from keras_deid.data.names import printable
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.sources import ORIGINAL_CHANNELS, Example
from keras_deid.data.training_batches import PREFETCHED_BATCHES, training_batches, training_windows
from keras_deid.data.training_pictures import CACHE_LIMIT, TrainingPictures, load_size, load_training_pictures
from keras_deid.errors import UserError

HASHES = 2**62


@dataclass(frozen=True)
class UnpairedPictures:
    """The training pictures of both sides, ready to be cut into batches.

    Attributes:
        x: those that are shown de-identified.
        y: those that are shown as they are.
        deidentified: whether `x` comes de-identified.
    """

    x: TrainingPictures
    y: TrainingPictures
    deidentified: bool

    def __len__(self) -> int:
        """Returns the pictures of the smaller side, which an epoch shows once.

        The larger side shows as many, and goes on with its others in the next epoch. (CycleGAN's code counts the larger
        side and repeats the smaller one.)
        """
        return min(len(self.x), len(self.y))


def load_unpaired_pictures(data: DataConfig) -> UnpairedPictures:
    """Loads both sides, as `load_training_pictures` loads pictures.

    A data set other than `unpaired_folders` is divided by a hash of its scenes: what was cut from one photograph
    comes to one side. As many scenes go to either side, and the same ones each time.

    Args:
        data: source and sizes.

    Raises:
        UserError: if the data cannot be opened or read, or there are not two scenes.
    """
    if data.source != "unpaired_folders":
        return _halves(load_training_pictures(data))
    if data.path is None:
        raise UserError("data.path should be given for data.source=unpaired_folders")
    x, y = (_load_folder(Path(data.path) / side, data) for side in ("trainA", "trainB"))
    return UnpairedPictures(x, y, deidentified=True)


def unpaired_batches(
    pictures: UnpairedPictures,
    data: DataConfig,
    deidentify: DeidentifyConfig,
    *,
    batch_size: int,
    seed: int,
    start_step: int = 0,
) -> tf.data.Dataset:
    """Returns the batches of a training run without pairs from step `start_step` on, without end.

    Each side is shuffled, cut and mirrored by itself, in the way of `training_batches`.

    Args:
        pictures: from `load_unpaired_pictures`, for the same `data`.
        data: sizes and augmentation.
        deidentify: what hides the faces of x; not used where x comes de-identified.
        batch_size: pictures of each side in a batch.
        seed: of all that is drawn.
        start_step: first step, counted over all epochs.

    Returns:
        data set of (x, y, mask): uint8 `(batch, height, width, 3)`, the same of other scenes, float32 `(batch, height,
        width, 1)`, 1 where x is de-identified; 0 everywhere where x comes de-identified (the region is unknown).

    Raises:
        UserError: if a side has fewer pictures than a batch.
    """

    def side(of: TrainingPictures, seed: int) -> tf.data.Dataset:
        if pictures.deidentified:
            windows = training_windows(of, data, batch_size=batch_size, seed=seed, start_step=start_step)
            return windows.map(_as_they_are)
        return training_batches(of, data, deidentify, batch_size=batch_size, seed=seed, start_step=start_step)

    both = tf.data.Dataset.zip(side(pictures.x, seed), side(pictures.y, ~seed))  # ~: no other run's seed
    return both.map(lambda x_side, y_side: (x_side[0], y_side[1], x_side[2])).prefetch(PREFETCHED_BATCHES)


def _as_they_are(cut: tf.Tensor, boxes: tf.Tensor, draws: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    return cut, cut, tf.zeros_like(cut[..., :1], tf.float32)


def _load_folder(folder: Path, data: DataConfig, cache_limit: int = CACHE_LIMIT) -> TrainingPictures:
    paths = find_images(folder)

    def read_at(number: int) -> Example:
        picture = read_image(paths[number])
        height, width = picture.shape[:2]
        return Example(
            printable(str(paths[number])), picture, np.array([[0, 0, width, height]], np.float32), has_person=False
        )

    height, width = load_size(data)
    if len(paths) * height * width * ORIGINAL_CHANNELS > cache_limit:
        return TrainingPictures.on_demand(read_at, [printable(str(path)) for path in paths], ORIGINAL_CHANNELS)
    return TrainingPictures.in_memory(map(read_at, range(len(paths))), data, ORIGINAL_CHANNELS)


def _halves(pictures: TrainingPictures) -> UnpairedPictures:
    stored = pictures.stored
    if not isinstance(stored, RecordStream):
        scenes = _scene_hashes(tf.constant(pictures.paths)).numpy()
        first = scenes < _middle(scenes)
        sides = (np.flatnonzero(first), np.flatnonzero(~first))
        x, y = (TrainingPictures(len(index), stored.select(index)) for index in sides)
        return UnpairedPictures(x, y, deidentified=False)

    scenes = np.array(list(stored.paths().map(_scene_hashes).as_numpy_iterator()))
    middle = _middle(scenes)

    def half(belongs: Callable[[tf.Tensor], tf.Tensor]) -> TrainingPictures:
        count = int(np.count_nonzero(belongs(scenes)))
        return TrainingPictures(count, stored.chosen(lambda path: belongs(_scene_hashes(path))))

    return UnpairedPictures(half(lambda scene: scene < middle), half(lambda scene: scene >= middle), deidentified=False)


def _scene_hashes(paths: tf.Tensor) -> tf.Tensor:
    """Returns an int64 for each path: the same for all faces of a photograph, whose paths end in `#` and a number."""
    return tf.strings.to_hash_bucket_fast(tf.strings.regex_replace(paths, r"#\d+$", ""), HASHES)


def _middle(scenes: np.ndarray) -> int:
    """Returns the hash that has as many scenes below it as from it on."""
    different = np.unique(scenes)
    if len(different) < 2:
        raise UserError("training without pairs needs at least two different scenes; add pictures")
    return int(different[len(different) // 2])
