"""What trained networks run on: TensorFlow, or OpenVINO where it is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from keras_deid.errors import UserError

Trace = Callable[[Path], Any]
"""Folder of a run -> TensorFlow function with a signature of one input and one output; see `graphs`."""


class Network(Protocol):
    """A network, ready to run; may be called from several threads.

    Attributes:
        input_shape: None stands for any number.
    """

    input_shape: tuple[int | None, ...]

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Maps uint8 pictures to the results."""
        ...


class TensorFlowNetwork:
    """A network on TensorFlow."""

    def __init__(self, function: Any) -> None:
        self._function = function
        self.input_shape: tuple[int | None, ...] = tuple(function.input_signature[0].shape)

    def __call__(self, pictures: np.ndarray) -> np.ndarray:
        """Maps uint8 pictures to the results."""
        result: np.ndarray = self._function(pictures).numpy()
        return result


class CannotConvert(Exception):
    """OpenVINO cannot run a network, or computes something else."""


@dataclass(frozen=True)
class Runtime:
    """What networks run on; `choose_runtime` makes it.

    Attributes:
        name: "openvino" or "tensorflow".
        precision: "float32" or "bfloat16".
        falls_back: whether TensorFlow runs what OpenVINO cannot.
        start_tensorflow: is called before TensorFlow is imported, if it is at all.
    """

    name: str
    precision: str = "float32"
    falls_back: bool = False
    start_tensorflow: Callable[[], None] = lambda: None

    def load(self, identity: str, trace: Trace, run: Path) -> Network:
        """Loads a network.

        Args:
            identity: `digest` of its weights; on OpenVINO weights that were loaded before need no TensorFlow.
            trace: makes it from the run.
            run: folder.

        Raises:
            UserError: if `trace` raises it, or OpenVINO cannot run the network.
        """
        if self.name == "openvino":
            from keras_deid.restoring.openvino_network import load_network

            try:
                return load_network(identity, trace, run, self.precision, self.start_tensorflow)
            except CannotConvert as error:
                if not self.falls_back:
                    raise UserError(f"{run}: OpenVINO cannot run this network; give --runtime tensorflow") from error
        self.start_tensorflow()
        return TensorFlowNetwork(trace(run))


TENSORFLOW = Runtime("tensorflow")


def choose_runtime(
    name: str = "auto", precision: str = "auto", start_tensorflow: Callable[[], None] = lambda: None
) -> Runtime:
    """Chooses what networks run on.

    Args:
        name: "openvino", "tensorflow", or "auto": OpenVINO if it is installed, and TensorFlow for what it cannot run.
        precision: "float32", "bfloat16", or "auto": bfloat16 on OpenVINO if the processor computes in it.
        start_tensorflow: see `Runtime`.

    Raises:
        UserError: if OpenVINO is asked for and not installed, or bfloat16 is asked for and cannot be had.
    """
    installed = find_spec("openvino") is not None
    if name == "openvino" and not installed:
        raise UserError("OpenVINO is not installed; install it with: pip install 'keras-deid[fast]'")
    if name == "tensorflow" or not installed:
        if precision == "bfloat16":
            raise UserError(
                "bfloat16 needs OpenVINO; leave --precision out, or install it with: pip install 'keras-deid[fast]'"
            )
        return Runtime("tensorflow", start_tensorflow=start_tensorflow)
    from keras_deid.restoring.openvino_network import has_bfloat16

    if precision == "bfloat16" and not has_bfloat16():
        raise UserError("this processor does not compute in bfloat16; leave --precision out")
    reduced = precision != "float32" and has_bfloat16()
    return Runtime("openvino", "bfloat16" if reduced else "float32", name == "auto", start_tensorflow)


def digest(weights: Path) -> str:
    """Returns the SHA-256 of a file of weights.

    Raises:
        UserError: if it cannot be read.
    """
    if not weights.is_file():
        raise UserError(f"{weights}: no such file; train the run first, or give the folder of one that is trained")
    try:
        return hashlib.sha256(weights.read_bytes()).hexdigest()
    except OSError as error:
        raise UserError(f"{weights}: cannot be read ({error.strerror or error})") from error
