"""Trains small models on one device and on two, which share each batch, and prints how far they are apart.

A process of its own, because TensorFlow divides a processor into logical devices before it is first used. Prints a line
of JSON for each case that is named, or for all: its name, and what `test_replicas.py` looks at.
"""

# ruff: noqa: E402

import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "2"

import keras
import numpy as np
import tensorflow as tf

tf.config.set_logical_device_configuration(
    tf.config.list_physical_devices("CPU")[0], [tf.config.LogicalDeviceConfiguration()] * 2
)

from keras_deid.models.latent_search import latent_search
from keras_deid.models.locator import STRIDE, locator
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.gan import averaged
from keras_deid.training.locating import LocatorTraining
from keras_deid.training.loop import fit
from keras_deid.training.paired import PairedGAN
from keras_deid.training.replicas import see_whole_batch
from keras_deid.training.unconditional import UnconditionalGAN
from keras_deid.training.unpaired import UnpairedGAN

SIDE, BATCH, STEPS, LATENT = 8, 8, 20, 6


def generator(dropout=0.0):
    picture = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, 3, padding="same", use_bias=False)(picture)
    x = keras.layers.ReLU()(keras.layers.BatchNormalization()(x))
    x = keras.layers.Conv2D(3, 1)(keras.layers.Dropout(dropout)(x))
    return keras.Model(picture, keras.layers.Activation("tanh", dtype="float32")(x))


def drawing_generator():
    vector = keras.Input((LATENT,))
    x = keras.layers.BatchNormalization()(keras.layers.Dense(SIDE * SIDE * 3, use_bias=False)(vector))
    return keras.Model(
        vector, keras.layers.Activation("tanh", dtype="float32")(keras.layers.Reshape((SIDE, SIDE, 3))(x))
    )


def discriminator(normalized=True, channels=3):
    picture = keras.Input((SIDE, SIDE, channels))
    x = keras.layers.Conv2D(4, 4, 2, use_bias=not normalized)(picture)
    x = keras.layers.LeakyReLU()(keras.layers.BatchNormalization()(x) if normalized else x)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(keras.layers.Conv2D(1, 2)(x)))


def plain_generator():
    picture = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(3, 1)(picture)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(x))


def adam():
    return keras.optimizers.Adam(1e-2, beta_1=0.5, epsilon=1e-3)


def gan(kind, *networks, **options):
    model = kind(*networks, **options)
    model.compile(adam(), adam())
    return model


def paired(**options):
    return gan(PairedGAN, generator(), discriminator(channels=6 if options.get("conditional") else 3), **options)


def unpaired():
    networks = (make() for make in (generator, discriminator, generator, discriminator))
    return gan(UnpairedGAN, *networks, pool=5, ema=0.9, seed=3)


def unconditional():
    drawing = drawing_generator()
    restorer = latent_search(averaged(drawing), steps=1, starts=2)
    return gan(UnconditionalGAN, drawing, discriminator(), restorer, ema=0.9, seed=3)


def locating():
    picture = keras.Input((SIDE, SIDE, 3))
    x = keras.layers.Conv2D(4, STRIDE, STRIDE, use_bias=False)(picture)
    x = keras.layers.Conv2D(1, 1)(keras.layers.ReLU()(keras.layers.BatchNormalization()(x)))
    network = keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(x))
    model = LocatorTraining(network, averaged(network), 0.9)
    model.compile(adam())
    return model


class Float64LocatorTraining(LocatorTraining):
    """Logs in float32, as the loop takes them."""

    def train_step(self, data):
        return {name: tf.cast(loss, tf.float32) for name, loss in super().train_step(data).items()}


def real_locator():
    """The locator itself, in float64: whatever is apart in it then is no rounding."""
    keras.mixed_precision.set_dtype_policy("float64")
    network = locator(filters=4, blocks=1)
    network.layers[-1].dtype_policy = keras.DTypePolicy("float64")  # the logits, else float32
    model = Float64LocatorTraining(network, averaged(network), 0.9)
    model.compile(keras.optimizers.Adam(1e-2))
    keras.mixed_precision.set_dtype_policy("float32")
    return model


CASES = {
    "paired": paired,
    "paired, all terms": lambda: paired(pool=5, ema=0.9, mask_weight=5.0, conditional=True, seed=3),
    "unpaired": unpaired,
    "unconditional": unconditional,
    "locate": locating,
    "locate, the real network in float64": real_locator,
}


