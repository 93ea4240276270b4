"""Where the restorer's milliseconds go, layer by layer.

    python -m benchmarks.restoring_layers

OpenVINO's own counts on one thread, with nothing side by side: the times of the layers add up to that of a batch. What
it fuses is counted where it is computed: a ReLU with its convolution. Layers of the same shape are one line. See
docs/speed.md.
"""

from __future__ import annotations

import argparse
import statistics
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from keras_deid.cli.arguments import PRECISIONS
from keras_deid.cli.ending import exit_codes
from keras_deid.cli.start_tensorflow import start_tensorflow
from keras_deid.restoring.graphs import restoring_graph
from keras_deid.restoring.openvino_network import compile_for, convert
from keras_deid.restoring.runtime import choose_runtime
from keras_deid.shipped import DEFAULT_RUN, find_run

_ALONE = {"PERF_COUNT": True, "NUM_STREAMS": 1, "INFERENCE_NUM_THREADS": 1}
_LEAST = 0.005
"""Lines with a smaller part of the whole are one."""


@exit_codes
def main(argv: list[str] | None = None) -> int:
    """Prints a table."""
    options = _parser().parse_args(argv)
    runtime = choose_runtime("openvino", options.precision, start_tensorflow)
    start_tensorflow()
    model = convert(restoring_graph(find_run(options.run)))
    compiled = compile_for(model, runtime.precision, _ALONE)
    request = compiled.create_infer_request()
    _, height, width, _ = (side.get_length() if side.is_static else 0 for side in model.input(0).get_partial_shape())
    crops = np.random.default_rng(0).integers(0, 256, (options.batch, height, width, 3), np.uint8)
    turns: dict[str, list[float]] = defaultdict(list)
    for turn in range(options.turns + 1):
        request.infer([crops])
        if turn:  # the first one takes longer
            for info in request.get_profiling_info():
                turns[info.node_name].append(info.real_time.total_seconds() * 1e3 / options.batch)
    layers = {node.get_friendly_name(): node for node in model.get_ops()}
    by_layer: dict[str, float] = defaultdict(float)
    for node in compiled.get_runtime_model().get_ops():
        if times := turns.get(node.get_friendly_name()):
            parts = node.rt_info["originalLayersNames"].astype(str).split(",")
            fused = [layers[part] for part in parts if part in layers]
            by_layer[described(fused, node.rt_info["layerType"].astype(str))] += statistics.median(times)
    print(f"{options.run}, {height} x {width} px, batch {options.batch}, {runtime.precision}, one thread")
    print(table(by_layer))
    return 0


def described(fused: Sequence[Any], kind: str) -> str:
    """Says what nodes of an OpenVINO model that are computed together do.

    Args:
        fused: the nodes, convolutions in NCHW; none for what OpenVINO adds.
        kind: what OpenVINO calls all of them.

    Returns:
        The convolution among them, or the kind, and the shape of the result.
    """
    for node in fused:
        if node.get_type_name() == "Convolution":
            made, taken, high, wide = node.input(1).get_shape()
            return f"{high} x {wide} convolution, {taken} to {made} channels, to {_picture(node)}"
        if node.get_type_name() == "ConvolutionBackpropData":
            taken, made, high, wide = node.input(1).get_shape()
            return f"{high} x {wide} transposed convolution, {taken} to {made} channels, to {_picture(node)}"
    shape = f" to {fused[-1].output(0).get_partial_shape()}" if fused else ""
    # A convolution whose kernel has taken in what the result is multiplied by, as in the second one of each block.
    return f"scaled convolution{shape}" if kind == "Convolution" else f"{kind}{shape}"


def _picture(convolution: Any) -> str:
    _, _, height, width = convolution.output(0).get_partial_shape()
    return f"{height} x {width}"


def table(milliseconds: Mapping[str, float]) -> str:
    """Returns a Markdown table, the dearest first.

    Args:
        milliseconds: by layer.
    """
    total = sum(milliseconds.values())
    lines = ["| layers | ms a crop | share |", "|---|---|---|"]
    rest = 0.0
    for layer, spent in sorted(milliseconds.items(), key=lambda item: -item[1]):
        if spent < _LEAST * total:
            rest += spent
        else:
            lines.append(f"| {layer} | {spent:.3f} | {spent / total:.1%} |")
    lines.append(f"| the rest | {rest:.3f} | {rest / total:.1%} |")
    lines.append(f"| all | {total:.3f} | 100.0% |")
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.restoring_layers",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--run", default=DEFAULT_RUN, help="restorer (default: %(default)s)")
    parser.add_argument("--batch", metavar="N", type=int, default=4, help="crops of a request (default: 4)")
    parser.add_argument("--turns", metavar="N", type=int, default=20, help="whose median counts (default: 20)")
    parser.add_argument("--precision", choices=PRECISIONS, default="auto", help="(default: auto)")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
