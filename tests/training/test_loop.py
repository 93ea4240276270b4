import itertools
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.loop import fit
from keras_deid.training.stepped import SteppedModel

from .conftest import train


class Counting(SteppedModel):
    """Logs what it is given, and takes a step."""

    def __init__(self):
        super().__init__()
        self.traced = 0

    def train_step(self, data):
        self.traced += 1
        self.step.assign_add(1)
        return {"value": data[0][0], "twice": 2 * data[0][0]}


class Recorder(keras.callbacks.Callback):
    """Writes down what is called, with the step; stops the training after a step."""

    def __init__(self, stop_after=None):
        super().__init__()
        self.calls = []
        self._stop_after = stop_after

    def on_epoch_begin(self, epoch, logs=None):
        self.calls.append(("begin", epoch))

    def on_train_batch_end(self, batch, logs=None):
        self.calls.append((batch, logs["value"]))
        self.model.stop_training = self.model.steps_taken == self._stop_after

    def on_epoch_end(self, epoch, logs=None):
        self.calls.append(("end", epoch, logs["value"]))


@pytest.fixture
def model():
    model = Counting()
    model.compile()
    return model


def dataset(values, seconds=0.0):
    def read():
        for value in values:
            time.sleep(seconds)
            yield (np.float32([value]),)

    return tf.data.Dataset.from_generator(read, output_signature=(tf.TensorSpec((1,), tf.float32),))


def numbers_from(step, rows):
    """Batches that consist of the number of their step."""
    return dataset(itertools.count(step))


def test_logs_are_means_that_begin_anew_with_each_epoch(model):
    assert train(model, dataset(itertools.count()), 3, 2) == [
        {"value": 1.0, "twice": 2.0},  # of 0, 1, 2
        {"value": 4.0, "twice": 8.0},  # of 3, 4, 5
    ]


def test_callbacks_are_called_in_order(model):
    recorder = Recorder()
    fit(model, numbers_from, [recorder], batch_size=1, steps_per_epoch=2, epochs=2)
    assert recorder.calls == [
        ("begin", 0), (0, 0.0), (1, 0.5), ("end", 0, 0.5), ("begin", 1), (0, 2.0), (1, 2.5), ("end", 1, 2.5),
    ]  # fmt: skip
    assert model.steps_taken == 4
    assert model.traced == 1  # compiled once


def test_what_was_stopped_within_an_epoch_goes_on_there(model):
    recorder = Recorder(stop_after=4)
    fit(model, numbers_from, [recorder], batch_size=1, steps_per_epoch=3, epochs=3)
    assert model.steps_taken == 4 and recorder.calls[-1] == ("end", 1, 3.0)
    recorder = Recorder()
    fit(model, numbers_from, [recorder], batch_size=1, steps_per_epoch=3, epochs=2)
    assert recorder.calls == [("begin", 1), (0, 4.0), (1, 4.5), ("end", 1, 4.5)]


def test_what_is_done_is_not_done_again(model):
    model.step.assign(6)

    def no_batches(step, rows):
        raise AssertionError("asked for batches")

    fit(model, no_batches, [], batch_size=1, steps_per_epoch=3, epochs=2)
    assert model.steps_taken == 6


def test_one_device_gets_whole_batches(model):
    asked = []

    def batches_from(step, rows):
        asked.append((step, range(8)[rows]))
        return numbers_from(step, rows)

    model.step.assign(1)
    fit(model, batches_from, [], batch_size=8, steps_per_epoch=2, epochs=1)
    assert asked == [(1, range(8))]


def test_waiting_for_data_is_timed(model):
    train(model, dataset(range(4), seconds=0.5), 4)
    assert model.waited > 0.9
    model.waited = 0.0
    model.step.assign(0)
    train(model, dataset(range(50)).cache().prefetch(50), 2)
    assert model.waited < 0.9


def test_each_way_of_training_says_what_it_trains(model):
    with pytest.raises(NotImplementedError):
        _ = model.networks
    with pytest.raises(NotImplementedError):
        _ = model.learning_rate


def test_data_that_turn_out_to_be_damaged_are_one_line(model, tmp_path):
    path = tmp_path / "records"
    with tf.io.TFRecordWriter(str(path)) as writer:
        writer.write(b"abc")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    damaged = tf.data.TFRecordDataset([str(path)]).map(lambda record: (tf.ones(1),))
    with pytest.raises(UserError, match="the training data are damaged .*; prepare the photographs again"):
        train(model, damaged, 1)
