import keras
import numpy as np
import pytest

from keras_deid.config import Config
from keras_deid.training.loop import fit
from keras_deid.training.paired import PairedGAN

SIDE = 12

TINY = {
    "name": "tiny",
    "data": {"image_size": [16, 16], "synthetic": {"train": 8, "val": 2, "test": 2}},
    "generator": {"filters": 4, "blocks": 1, "reduction": 4},
    "discriminator": {"filters": 4, "layers": 1},
    "training": {"batch_size": 2, "epochs": 1, "decay_epochs": 1, "learning_rate": 2e-3, "samples": 2},
}


def merged(values, newer):
    both = {**values, **newer}
    for key in values.keys() & newer.keys():
        if isinstance(values[key], dict):
            both[key] = merged(values[key], newer[key])
    return both


@pytest.fixture(scope="session")
def tiny():
    """Makes the configuration of a run that takes seconds, with some of its settings replaced."""
    return lambda **settings: Config.model_validate(merged(TINY, settings))


class EpochLogs(keras.callbacks.Callback):
    """Keeps the logs of each epoch."""

    def __init__(self):
        super().__init__()
        self.epochs = []

    def on_epoch_end(self, epoch, logs=None):
        self.epochs.append(logs)


def train(model, batches, steps_per_epoch, epochs=1, *callbacks):
    """Trains on a data set from its start; returns the logs of each epoch."""
    logs = EpochLogs()
    called = [*callbacks, logs]
    fit(model, lambda step, rows: batches, called, batch_size=1, steps_per_epoch=steps_per_epoch, epochs=epochs)
    return logs.epochs


def weights_of(model):
    return [weight.numpy() for weight in model.trainable_weights]


def state(gan):
    """Everything that the next step depends on."""
    optimizers = gan.generator_optimizer, gan.discriminator_optimizer
    variables = [*gan.variables, *(variable for optimizer in optimizers for variable in optimizer.variables)]
    return [np.asarray(variable) for variable in variables] + [gan.step.numpy()]


def compile_to_overflow(gan):
    """Compiles with a loss scale at which float16 overflows; returns the optimizers of G and D."""
    optimizers = [keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1), initial_scale=2.0**60) for _ in "GD"]
    gan.compile(*optimizers)
    return optimizers


def average_of_two_steps(gan, batch):
    """Takes two steps; returns the moving average of G's weights, taken by hand, while its decay still grows."""
    average = weights_of(gan.generator)
    for step in (1, 2):
        gan.train_step(batch)
        decay = step / (step + 10)
        average = [decay * a + (1 - decay) * w for a, w in zip(average, weights_of(gan.generator), strict=True)]
    return average


def least_generator():
    """The least that can be trained as G: a convolution that sees one pixel."""
    picture = keras.Input((SIDE, SIDE, 3))
    restored = keras.layers.Conv2D(3, 1, name="colours")(picture)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(restored))


def least_discriminator(channels=3):
    """The least that can be trained as D: one convolution."""
    picture = keras.Input((SIDE, SIDE, channels))
    logits = keras.layers.Conv2D(1, 4, 4, name="patches")(picture)
    return keras.Model(picture, keras.layers.Activation("linear", dtype="float32")(logits))


@pytest.fixture
def make_gan():
    """Makes a compiled `PairedGAN` of the least networks; options are the model's, rates those of plain descent."""

    def make(generator_rate=0.1, discriminator_rate=0.05, **options):
        gan = PairedGAN(least_generator(), least_discriminator(6 if options.get("conditional") else 3), **options)
        gan.compile(keras.optimizers.SGD(generator_rate), keras.optimizers.SGD(discriminator_rate))
        return gan

    return make


@pytest.fixture
def batch():
    """(x, y, mask): two pictures, of which x lacks a rectangle."""
    random = np.random.default_rng(0)
    y = random.integers(0, 256, (2, SIDE, SIDE, 3)).astype("uint8")
    mask = np.zeros((2, SIDE, SIDE, 1), "float32")
    mask[0, 2:7, 3:9] = 1
    mask[1, 5:9, 5:9] = 1
    return np.where(mask == 1, 128, y).astype("uint8"), y, mask
