"""Class activation maps, by tf-keras-vis, CBAM's own gates, and maps at the input, in numbers to be measured."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import cv2
import keras
import numpy as np
import tensorflow as tf
from keras import ops
from tf_keras_vis.gradcam import Gradcam
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus
from tf_keras_vis.layercam import Layercam
from tf_keras_vis.scorecam import Scorecam

from keras_deid.explain.chain import STAGE_ENDS, Chain
from keras_deid.explain.gates import gate_reader
from keras_deid.explain.input_maps import CELL_WIDTHS, INPUT, INPUT_METHODS

GRADIENT_METHODS = {"gradcam": Gradcam, "gradcam++": GradcamPlusPlus, "layercam": Layercam}
METHODS = {
    "gradcam": "Grad-CAM (Selvaraju et al., 2017)",
    "gradcam++": "Grad-CAM++ (Chattopadhay et al., 2018)",
    "layercam": "LayerCAM (Jiang et al., 2021)",
    "scorecam": "Score-CAM (Wang et al., 2020)",
    "gates": "CBAM's spatial gates (Woo et al., 2018)",
    "integrated-gradients": "integrated gradients (Sundararajan et al., 2017)",
    "occlusion": "occlusion (Zeiler and Fergus, 2014)",
}
GATES = "gates"
"""The method that explains no score: what the modules of a network with CBAM let through."""

# Neither the walk back to the nearest convolution, nor the stretching of every map to 0..1, nor the enlargement, which
# lays corner on corner instead of pixel on pixel.
_AS_IT_IS = {"seek_penultimate_conv_layer": False, "normalize_cam": False, "expand_cam": False}

# tf-keras-vis knows mixed precision by float16 alone; means over bfloat16 would be off by a percent.
_FLOAT32_GRADIENTS: dict[str, Callable[[Any], Any] | None] = {
    "gradcam": lambda gradients: tf.cast(gradients, tf.float32),
    "gradcam++": None,
    "layercam": lambda gradients: tf.nn.relu(tf.cast(gradients, tf.float32)),  # ReLU: eq. 6 of that paper
}


class Explainer:
    """Takes maps at several layers of a network, of one batch after the other.

    tf-keras-vis passes forward and back for every layer, operation by operation. For Grad-CAM and LayerCAM one compiled
    pass makes the maps of all layers; they are equal to those of `attention_maps`. The other class activation maps go
    layer by layer.
    The pass is compiled by the first call and serves batches of any size, also after the network's weights changed.

    Args:
        model: see `attention_maps`.
        layers: names of its layers, at least one; for `GATES`, of CBAM modules; see `layers_of`.
        method: one of `METHODS`.
    """

    def __init__(self, model: keras.Model, layers: Sequence[str], method: str = "gradcam") -> None:
        self._layers = tuple(layers)
        if method == GATES:
            read = gate_reader(model, self._layers)
            self._maps = lambda x, weights: [_beyond_least(gates.spatial) for gates in read(x)]
        elif method in INPUT_METHODS:
            take = INPUT_METHODS[method](model)
            self._maps = lambda x, weights: [take(x, weights)]
        elif method in _ONE_PASS:
            self._maps = _one_pass(model, self._layers, _ONE_PASS[method])
        else:
            self._maps = lambda x, weights: [attention_maps(model, layer, x, weights, method) for layer in self._layers]

    def __call__(self, x: np.ndarray, patch_weights: np.ndarray) -> dict[str, np.ndarray]:
        """Returns, by layer, what `attention_maps` returns, of which these are the arguments."""
        return dict(zip(self._layers, map(np.asarray, self._maps(x, patch_weights)), strict=True))


def layers_of(network: Chain, method: str) -> tuple[str, ...]:
    """Names what maps are taken at: the network's layers, or the input alone for a method that knows no layers."""
    return (INPUT,) if method in INPUT_METHODS else network.layers


