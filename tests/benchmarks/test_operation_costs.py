import pytest
import tensorflow as tf

from benchmarks.operation_costs import Cost, costs, kind_of, table


def test_a_convolution_and_its_gradients_have_the_same_products():
    @tf.function
    def step(pictures, kernel):
        with tf.GradientTape() as tape:
            tape.watch([pictures, kernel])
            convolved = tf.nn.conv2d(pictures, kernel, 2, "SAME")
        return tape.gradient(convolved, [pictures, kernel])

    graph = step.get_concrete_function(tf.zeros((2, 8, 6, 3)), tf.zeros((5, 5, 3, 7))).graph
    found = costs(graph)
    flop = 2 * (2 * 4 * 3 * 7) * (5 * 5 * 3)
    for kind in ("Conv2DBackpropInput", "Conv2DBackpropFilter"):
        assert found[kind].flop == flop
    convolution = tf.function(lambda *given: tf.nn.conv2d(*given, 2, "SAME"))
    graph = convolution.get_concrete_function(tf.zeros((2, 8, 6, 3)), tf.zeros((5, 5, 3, 7))).graph
    assert costs(graph)["Conv2D"] == Cost(flop, 4 * (2 * 8 * 6 * 3 + 5 * 5 * 3 * 7 + 2 * 4 * 3 * 7))


def test_matrices_and_what_has_no_products():
    @tf.function
    def mixed(one, other):
        return tf.linalg.matmul(one, other, transpose_a=True)[:1] + 1.0

    found = costs(mixed.get_concrete_function(tf.zeros((5, 2)), tf.zeros((5, 3))).graph)
    assert found["MatMul"].flop == 2 * 2 * 3 * 5
    assert found["StridedSlice"] == Cost(0, 4 * (3 + 3))
    assert found["AddV2"] == Cost(0, 4 * (3 + 1 + 3))


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("_MklNativeConv2DBackpropFilterWithBias", "Conv2DBackpropFilter"),
        ("_MklNativeFusedConv2D", "Conv2D"),
        ("_FusedMatMul", "MatMul"),
        ("FusedBatchNormV3", "FusedBatchNormV3"),
        ("MaxPool", "MaxPool"),
    ],
)
def test_operations_have_one_name(name, kind):
    assert kind_of(name) == kind


def test_the_table():
    work = {"Conv2D": Cost(4e9, 1e6), "Mul": Cost(0.0, 2e8)}
    lines = table({"Conv2D": 80.0, "Mul": 15.0, "Sub": 5.0}, work, flops=100e9, bandwidth=20e9, rows=2).splitlines()
    assert lines[2:] == [
        "| Conv2D | 80.00 | 80% | 50 | 50% | 40.00 |",
        "| Mul | 15.00 | 15% |  |  | 10.00 |",
        "| the rest | 5.00 | 5% | | | |",
        "| all | 100.00 | 100% | | | |",
    ]
