"""What the operations of a TensorFlow graph have to compute and to move, by their shapes."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

_FREE = {"Const", "Placeholder", "ReadVariableOp", "Identity", "Shape", "Reshape", "NoOp", "StopGradient", "Squeeze"}
"""Operations that move no picture, or none that a kernel touches."""


_PARTS = {"StridedSlice", "Slice", "Gather", "GatherV2"}
"""Operations that read as much as they write, however large their input is."""


class Cost(NamedTuple):
    """What a kind of operation costs in one run of a graph.

    Attributes:
        flop: operations on numbers, a multiplication and an addition each; 0 for all but convolutions and matrices.
        moved: bytes of all inputs and outputs, read or written once.
    """

    flop: float
    moved: float


def costs(graph: Any) -> dict[str, Cost]:
    """Returns the costs of a graph by kind of operation, see `kind_of`.

    Args:
        graph: a `tf.Graph`; where a shape is not known, nothing is counted for it.
    """
    flop: dict[str, float] = defaultdict(float)
    moved: dict[str, float] = defaultdict(float)
    for operation in graph.get_operations():
        if operation.type in _FREE:
            continue
        kind = kind_of(operation.type)
        flop[kind] += _flop(operation)
        moved[kind] += _moved(operation)
    return {kind: Cost(flop[kind], moved[kind]) for kind in moved}


def kind_of(type_name: str) -> str:
    """Returns the kind of an operation, whatever oneDNN and the graph's optimizer call it.

    Example:
        >>> kind_of("_MklNativeConv2DBackpropFilterWithBias"), kind_of("_FusedConv2D"), kind_of("FusedBatchNormV3")
        ('Conv2DBackpropFilter', 'Conv2D', 'FusedBatchNormV3')
    """
    if not type_name.startswith("_"):
        return type_name
    return re.sub(r"^_(Mkl)?(Native)?(Fused)?|WithBias$", "", type_name)


def _moved(operation: Any) -> float:
    made = sum(_bytes(tensor) for tensor in operation.outputs)
    if operation.type in _PARTS:
        return 2 * made
    return made + sum(_bytes(tensor) for tensor in operation.inputs)


def _flop(operation: Any) -> float:
    """Two for each product; a gradient of a convolution has as many products as the convolution."""
    match operation.type:
        case "Conv2D":
            return 2 * _products(operation.outputs[0].shape, operation.inputs[1].shape)
        case "Conv2DBackpropInput":
            return 2 * _products(operation.inputs[2].shape, operation.inputs[1].shape)
        case "Conv2DBackpropFilter":
            return 2 * _products(operation.inputs[2].shape, operation.outputs[0].shape)
        case "MatMul":
            inner = operation.inputs[0].shape[0 if operation.get_attr("transpose_a") else 1]
            return 2 * _elements(operation.outputs[0].shape) * (inner or 0)
    return 0.0


def _products(convolved: Sequence[int | None], kernel: Sequence[int | None]) -> float:
    """Returns the products of a convolution: `(batch, rows, columns, out)`, `(height, width, in, out)`."""
    return _elements(convolved) * _elements(kernel[:3])


def _elements(shape: Any) -> float:
    sides = tuple(shape) if getattr(shape, "rank", 0) is not None else (None,)
    return 0.0 if any(side is None for side in sides) else float(math.prod(sides))


def _bytes(tensor: Any) -> float:
    return _elements(tensor.shape) * (tensor.dtype.size or 0)


def table(
    milliseconds: Mapping[str, float], work: Mapping[str, Cost], flops: float, bandwidth: float, rows: int
) -> str:
    """Returns a Markdown table of the dearest kinds of operations.

    Args:
        milliseconds: measured, by kind.
        work: what each kind has to do.
        flops: floating point operations that the machine does in a second, at most.
        bandwidth: bytes that it moves in a second, at most.
        rows: how many kinds have a line of their own.
    """
    total = sum(milliseconds.values())
    lines = ["| operation | ms | share | GFLOP/s | of the peak | at least, ms |", "|---|---|---|---|---|---|"]
    dearest = sorted(milliseconds.items(), key=lambda item: -item[1])
    for kind, spent in dearest[:rows]:
        cost = work.get(kind, Cost(0.0, 0.0))
        rate = cost.flop / (spent / 1e3)
        computed = f"{rate / 1e9:.0f} | {rate / flops:.0%}" if cost.flop else " | "
        least = max(cost.flop / flops, cost.moved / bandwidth) * 1e3
        lines.append(f"| {kind} | {spent:.2f} | {spent / total:.0%} | {computed} | {least:.2f} |")
    rest = sum(spent for _, spent in dearest[rows:])
    lines.append(f"| the rest | {rest:.2f} | {rest / total:.0%} | | | |")
    lines.append(f"| all | {total:.2f} | 100% | | | |")
    return "\n".join(lines)
