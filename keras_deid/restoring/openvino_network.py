"""Networks on OpenVINO: converted from TensorFlow once, and kept on disk as they were compiled for this machine."""

from __future__ import annotations

import functools
import hashlib
import io
import queue
import tempfile
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_deid.restoring import compiled_cache
from keras_deid.restoring.runtime import CannotConvert, Trace
from keras_deid.restoring.silent_openvino import openvino

if TYPE_CHECKING:
    from openvino import CompiledModel, Model

_PART = 4
"""Pictures for one request. More at a time are not faster, and fewer leave more for other streams."""
_HINTS = {"float32": "f32", "bfloat16": "bf16"}
_CODE = ("layers/*.py", "models/*.py", "restoring/graphs.py", "restoring/openvino_network.py")
"""What decides, besides the weights, what a network computes."""
_MOST_OFF = 1 / 255
"""Largest mean difference to TensorFlow's result, as a part of its range, with which a conversion counts as right."""


class OpenVinoNetwork:
    """A compiled network. A batch is divided among the streams, which compute at the same time.

    Args:
        compiled: of one input and one output.
    """

    def __init__(self, compiled: CompiledModel) -> None:
        streams = int(compiled.get_property("OPTIMAL_NUMBER_OF_INFER_REQUESTS"))
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for _ in range(streams):
            self._idle.put(compiled.create_infer_request())
        self._threads = ThreadPoolExecutor(streams, "openvino")
        self.input_shape: tuple[int | None, ...] = tuple(
            None if side.is_dynamic else side.get_length() for side in compiled.input(0).get_partial_shape()
        )

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Maps uint8 pictures to the results."""
        parts = [pictures[start : start + _PART] for start in range(0, len(pictures), _PART)]
        if len(parts) == 1:
            return self._infer(parts[0])
        return np.concatenate(list(self._threads.map(self._infer, parts)))

    def _infer(self, pictures: np.ndarray) -> np.ndarray:
        request = self._idle.get()
        try:
            request.start_async([np.ascontiguousarray(pictures)], share_inputs=True)
            request.wait()
            return np.array(request.get_output_tensor(0).data)
        finally:
            self._idle.put(request)


@functools.cache
def has_bfloat16() -> bool:
    """Whether the processor computes in bfloat16."""
    return "BF16" in _core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")


def load_network(
    identity: str, trace: Trace, run: Path, precision: str, start_tensorflow: Callable[[], None]
) -> OpenVinoNetwork:
    """Loads a network from the cache, or converts it.

    Args:
        identity: of its weights.
        trace: makes it from the run.
        run: folder.
        precision: "float32" or "bfloat16".
        start_tensorflow: is called before TensorFlow is imported.

    Raises:
        CannotConvert: if OpenVINO cannot run it, or computes something else than TensorFlow.
        UserError: if `trace` raises it.
    """
    name = _cache_name(identity, trace, precision)
    kept = compiled_cache.read(name)
    if kept is not None:
        try:
            return OpenVinoNetwork(_core().import_model(io.BytesIO(kept), "CPU", _settings(precision)))
        except RuntimeError:  # a broken file, which is replaced below
            pass
    start_tensorflow()
    function = trace(run)
    compiled = compile_for(convert(function), precision)
    network = OpenVinoNetwork(compiled)
    _check(network, function)
    compiled_cache.write(name, compiled.export_model().getvalue())
    return network


def compile_for(model: Model, precision: str, further: Mapping[str, Any] | None = None) -> CompiledModel:
    """Compiles a network for this processor.

    Args:
        model: from `convert`.
        precision: "float32" or "bfloat16".
        further: OpenVINO's own settings, which come before those of restoring.
    """
    return _core().compile_model(model, "CPU", {**_settings(precision), **(further or {})})


def convert(function: Any) -> Model:
    """Converts a TensorFlow function by way of a file: OpenVINO reads graphs whose variables are constants.

    Raises:
        CannotConvert: if OpenVINO cannot read it.
    """
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    try:
        frozen = convert_variables_to_constants_v2(function.get_concrete_function())
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "network.pb"
            path.write_bytes(frozen.graph.as_graph_def().SerializeToString())
            return _core().read_model(path)
    except (RuntimeError, ValueError, KeyError) as error:
        raise CannotConvert(str(error)) from error


def _check(network: OpenVinoNetwork, function: Any) -> None:
    """Compares the results for pictures of random pixels with TensorFlow's."""
    batch, height, width, channels = (
        default if side is None else side for side, default in zip(network.input_shape, (2, 64, 64, 3), strict=True)
    )
    pictures = np.random.default_rng(0).integers(0, 256, (batch, height, width, channels), np.uint8)
    expected = function(pictures).numpy()
    try:
        found = network(pictures)
    except RuntimeError as error:
        raise CannotConvert(str(error)) from error
    scale = 255 if expected.dtype == np.uint8 else 1
    if found.shape != expected.shape or np.abs(found / scale - expected / scale).mean() > _MOST_OFF:
        raise CannotConvert("the results differ from TensorFlow's")


def _settings(precision: str) -> dict[str, Any]:
    return {
        "PERFORMANCE_HINT": "THROUGHPUT",
        "INFERENCE_PRECISION_HINT": _HINTS[precision],
        # Two networks whose threads are bound to the same cores would wait for each other.
        "ENABLE_CPU_PINNING": False,
    }


def _cache_name(identity: str, trace: Trace, precision: str) -> str:
    """Differs wherever the compiled network may."""
    package = Path(__file__).parents[1]
    code = [path for pattern in _CODE for path in sorted(package.glob(pattern))]
    parts = [
        identity.encode(),
        trace.__name__.encode(),
        precision.encode(),
        *(path.read_bytes() for path in code),
        *(version(name).encode() for name in ("tensorflow", "keras", "openvino")),
        *(
            str(_core().get_property("CPU", name)).encode()
            for name in ("FULL_DEVICE_NAME", "OPTIMIZATION_CAPABILITIES")
        ),
    ]
    return hashlib.sha256(b"".join(hashlib.sha256(part).digest() for part in parts)).hexdigest()


@functools.cache
def _core() -> Any:
    return openvino.Core()
