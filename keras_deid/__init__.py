"""Restores de-identified faces with attention-guided adversarial networks.

- `Restorer().restore(image)` restores a picture;
- `load_generator("street64_any")` loads a trained generator as a Keras model;
- `load_config("street64", ["training.epochs=3"])` reads a configuration.

Importing the package is fast: TensorFlow and Keras load when one of these is first used.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keras_deid.config import load_config
    from keras_deid.models.saved import load_generator
    from keras_deid.restoring.restorer import Restorer

__version__ = "0.1.0"
__all__ = ["Restorer", "__version__", "load_config", "load_generator"]

_HOME = {
    "Restorer": "keras_deid.restoring.restorer",
    "load_config": "keras_deid.config",
    "load_generator": "keras_deid.models.saved",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
