import atexit
import functools
import io
import json
import pickle
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from keras_deid.config import Config
from keras_deid.models.locator import locator
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.serving.export import export

from .rest_calls import b64
from .servers import KINDS, serving

# Not square, so that height and width cannot be mistaken for each other.
HEIGHT, WIDTH = 16, 24

C_API_CHILD = Path(__file__).with_name("c_api_child.py")
C_API_LIBRARY = Path(tf.sysconfig.get_lib()) / "libtensorflow_cc.so.2"

CONFIG = {
    "name": "tiny",
    "description": "an untrained network",
    "data": {"image_size": [HEIGHT, WIDTH]},
    "generator": {"filters": 4, "blocks": 1, "reduction": 4, "global_skip": True},
    "training": {"precision": "mixed_bfloat16", "ema": 0.99},
}
EVALUATION = {
    "split": "test",
    "images": 2,
    "baselines": {"input": {"psnr": 20.125, "faces_found": None}},
    "restored": {"psnr": 22.5, "faces_found": 0.5},
}


@pytest.fixture(scope="session")
def generator():
    """A network that changes what it sees: untrained, but with weights that are not small."""
    model = resnet_generator((HEIGHT, WIDTH, 3), **CONFIG["generator"])
    random = np.random.default_rng(0)
    model.set_weights([random.normal(0, 0.1, weight.shape) for weight in model.get_weights()])
    return model


@pytest.fixture(scope="session")
def run(generator, tmp_path_factory):
    """A run folder as training leaves it, as far as serving reads it."""
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    folder.mkdir()
    Config.model_validate(CONFIG).save(folder / "config.yaml")
    (folder / "evaluation.json").write_text(json.dumps(EVALUATION))
    generator.save(folder / "generator.keras")
    return folder


@functools.cache
def untrained_locator():
    """A network that marks some of what it sees: untrained, but with weights that are not small."""
    network = locator(filters=4, blocks=1)
    random = np.random.default_rng(0)
    for weight in network.weights:
        is_variance = weight.name == "moving_variance"
        weight.assign(random.uniform(0.5, 2, weight.shape) if is_variance else random.normal(0, 0.5, weight.shape))
    return network


@functools.cache
def locator_run():
    """The folder of a run of the locator, as far as serving reads it; is removed when the tests end."""
    folder = tempfile.TemporaryDirectory()
    atexit.register(folder.cleanup)
    untrained_locator().save(Path(folder.name) / "locator.keras")
    return Path(folder.name)


@pytest.fixture(scope="session")
def base(run, tmp_path_factory):
    """The folder of an exported model with a locator, with version 1."""
    base = tmp_path_factory.mktemp("saved_models") / "tiny"
    export(run, base, locator=locator_run())
    return base


@pytest.fixture(scope="session")
def locate_alone():
    """Marks uint8 pictures `(batch, height, width, 3)` with the Keras model, by a plain reading of the statement."""

    def locate(pictures):
        below, beside = -pictures.shape[1] % 32, -pictures.shape[2] % 32
        padded = np.pad(pictures, ((0, 0), (0, below), (0, beside), (0, 0)), mode="edge")
        logits = untrained_locator().predict_on_batch(np.float32(padded) / 127.5 - 1)[..., 0]
        return (1 / (1 + np.exp(-logits)))[:, : -(-pictures.shape[1] // 4), : -(-pictures.shape[2] // 4)]

    return locate


@pytest.fixture(scope="session")
def model(base):
    """The folder of the exported version."""
    return base / "1"


@pytest.fixture(scope="session", params=KINDS)
def server(request, model, tmp_path_factory):
    """A server of two models, tiny with the label stable, and renewed: the stand-in, and TensorFlow Serving."""
    with serving(request.param, model, tmp_path_factory.mktemp("served")) as server:
        yield server


@pytest.fixture(scope="session")
def restore_alone(generator):
    """Restores uint8 pictures `(batch, height, width, 3)` with the Keras model, in float32 [-1, 1]."""
    return lambda pictures: generator.predict_on_batch(np.float32(pictures) / 127.5 - 1)


@pytest.fixture(scope="session")
def saved(model):
    """The graph of the exported version, as a message."""
    message = SavedModel()
    message.ParseFromString((model / "saved_model.pb").read_bytes())
    assert len(message.meta_graphs) == 1
    return message.meta_graphs[0]


@pytest.fixture(scope="session")
def signatures(model):
    """The signatures of the exported version, in this process."""
    return tf.saved_model.load(str(model)).signatures


@pytest.fixture
def measured_in_child(model, saved, tmp_path):
    """Runs (signature, value) pairs through the C API in a child process; an abort kills only that.

    A value is an array, or a dictionary of them for a signature with several inputs. Gives for each pair an array or
    the message of an error, the child's bytes in memory, and the most that were.
    """

    def run_all(requests):
        with open(tmp_path / "requests", "wb") as file:
            for signature, value in requests:
                definition = saved.signature_def[signature]
                values = value if isinstance(value, dict) else dict.fromkeys(definition.inputs, value)
                (fetch,) = definition.outputs.values()
                pickle.dump(({definition.inputs[name].name: one for name, one in values.items()}, fetch.name), file)
        words = [C_API_CHILD, C_API_LIBRARY, model, tmp_path / "requests", tmp_path / "answers"]
        ended = subprocess.run([sys.executable, *map(str, words)], capture_output=True, timeout=3000)
        answers = []
        with open(tmp_path / "answers", "rb") as file:
            while file.peek(1):
                answers.append(pickle.load(file))
        assert ended.returncode == 0, f"at request {len(answers)}: {ended.stderr[-2000:]}"
        return answers

    return run_all


@pytest.fixture
def in_child(measured_in_child):
    """As `measured_in_child`, without what it measures."""
    return lambda *requests: [answer for answer, *_ in measured_in_child(requests)]


@pytest.fixture
def pictures():
    """Three pictures of the model's size."""
    return np.random.default_rng(1).integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype("uint8")


@pytest.fixture
def body(pictures):
    """A good request of the smallest kind."""
    return {"signature_name": "serve_bytes", "instances": [b64(encode(pictures[0]))]}


def encode(picture, file_format="PNG", mode="RGB", **options):
    content = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(content, file_format, **options)
    return content.getvalue()


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)))


def as_strings(*contents):
    return np.array([*contents, None], object)[:-1]
