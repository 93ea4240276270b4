"""Restores a picture with a generator that takes no picture: searches for a drawing that fits the picture.

The search computes gradients while it restores. `keras.ops` cannot do so, therefore this module needs TensorFlow.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import keras
import numpy as np
import tensorflow as tf

SAME = 1 / 255
"""Values closer than this, half a grey level in signed units, are the same."""


def latent_search(generator: keras.Model, *, name: str = "generator", **search: Any) -> keras.Model:
    """Builds a restorer around a generator that draws from latent vectors.

    Args:
        generator: G, float `(batch, latent)` -> `(batch, height, width, 3)` in [-1, 1].
        name: name of the model.
        **search: options of `LatentSearch`.

    Returns:
        A functional model: float `(batch, height, width, 3)` in [-1, 1] -> float32 of the same shape. Its only layer,
        `"search"`, holds G.

    Raises:
        ValueError: if an option is out of its range.
    """
    picture = keras.Input(generator.output_shape[1:], name="deidentified")
    return keras.Model(picture, LatentSearch(generator, **search, name="search")(picture), name=name)


@keras.saving.register_keras_serializable(package="keras_deid")
class LatentSearch(keras.layers.Layer):
    """Finds the drawing that, de-identified in the same way, is most like a de-identified picture x.

    The way is read from x itself, see `Mosaic`: each flat block of x is averaged in the drawing too,

        z* = arg min_z  sum_p w_p |A_x(G(z))_p - x_p|^2,   |z|^2 = latent,   restored = G(z*)

    so that the drawing is compared with the block means of a mosaic (Menon et al., eq. 1 and 4), and pixel by pixel
    elsewhere (Yeh et al., eq. 4, the context loss). Instead of using their prior loss, z stays on the sphere on which
    N(0, 1) has nearly all of its mass (Menon et al., section 3.2), which needs no D. For each picture, Adam starts from
    the best of a few drawings, which are the same for all pictures. Its rate falls linearly to 0. The best drawing on
    the way is returned. Nothing is random, and the pictures of a batch do not influence each other.

    The whole picture is drawn. Yeh et al. put back only the hidden part, for which they need a mask. There is no mask
    here, so the pixels that were not hidden are only as good as G can draw them.

    Args:
        generator: G, float `(batch, latent)` -> `(batch, height, width, 3)` in [-1, 1].
        steps: int >= 1; gradient steps.
        learning_rate: float > 0; Adam's, in units of a latent vector's values, which are about 1.
        starts: int >= 1; number of drawings to choose the start from.
        hidden_weight: float > 0; w_p where x is flat in both directions, against 1 elsewhere.
        seed: int; of the starts.

    Call arguments:
        inputs: float `(batch, height, width, 3)` in [-1, 1].

    Raises:
        ValueError: if an option is out of its range.

    Reference:
        [Yeh et al., 2017](https://arxiv.org/abs/1607.07539);
        [Menon et al., 2020](https://arxiv.org/abs/2003.03808) (PULSE).
    """

    def __init__(
        self,
        generator: keras.Model,
        *,
        steps: int = 60,
        learning_rate: float = 0.5,
        starts: int = 64,
        hidden_weight: float = 16.0,
        seed: int = 0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**{"dtype": "float32", **kwargs})
        for option, value, least in (("steps", steps, 1), ("starts", starts, 1)):
            if value < least:
                raise ValueError(f"`{option}` should be {least} or more. Received: {option}={value}")
        for option, rate in (("learning_rate", learning_rate), ("hidden_weight", hidden_weight)):
            if rate <= 0:
                raise ValueError(f"`{option}` should be greater than 0. Received: {option}={rate}")
        self.generator = generator
        self.steps = steps
        self.learning_rate = learning_rate
        self.starts = starts
        self.hidden_weight = hidden_weight
        self.seed = seed

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Draws the start vectors, which are saved with the weights."""
        shape = (self.starts, self.generator.input_shape[-1])
        vectors = np.random.default_rng(self.seed).normal(size=shape).astype("float32")
        self.start_vectors = self.add_weight(
            shape=shape, initializer=lambda *_, **__: vectors, trainable=False, name="start_vectors"
        )
        # One graph for batches of all sizes: building it takes as long as restoring several batches.
        signature = tf.TensorSpec((None, *input_shape[1:]), tf.float32)
        self._restore_in_graph = tf.function(self._restore, input_signature=[signature], autograph=False)

    def call(self, inputs: Any) -> Any:
        """Returns the restored pictures."""
        return self._restore_in_graph(inputs)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Returns the shape of the input."""
        return input_shape

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            **super().get_config(),
            "generator": keras.saving.serialize_keras_object(self.generator),
            "steps": self.steps,
            "learning_rate": self.learning_rate,
            "starts": self.starts,
            "hidden_weight": self.hidden_weight,
            "seed": self.seed,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> LatentSearch:
        """Builds the layer that `get_config` describes."""
        generator = keras.saving.deserialize_keras_object(config["generator"])
        return cls(**{**config, "generator": generator})

    def _restore(self, x: tf.Tensor) -> tf.Tensor:
        target = Mosaic.read(x, self.hidden_weight)
        return self._draw(self._descend(target, self._best_start(target)))

    def _draw(self, vectors: tf.Tensor) -> tf.Tensor:
        return self.generator(_on_sphere(vectors), training=False)

    def _best_start(self, target: Mosaic) -> tf.Tensor:
        """Returns the start whose drawing fits each picture best, float32 `(batch, latent)`."""
        vectors = tf.convert_to_tensor(self.start_vectors)
        drawings = self._draw(vectors)

        def mismatch_with_all(drawing: tf.Tensor) -> tf.Tensor:
            return target.mismatch(tf.broadcast_to(drawing, tf.shape(target.x)))

        mismatch = tf.map_fn(mismatch_with_all, drawings)  # [starts, B]
        return tf.gather(vectors, tf.argmin(mismatch, axis=0))

    def _descend(self, target: Mosaic, start: tf.Tensor) -> tf.Tensor:
        """Returns the best vectors that Adam finds from the starts, float32 `(batch, latent)`."""

        def step(index: Any, z: Any, mean: Any, square: Any, best: Any, lowest: Any) -> tuple[Any, ...]:
            with tf.GradientTape(watch_accessed_variables=False) as tape:
                tape.watch(z)
                mismatch = target.mismatch(self._draw(z))  # each picture's own, hence its gradient too
            gradient = tape.gradient(mismatch, z)
            best = tf.where((mismatch < lowest)[:, None], z, best)
            lowest = tf.minimum(mismatch, lowest)

            # Adam (Kingma and Ba, 2014, arXiv 1412.6980, algorithm 1)
            mean = 0.9 * mean + 0.1 * gradient
            square = 0.999 * square + 0.001 * tf.square(gradient)
            done = tf.cast(index, tf.float32)
            unbiased_mean = mean / (1.0 - 0.9 ** (done + 1.0))
            unbiased_square = square / (1.0 - 0.999 ** (done + 1.0))
            rate = self.learning_rate * (1.0 - done / self.steps)
            z = _on_sphere(z - rate * unbiased_mean / (tf.sqrt(unbiased_square) + 1e-8))
            return index + 1, z, mean, square, best, lowest

        z = _on_sphere(start)
        none = tf.zeros_like(z)
        lowest = tf.fill(tf.shape(z)[:1], np.float32(np.inf))
        state = (0, z, none, none, z, lowest)
        *_, best, lowest = tf.while_loop(lambda *_: True, step, state, maximum_iterations=self.steps)
        return best


class Mosaic(NamedTuple):
    """How a picture x was de-identified, as far as x shows it, so that the same can be done to another picture.

    Equal neighbours form a run, along each row and along each column. The blocks of a mosaic are runs in both
    directions. The mean over the runs of rows and then over the runs of columns is the mean of the block. Untouched
    pixels are nearly always runs of length one, whose mean is the pixel. In areas that are flat by nature, such as a
    white background, only the mean is compared. A blur leaves no such trace, so a blurred picture is compared pixel
    by pixel.

    Attributes:
        x: float32 `(batch, height, width, 3)` in [-1, 1].
        rows: int32 `(batch * height * width,)`: the number of the run of each pixel along its row.
        columns: the same along its column, in the order of the transposed picture.
        weights: float32 `(batch, height, width, 1)`: weight of each pixel, with mean 1 in each picture.
    """

    x: tf.Tensor
    rows: tf.Tensor
    columns: tf.Tensor
    weights: tf.Tensor

    @classmethod
    def read(cls, x: tf.Tensor, hidden_weight: float) -> Mosaic:
        """Finds the blocks of a batch of pictures; the pixels inside blocks get the weight `hidden_weight`."""
        rows, columns = _runs(x), _runs(_transposed(x))
        hidden = _in_run(rows, x) & _transposed(_in_run(columns, _transposed(x)))
        weights = tf.where(hidden, hidden_weight, 1.0)
        return cls(x, rows, columns, weights / tf.reduce_mean(weights, axis=(1, 2, 3), keepdims=True))

    def apply(self, pictures: tf.Tensor) -> tf.Tensor:
        """De-identifies pictures, one for each x and of its shape."""
        along_rows = _mean_over_runs(pictures, self.rows)
        return _transposed(_mean_over_runs(_transposed(along_rows), self.columns))

    def mismatch(self, pictures: tf.Tensor) -> tf.Tensor:
        """Returns the weighted sum of squared differences between de-identified pictures and x: `(batch,)`."""
        return tf.reduce_sum(self.weights * tf.square(self.apply(pictures) - self.x), axis=(1, 2, 3))


def _on_sphere(vectors: tf.Tensor) -> tf.Tensor:
    """Scales vectors to the length of most draws from N(0, 1): the square root of their dimension."""
    return tf.math.l2_normalize(vectors, axis=1) * vectors.shape[1] ** 0.5


def _transposed(pictures: tf.Tensor) -> tf.Tensor:
    return tf.transpose(pictures, (0, 2, 1, 3))


def _runs(x: tf.Tensor) -> tf.Tensor:
    """Numbers the runs of same neighbours along the rows, through the whole batch: int32 `(pixels,)`."""
    differs = tf.reduce_any(tf.abs(x[:, :, 1:] - x[:, :, :-1]) > SAME, axis=-1)
    begins = tf.pad(differs, ((0, 0), (0, 0), (1, 0)), constant_values=True)
    return tf.cumsum(tf.cast(tf.reshape(begins, (-1,)), tf.int32)) - 1


def _in_run(runs: tf.Tensor, x: tf.Tensor) -> tf.Tensor:
    """Returns bool `(batch, height, width, 1)`: whether a pixel's run is longer than one."""
    lengths = tf.math.segment_sum(tf.ones_like(runs), runs)
    return tf.reshape(tf.gather(lengths, runs) > 1, tf.shape(x[..., :1]))


def _mean_over_runs(pictures: tf.Tensor, runs: tf.Tensor) -> tf.Tensor:
    values = tf.reshape(pictures, (-1, pictures.shape[-1]))
    means = tf.math.segment_mean(values, runs)
    return tf.reshape(tf.gather(means, runs), tf.shape(pictures))
