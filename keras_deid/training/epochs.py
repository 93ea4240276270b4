"""What happens at the end of an epoch, and what is shown while it runs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf
from tqdm import tqdm

from keras_deid.progress import Progress
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.epoch_part import EpochPart
from keras_deid.training.history import History

Validate = Callable[[Any, int, Any], dict[str, float]]

_SHOWN = {"g_loss": "G", "d_loss": "D", "l1": "L1", "cycle": "cycle", "loss": "loss"}


class ShowProgress(keras.callbacks.Callback):
    """Counts the pictures of the whole run.

    Args:
        progress: is told after each step.
        total_steps: of the run.
        batch_size: pictures a step.
    """

    def __init__(self, progress: Progress, total_steps: int, batch_size: int) -> None:
        super().__init__()
        self._progress = progress
        self._total = total_steps * batch_size
        self._batch_size = batch_size

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Tells where the run stands."""
        self._done = int(self.model.step) * self._batch_size
        self._progress(self._done, self._total, "training")

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Tells that a step is done."""
        self._done += self._batch_size
        self._progress(self._done, self._total, "training")


class FinishEpoch(keras.callbacks.Callback):
    """Validates, then writes samples, TensorBoard, the networks, `history.csv` and, last, the checkpoint.

    An epoch that a signal has cut short is not finished: it is continued by the next start, and its line in
    `history.csv` covers all of its parts.

    Args:
        run: the run's folder.
        validate: (model, epoch, TensorBoard writer) -> scores by name; none where there is nothing to validate on.
        save: writes the model's networks as other commands load them.
        history: of the run.
        checkpoints: of the run.
        best_by: the score that decides which epoch's networks are kept; None keeps the last ones.
        batch_size: pictures a step.
        steps_per_epoch: whole batches in an epoch.
        checkpoint_steps: steps between checkpoints inside an epoch; 0: none.
    """

    def __init__(
        self,
        run: Path,
        validate: Validate,
        save: Callable[[Any], None],
        history: History,
        checkpoints: Checkpoints,
        *,
        best_by: str | None,
        batch_size: int,
        steps_per_epoch: int,
        checkpoint_steps: int,
    ) -> None:
        super().__init__()
        self._validate = validate
        self._save = save
        self._history = history
        self._checkpoints = checkpoints
        self._best_by = best_by
        self._batch_size = batch_size
        self._steps_per_epoch = steps_per_epoch
        self._checkpoint_steps = checkpoint_steps
        self._writer = tf.summary.create_file_writer(str(run / "tensorboard"))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clocks."""
        self._started, self._first_step = time.perf_counter(), int(self.model.step)
        self.model.waited = 0.0
        begun = self._first_step % self._steps_per_epoch != 0
        self._before = EpochPart.of(self._checkpoints.epoch(self._first_step) if begun else None)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves a checkpoint inside the epoch where the configuration asks for it."""
        step = int(self.model.step)
        ends_epoch = step % self._steps_per_epoch == 0  # saved when its line is in `history.csv`
        if self._checkpoint_steps and step % self._checkpoint_steps == 0 and not ends_epoch:
            self._checkpoints.save(self._so_far(logs).as_json())

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finishes the epoch."""
        step, part = int(self.model.step), self._so_far(logs)
        if step < (epoch + 1) * self._steps_per_epoch:
            self._checkpoints.save(part.as_json())
            return
        row = {
            "epoch": float(epoch + 1),
            "step": float(step),
            "seconds": round(part.seconds, 3),
            "images_per_second": round(part.steps * self._batch_size / part.seconds, 2),
            "data_wait": round(part.waited / part.seconds, 5),
            "peak_memory_mb": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024),
            "learning_rate": self.model.learning_rate,
            **part.means,
        }
        row |= {f"val_{name}": value for name, value in self._validate(self.model, epoch + 1, self._writer).items()}
        best_by = f"val_{self._best_by}"
        if best_by not in row or row[best_by] >= self._history.best(best_by):
            self._save(self.model)
        with self._writer.as_default(step=step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self._history.append(row)
        self._checkpoints.save()
        tqdm.write(_line(row))

    def _so_far(self, logs: dict[str, Any] | None) -> EpochPart:
        """Returns what the epoch has come to, over all starts."""
        means = {name: float(value) for name, value in (logs or {}).items()}
        seconds = time.perf_counter() - self._started
        return self._before + EpochPart(int(self.model.step) - self._first_step, seconds, self.model.waited, means)


def _line(row: dict[str, float]) -> str:
    text = f"epoch {row['epoch']:.0f}  {row['seconds']:.0f} s  {row['images_per_second']:.0f} img/s"
    text += f"  waited {row['data_wait']:.1%}"
    text += "".join(f"  {label} {row[name]:.4g}" for name, label in _SHOWN.items() if name in row)
    if "val_psnr_mask" in row:
        text += (
            f"  | val in mask {row['val_psnr_mask']:.2f} dB ({row['val_psnr_mask_gain']:+.2f}), "
            f"SSIM {row['val_ssim_mask']:.3f}, outside {row.get('val_psnr_outside', float('nan')):.1f} dB"
        )
    if "val_iou" in row:
        text += f"  | val IoU {row['val_iou']:.3f}, clean pixels marked {row['val_false']:.2%}"
    return text