def cell_width(network: Chain, method: str, size: tuple[int, int]) -> int:
    """Says how many pixels wide the cells of a network's maps are, over which they are smoothed when they are enlarged.

    Args:
        network: the network.
        method: one of `METHODS`.
        size: (height, width) of the pictures.

    Returns:
        at least 1; of a U-Net, whose stages have cells of every size, 1.
    """
    if method in INPUT_METHODS:
        return CELL_WIDTHS[method](size)
    if network.places == STAGE_ENDS:
        return 1
    layers = keras.Model(network.model.input, [network.model.get_layer(layer).output for layer in network.layers])
    shapes = layers.compute_output_shape((None, *size, 3))
    return max(-(-size[0] // shape[1]) for shape in (shapes if isinstance(shapes, list) else [shapes]))


def attention_maps(
    model: keras.Model, layer: str, x: np.ndarray, patch_weights: np.ndarray, method: str = "gradcam"
) -> np.ndarray:
    """Computes maps at a layer, by nothing but tf-keras-vis.

    Grad-CAM, eq. 1-2: L = ReLU(sum_k a_k A_k), a_k the mean over positions of dS/dA_k, S the target's score.

    Args:
        model: `chain(...).model`, in float32 (as runs save their networks) or float16; for Grad-CAM and LayerCAM
            bfloat16 will do.
        layer: name of one of its layers.
        x: float32 `(batch, height, width, 3)` in [-1, 1].
        patch_weights: float32 `(batch, rows, columns)`, from a target.
        method: one of `METHODS` but `GATES` and `INPUT_METHODS`.

    Returns:
        float32 `(batch, layer's height, layer's width)`, >= 0, not normalized; all 0 where nothing speaks
        for the score.

    Reference:
        [Selvaraju et al., 2017](https://arxiv.org/abs/1610.02391); see `METHODS` for the others.
    """
    if method == "scorecam":
        weights = np.concatenate([np.maximum(patch_weights, 0), np.maximum(-patch_weights, 0)], axis=1)
        weights = weights.reshape(len(x), -1) * patch_weights[0].size
        maps = Scorecam(patch_probabilities(model))(
            _weighted_sum(weights), x, penultimate_layer=layer, batch_size=64, **_AS_IT_IS
        )
    else:
        explain = GRADIENT_METHODS[method](model)
        score, exactly = _weighted_sum(patch_weights[..., None]), _FLOAT32_GRADIENTS[method]
        maps = explain(score, x, penultimate_layer=layer, gradient_modifier=exactly, **_AS_IT_IS)
    return np.asarray(maps, dtype=np.float32)


def patch_probabilities(model: keras.Model) -> keras.Model:
    """Says a model's patch logits as Score-CAM wants them: as classes whose softmax are probabilities.

    tf-keras-vis takes the softmax of the output, which over patch logits would mean nothing. With l a logit and n the
    number of patches, log(sigmoid(l) / n) and log(sigmoid(-l) / n) for all patches are numbers whose exponentials
    sum to 1, so the softmax gives every patch's probability of real, then of fake, divided by n.

    Args:
        model: patch logits `(batch, rows, columns, 1)` out.

    Returns:
        a model with output `(batch, 2 * rows * columns)`.
    """
    logits = keras.layers.Flatten(name="patches", dtype="float32")(model.output)
    count = logits.shape[-1]
    both = ops.concatenate([ops.log_sigmoid(logits), ops.log_sigmoid(-logits)], axis=-1) - float(np.log(count))
    return keras.Model(model.input, both)


def enlarge(maps: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Enlarges maps to the picture, bilinearly, each cell over the pixels that it stands for.

    Args:
        maps: float32 `(pictures, rows, columns)`.
        size: (height, width).

    Returns:
        float32 `(pictures, height, width)`.
    """
    height, width = size
    return np.stack([cv2.resize(one, (width, height), interpolation=cv2.INTER_LINEAR) for one in maps])


def _one_pass(model: keras.Model, layers: Sequence[str], maps_of: _MapsOf) -> Callable[..., list[tf.Tensor]]:
    """Returns the compiled function (x, patch_weights) -> maps of every layer."""
    through = keras.Model(model.input, [*(model.get_layer(layer).output for layer in layers), model.output])
    pictures = tf.TensorSpec((None, *model.input_shape[1:]))
    patches = tf.TensorSpec((None, *model.output_shape[1:3]))

    # What lies before the first layer, and the weights, get gradients that are not needed; compiling drops them.
    @tf.function(input_signature=[pictures, patches], autograph=False)
    def explain(x: tf.Tensor, patch_weights: tf.Tensor) -> list[tf.Tensor]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(x)
            *features, logits = through(x, training=False)
            score = tf.reduce_sum(tf.cast(logits[..., 0], tf.float32) * patch_weights)
        gradients = tape.gradient(score, features)
        # Means over 16 bits would be off by a percent.
        return [
            maps_of(tf.cast(one, tf.float32), tf.cast(gradient, tf.float32))
            for one, gradient in zip(features, gradients, strict=True)
        ]

    return explain


def _beyond_least(gates: np.ndarray) -> np.ndarray:
    """Says how much more a gate lets through than where it lets the least through.

    Gates near 1 everywhere have next to the same sum in every region; what they prefer is in their differences.
    """
    return gates - gates.min(axis=(1, 2), keepdims=True)


def _gradcam(features: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    alphas = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
    return tf.nn.relu(tf.reduce_sum(alphas * features, axis=-1))


def _layercam(features: tf.Tensor, gradients: tf.Tensor) -> tf.Tensor:
    return tf.nn.relu(tf.reduce_sum(tf.nn.relu(gradients) * features, axis=-1))  # eq. 5-6 of that paper


_MapsOf = Callable[[tf.Tensor, tf.Tensor], tf.Tensor]

# The methods whose map at a layer follows from its features and their gradients alone.
_ONE_PASS: dict[str, _MapsOf] = {"gradcam": _gradcam, "layercam": _layercam}


def _weighted_sum(weights: np.ndarray) -> Callable[[Any], tf.Tensor]:
    """Returns the score function: output `(batch, ...)` -> `(batch,)`."""
    constant = tf.constant(weights, tf.float32)
    axes = list(range(1, weights.ndim))
    return lambda output: tf.reduce_sum(tf.cast(output, tf.float32) * constant, axis=axes)
