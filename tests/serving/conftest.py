import io
import json

import numpy as np
import pytest
from PIL import Image

from keras_deid.config import Config
from keras_deid.models.resnet_generator import resnet_generator
from keras_deid.serving.export import export

# Not square, so that height and width cannot be mistaken for each other.
HEIGHT, WIDTH = 16, 24

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
    "inputs": {"mosaic": {"psnr": 20.125, "faces_found": None}},
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


@pytest.fixture(scope="session")
def base(run, tmp_path_factory):
    """The folder of an exported model, with version 1."""
    base = tmp_path_factory.mktemp("saved_models") / "tiny"
    export(run, base)
    return base


@pytest.fixture(scope="session")
def model(base):
    """The folder of the exported version."""
    return base / "1"


@pytest.fixture(scope="session")
def restore_alone(generator):
    """Restores uint8 pictures `(batch, height, width, 3)` with the Keras model, in float32 [-1, 1]."""
    return lambda pictures: generator.predict_on_batch(np.float32(pictures) / 127.5 - 1)


@pytest.fixture
def pictures():
    """Three pictures of the model's size."""
    return np.random.default_rng(1).integers(0, 256, (3, HEIGHT, WIDTH, 3)).astype("uint8")


def encode(picture, file_format="PNG", mode="RGB", **options):
    content = io.BytesIO()
    Image.fromarray(picture).convert(mode).save(content, file_format, **options)
    return content.getvalue()


def decode(content):
    return np.asarray(Image.open(io.BytesIO(content)))
