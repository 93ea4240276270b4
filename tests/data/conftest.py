import numpy as np
import tensorflow as tf

from keras_deid.config import Config
from keras_deid.data.record_stream import RecordStream
from keras_deid.data.sources import Example, Source
from keras_deid.data.training_batches import training_batches
from keras_deid.data.training_pictures import load_training_pictures

SIZE, LOAD = 16, 20


def config(**sections):
    data = {"image_size": [SIZE, SIZE], "load_scale": LOAD / SIZE, "source": "prepared", "path": "unused"}
    return Config.model_validate({**sections, "data": {**data, **sections.get("data", {})}})


def coordinates(number, height=LOAD, width=LOAD, box=(5, 4, 12, 11), person=False):
    """An example in which each pixel says where it is and of which picture."""
    y, x = np.mgrid[:height, :width]
    picture = np.dstack([y + 1, x + 1, np.full_like(x, number), (x >= 10) if person else np.zeros_like(x)])
    return Example(f"{number:03d}", picture.astype(np.uint8), np.float32([box]), has_person=person)


def serve(monkeypatch, **splits):
    """Has these examples read."""
    counts = {split: len(splits.get(split, [])) for split in ("train", "val", "test")}
    stream = streamed(splits["train"]) if splits.get("train") else None
    source = Source(counts, 3, lambda split: iter(splits[split]), stream)
    for reader in ("training_pictures", "evaluation_examples"):
        monkeypatch.setattr(f"keras_deid.data.{reader}.open_source", lambda data, size: source)


def streamed(examples):
    """The examples as a prepared data set of photos reads them."""
    signature = {
        "image": tf.TensorSpec((None, None, 3), tf.uint8),
        "box": tf.TensorSpec((4,), tf.float32),
        "boxes": tf.TensorSpec((None, 4), tf.float32),
    }

    def read():
        for example in examples:
            yield {"image": example.picture[..., :3], "box": example.boxes[0], "boxes": example.boxes}

    dataset = tf.data.Dataset.from_generator(read, output_signature=signature)

    class Generated(RecordStream):
        def shuffled(self, seed):
            return dataset.shuffle(self.buffer, seed=seed)

    return Generated((), lambda example: example, buffer=2048)


def take(dataset, count):
    return [tuple(part.numpy() for part in batch) for batch in dataset.take(count)]


def endless(settings=None, storage=None, **arguments):
    settings = settings or config()
    arguments = {"batch_size": 4, "seed": 1, **arguments}
    pictures = load_training_pictures(settings.data, **(storage or {}))
    return training_batches(pictures, settings.data, settings.deidentify, **arguments)


def batches(count, *args, **arguments):
    return take(endless(*args, **arguments), count)


def assert_equal(first, second):
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        for part, counterpart in zip(one, other, strict=True):
            np.testing.assert_array_equal(part, counterpart)