def batch(step):
    """Pictures of one step; the regions of its first half are far smaller than those of the second."""
    random = np.random.default_rng(step)
    y = random.integers(0, 256, (BATCH, SIDE, SIDE, 3)).astype("uint8")
    mask = np.zeros((BATCH, SIDE, SIDE, 1), "float32")
    mask[: BATCH // 2, 1:3, 2:4] = 1
    mask[BATCH // 2 :, 1:7, 1:8] = 1
    return np.where(mask == 1, 128, y).astype("uint8"), y, mask


def windows(step):
    x, _, mask = batch(step)
    return x, mask


def large_windows(step):
    """Windows that the real locator takes."""
    x, mask = (np.repeat(np.repeat(part, 4, axis=1), 4, axis=2) for part in windows(step))
    return x, mask.astype("float64")


WINDOWS = {"locate": windows, "locate, the real network in float64": large_windows}


def batches_from(make):
    types = [tf.as_dtype(part.dtype) for part in make(0)]

    def batches(start, rows):
        def arrays(step):
            parts = tf.numpy_function(lambda number: [part[rows] for part in make(int(number))], [step], types)
            for part, like in zip(parts, make(0), strict=True):
                part.set_shape(like[rows].shape)
            return tuple(parts)

        return tf.data.Dataset.range(start, 10**6).map(arrays)

    return batches


class Logs(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.last = logs


def train(model, steps=STEPS, make=batch):
    logs = Logs()
    fit(model, batches_from(make), [logs], batch_size=BATCH, steps_per_epoch=steps, epochs=1)
    return logs.last


def values(model):
    return [np.asarray(variable) for variable in model.variables]


def copies(variable):
    """The values of a variable on both devices."""
    return [part.numpy() for part in STRATEGY.experimental_local_results(variable.value)]


def apart(ones, others):
    return float(max(np.abs(np.float64(a) - np.float64(b)).max() for a, b in zip(ones, others, strict=True)))


def on_two(make):
    with STRATEGY.scope():
        model = make()
        see_whole_batch(model.networks)
    return model


def compare(make, data):
    one = make()
    two = on_two(make)
    start = values(one)
    for variable, value in zip(two.variables, start, strict=True):
        variable.assign(value)
    weights = [network.get_weights() for network in one.networks]
    losses, other_losses = train(one, make=data), train(two, make=data)
    moved = min(apart(before, network.get_weights()) for before, network in zip(weights, one.networks, strict=True))
    return {
        "moved": moved,
        "weights": apart(values(one), values(two)),
        "losses": max(abs(losses[name] - other_losses[name]) for name in losses),
        "copies": max(apart([first], [second]) for first, second in map(copies, two.variables)),
        "steps": [one.steps_taken, two.steps_taken],
    }


def continued():
    """Trains on two devices, on one and on two again, each from the checkpoint of the one before."""
    make = CASES["paired, all terms"]
    whole = make()
    start = values(whole)
    first = whole.generator.get_weights()
    with tempfile.TemporaryDirectory() as folder:
        for until, build in ((7, on_two), (13, lambda make: make()), (STEPS, on_two)):
            model = build(make)
            checkpoints = Checkpoints(Path(folder), model)
            if checkpoints.restore() == 0:
                for variable, value in zip(model.variables, start, strict=True):
                    variable.assign(value)
            begun = model.steps_taken
            train(model, until)
            checkpoints.save()
    train(whole)
    return {
        "moved": apart(first, whole.generator.get_weights()),
        "weights": apart(values(whole), values(model)),
        "copies": max(apart([first], [second]) for first, second in map(copies, model.variables)),
        "steps": [begun, model.steps_taken],
    }


def overflow(half):
    """Takes three steps in float16; in the second, pictures of one device are beyond its range."""
    keras.mixed_precision.set_dtype_policy("mixed_float16")

    def make():
        model = PairedGAN(plain_generator(), discriminator(normalized=False))
        model.compile(*(keras.optimizers.LossScaleOptimizer(adam(), initial_scale=2.0**4) for _ in "GD"))
        return model

    def data(step):
        x, y, mask = batch(step)
        x = x.astype("float32")
        if step == 1:
            x[half * BATCH // 2] = 1e30
        return x, y.astype("float32"), mask

    model = on_two(make)
    keras.mixed_precision.set_dtype_policy("float32")
    seen = []
    for steps in (1, 2, 3):
        fit(model, batches_from(data), [], batch_size=BATCH, steps_per_epoch=steps, epochs=1)
        seen.append(
            (
                [copies(variable) for network in model.networks for variable in network.variables],
                [copies(model.generator_optimizer.dynamic_scale), copies(model.discriminator_optimizer.dynamic_scale)],
            )
        )
    (first, _), (second, scales), (third, _) = seen
    flat = [[copy for pair in step for copy in pair] for step in (first, second, third)]
    return {
        "left out": apart(flat[0], flat[1]),
        "went on": apart(flat[1], flat[2]),
        "copies": max(apart([a], [b]) for a, b in third),
        "scales": [[float(copy) for copy in pair] for pair in scales],
    }


def dropped():
    """The fraction of values of a dropout layer that both devices leave out, or neither."""

    def make():
        model = PairedGAN(generator(dropout=0.5), discriminator())
        model.compile(adam(), adam())
        return model

    model = on_two(make)
    layer = next(layer for layer in model.generator.layers if isinstance(layer, keras.layers.Dropout))
    first, second = STRATEGY.experimental_local_results(
        STRATEGY.run(tf.function(lambda: layer(tf.ones((1000,)), training=True)))
    )
    return float(np.mean((first.numpy() == 0) == (second.numpy() == 0)))


RESULTS = {
    **{name: partial(compare, make, WINDOWS.get(name, batch)) for name, make in CASES.items()},
    "continued": continued,
    "overflow on the first": partial(overflow, 0),
    "overflow on the second": partial(overflow, 1),
    "dropout": dropped,
}

if __name__ == "__main__":
    keras.utils.set_random_seed(0)
    STRATEGY = tf.distribute.MirroredStrategy([device.name for device in tf.config.list_logical_devices("CPU")])
    for name in sys.argv[1:] or RESULTS:
        print(json.dumps([name, RESULTS[name]()]), flush=True)
