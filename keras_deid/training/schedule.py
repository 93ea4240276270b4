"""CycleGAN's learning rate: constant, then linear to zero."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable(package="keras_deid")
class ConstantThenLinear(keras.optimizers.schedules.LearningRateSchedule):
    """Keeps the learning rate for `constant_steps`, then lets it fall linearly to 0 over `decay_steps`.

    Args:
        learning_rate: float > 0.
        constant_steps: int >= 0.
        decay_steps: int >= 0; 0 keeps the rate for ever.

    Reference:
        [Zhu et al., 2017](https://arxiv.org/abs/1703.10593), section 4 (100 epochs each).
    """

    def __init__(self, learning_rate: float, constant_steps: int, decay_steps: int) -> None:
        self.learning_rate = learning_rate
        self.constant_steps = constant_steps
        self.decay_steps = decay_steps

    def __call__(self, step: Any) -> Any:
        """Returns the learning rate of step `step` (0 is the first)."""
        if not self.decay_steps:
            return ops.convert_to_tensor(self.learning_rate, dtype="float32")
        passed = ops.cast(step, "float32") - self.constant_steps
        return self.learning_rate * ops.clip(1.0 - passed / self.decay_steps, 0.0, 1.0)

    def get_config(self) -> dict[str, Any]:
        """Returns the constructor's arguments."""
        return {
            "learning_rate": self.learning_rate,
            "constant_steps": self.constant_steps,
            "decay_steps": self.decay_steps,
        }
