import numpy as np
import pytest

from benchmarks.restoring_layers import described, table

pytest.importorskip("openvino")

from keras_deid.restoring.silent_openvino import openvino  # noqa: E402


def test_layers_are_described_by_their_shapes():
    from openvino import opset13 as ops

    pictures = ops.parameter(openvino.PartialShape([-1, 3, 20, 24]), np.float32)
    kernel = ops.constant(np.zeros((5, 3, 7, 7), np.float32))
    convolution = ops.convolution(pictures, kernel, [1, 1], [3, 3], [3, 3], [1, 1])
    relu = ops.relu(convolution)
    assert described([convolution, relu], "Convolution") == "7 x 7 convolution, 3 to 5 channels, to 20 x 24"
    kernel = ops.constant(np.zeros((3, 5, 4, 4), np.float32))
    doubled = ops.convolution_backprop_data(pictures, kernel, [2, 2], None, [1, 1], [1, 1], [1, 1])
    assert described([doubled], "Deconvolution") == "4 x 4 transposed convolution, 3 to 5 channels, to 40 x 48"
    assert described([relu], "Eltwise") == "Eltwise to [?,5,20,24]"
    assert described([relu], "Convolution") == "scaled convolution to [?,5,20,24]"
    assert described([], "Reorder") == "Reorder"


def test_the_table_joins_what_takes_next_to_nothing():
    assert table({"a": 6.0, "b": 0.01, "c": 3.99, "d": 0.0}).splitlines()[2:] == [
        "| a | 6.000 | 60.0% |",
        "| c | 3.990 | 39.9% |",
        "| the rest | 0.010 | 0.1% |",
        "| all | 10.000 | 100.0% |",
    ]
