import os
import sys

# TensorFlow and OpenMP read these once, when they are first imported: before any test module.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# The networks of the tests are small: more threads wait for each other, and for those of the other tests of `-n 2`.
for variable in ("OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(variable, "1")

import atexit  # noqa: E402
import shutil  # noqa: E402
import tempfile  # noqa: E402
from pathlib import Path  # noqa: E402

import hypothesis  # noqa: E402
import pytest  # noqa: E402

# Compiled networks of tests stay out of the user's cache; the workers of a session share a folder.
if "PYTEST_XDIST_WORKER" not in os.environ:
    os.environ["KERAS_DEID_CACHE"] = tempfile.mkdtemp(prefix="keras-deid-tests-")
    atexit.register(shutil.rmtree, os.environ["KERAS_DEID_CACHE"], ignore_errors=True)

# No deadline: the first call of a TensorFlow operation takes far longer than the next.
hypothesis.settings.register_profile("developer", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "developer")


@pytest.fixture(autouse=True)
def seeded():
    """Weights and dropout are the same in every run and whichever tests are selected."""
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture
def policy():
    """Sets the global precision policy for one test."""
    import keras

    yield keras.mixed_precision.set_dtype_policy
    keras.mixed_precision.set_dtype_policy("float32")


@pytest.fixture(scope="session")
def copying():
    """A generator that returns its input, of any size."""
    import keras

    pictures = keras.Input((None, None, 3))
    return keras.Model(pictures, keras.layers.Identity()(pictures))


@pytest.fixture(scope="session")
def photos():
    """The folder of photographs that `KERAS_DEID_PHOTOS` names; without it, tests that need one are skipped."""
    folder = os.environ.get("KERAS_DEID_PHOTOS")
    if not folder:
        pytest.skip("needs photographs of people: set KERAS_DEID_PHOTOS to their folder")
    path = Path(folder)
    assert path.is_dir(), f"KERAS_DEID_PHOTOS is not a folder: {folder}"
    return path
