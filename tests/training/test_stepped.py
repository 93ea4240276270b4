import itertools
import time

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.training.stepped import SteppedModel


class Counting(SteppedModel):
    """Logs the mean of what it is given, and takes a step."""

    def __init__(self):
        super().__init__(("value",))
        self.traced = 0

    def train_step(self, data):
        self.traced += 1
        self.step.assign_add(1)
        return self.log(value=data[0])


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


def fit(model, data, **how):
    return model.fit(data, verbose=0, shuffle=False, **how).history


def test_logs_are_means_that_begin_anew_with_each_epoch(model):
    history = fit(model, dataset(itertools.count()), steps_per_epoch=3, epochs=2)
    assert history["value"] == [1.0, 4.0]  # of 0, 1, 2 and 3, 4, 5
    assert [type(metric) for metric in model.metrics] == [keras.metrics.Mean]


def test_steps_are_counted_over_all_epochs_and_calls(model):
    fit(model, dataset(range(6)), steps_per_epoch=3, epochs=2)
    fit(model, dataset(range(2)), steps_per_epoch=2)
    assert int(model.step) == 8
    assert model.traced == 1  # compiled once


def test_waiting_for_data_is_timed(model):
    fit(model, dataset(range(4), seconds=0.05), steps_per_epoch=4)
    assert model.waited > 0.1
    model.waited = 0.0
    fit(model, dataset(range(50)).cache().prefetch(50), steps_per_epoch=2)
    assert model.waited < 0.1


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
        fit(model, damaged, steps_per_epoch=1)
