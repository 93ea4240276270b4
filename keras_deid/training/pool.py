"""CycleGAN's pool of past fakes."""

from __future__ import annotations

import keras
import tensorflow as tf


class ImagePool(keras.layers.Layer):
    """Hands D, half of the time, a fake that G made earlier, so that D does not forget.

    While the pool fills, it returns what it is given. After that each picture is, with probability 1/2, swapped for
    one of the pool drawn at random, whose place it takes. The pool and its random state are weights, so that
    checkpoints hold them.

    Args:
        size: int >= 1; pictures in the pool (CycleGAN: 50).
        picture_shape: (height, width, channels).
        seed: int.

    Reference:
        [Shrivastava et al., 2017](https://arxiv.org/abs/1612.07828), section 2.3;
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), section 4.
    """

    def __init__(self, size: int, picture_shape: tuple[int, ...], seed: int = 0) -> None:
        super().__init__(trainable=False, dtype="float32", name="image_pool")
        if size < 1:
            raise ValueError(f"`size` should be 1 or more. Received: size={size}")
        self.size = size
        self.pictures = self.add_weight(shape=(size, *picture_shape), initializer="zeros", name="pictures")
        self.filled = self.add_weight(shape=(), initializer="zeros", dtype="int32", name="filled")
        self.random = keras.random.SeedGenerator(seed)

    def exchange(self, fakes: tf.Tensor) -> tf.Tensor:
        """Takes a batch of fakes `(batch, height, width, channels)` and returns a batch of the same shape."""
        count = tf.shape(fakes)[0]
        chance = keras.random.uniform((count,), seed=self.random)
        places = keras.random.randint((count,), 0, self.size, seed=self.random)
        shown = tf.TensorArray(fakes.dtype, size=count)
        for index in tf.range(count):
            fake = fakes[index]
            if self.filled < self.size:
                self._put(self.filled, fake)
                self.filled.assign_add(1)
                shown = shown.write(index, fake)
            elif chance[index] < 0.5:
                shown = shown.write(index, self.pictures[places[index]])
                self._put(places[index], fake)
            else:
                shown = shown.write(index, fake)
        result = shown.stack()
        result.set_shape(fakes.shape)
        return result

    def _put(self, place: tf.Tensor, fake: tf.Tensor) -> None:
        self.pictures.assign(tf.tensor_scatter_nd_update(self.pictures.value, tf.reshape(place, (1, 1)), fake[None]))
