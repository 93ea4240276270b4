"""What happens at the end of an epoch, and what is shown while it runs."""

from __future__ import annotations

import resource
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from keras_deid.evaluation.validation_scores import VALIDATION_METRICS, validation_scores
from keras_deid.models.pixels import to_signed, to_uint8
from keras_deid.report.picture_grid import picture_grid, write_grid
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.history import History
from keras_deid.training.saved_networks import SavedNetworks

BEST_BY = "psnr_mask"

_DISTANCES = {"l1": "L1", "cycle": "cycle"}


class ShowProgress(keras.callbacks.Callback):
    """A bar over the whole run: share done, pictures per second, time left. Silent when nobody watches (no terminal).

    Args:
        total_steps: of the run.
        batch_size: pictures a step.
    """

    def __init__(self, total_steps: int, batch_size: int) -> None:
        super().__init__()
        self._total = total_steps * batch_size
        self._batch_size = batch_size

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Shows the bar where the run stands."""
        done = int(self.model.step) * self._batch_size
        self._bar = tqdm(total=self._total, initial=done, unit="img", desc="training", disable=None, smoothing=0.05)

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Moves the bar."""
        self._bar.update(self._batch_size)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        """Leaves the bar as it is."""
        self._bar.close()


class FinishEpoch(keras.callbacks.Callback):
    """Validates, then writes samples, TensorBoard, the best networks, `history.csv` and, last, the checkpoint.

    An epoch that a signal has cut short is not finished: it is continued by the next start.

    Args:
        run: the run's folder.
        validation: batches of `evaluation_examples`, held in memory; may be empty.
        samples: number of validation pictures shown.
        history: of the run.
        checkpoints: of the run.
        networks: where the best networks go.
        batch_size: pictures a step.
        steps_per_epoch: whole batches in an epoch.
        checkpoint_steps: steps between checkpoints inside an epoch; 0: none.
    """

    def __init__(
        self,
        run: Path,
        validation: list[dict[str, tf.Tensor]],
        samples: int,
        history: History,
        checkpoints: Checkpoints,
        networks: SavedNetworks,
        *,
        batch_size: int,
        steps_per_epoch: int,
        checkpoint_steps: int,
    ) -> None:
        super().__init__()
        self._samples_folder = run / "samples"
        self._validation = validation
        self._samples = samples
        self._history = history
        self._checkpoints = checkpoints
        self._networks = networks
        self._batch_size = batch_size
        self._steps_per_epoch = steps_per_epoch
        self._checkpoint_steps = checkpoint_steps
        self._writer = tf.summary.create_file_writer(str(run / "tensorboard"))

    def on_epoch_begin(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Starts the clocks."""
        self._started, self._first_step = time.perf_counter(), int(self.model.step)
        self.model.waited = 0.0

    def on_train_batch_end(self, batch: int, logs: dict[str, Any] | None = None) -> None:
        """Saves a checkpoint inside the epoch where the configuration asks for it."""
        step = int(self.model.step)
        ends_epoch = step % self._steps_per_epoch == 0  # saved when its line is in `history.csv`
        if self._checkpoint_steps and step % self._checkpoint_steps == 0 and not ends_epoch:
            self._checkpoints.save()

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Finishes the epoch."""
        step = int(self.model.step)
        if step < (epoch + 1) * self._steps_per_epoch:
            return
        seconds = time.perf_counter() - self._started
        row = {
            "epoch": float(epoch + 1),
            "step": float(step),
            "seconds": round(seconds, 3),
            "images_per_second": round((step - self._first_step) * self._batch_size / seconds, 2),
            "data_wait": round(self.model.waited / seconds, 5),
            "peak_memory_mb": float(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024),
            "learning_rate": float(self.model.generator_optimizer.learning_rate),
            **{name: float(value) for name, value in (logs or {}).items()},
        }
        row |= {f"val_{name}": value for name, value in self._validate(epoch + 1).items()}
        score = row.get(f"val_{BEST_BY}", float(step))
        if score >= self._history.best(f"val_{BEST_BY}" if self._validation else "step"):
            self._networks.save(self.model.restorer, self.model.discriminator)
        with self._writer.as_default(step=step):
            for name, value in row.items():
                tf.summary.scalar(name, value)
        self._history.append(row)
        self._checkpoints.save()
        tqdm.write(_line(row))

    def _validate(self, epoch: int) -> dict[str, float]:
        scores: dict[str, list[np.ndarray]] = {name: [] for name in VALIDATION_METRICS}
        shown: dict[str, list[np.ndarray]] = {"de-identified": [], "restored": [], "original": []}
        for batch in self._validation:
            x, y = batch["x"], batch["y"]
            restored = to_uint8(self.model.restorer(to_signed(x), training=False))
            for name, values in validation_scores(x, y, batch["mask"], restored).items():
                scores[name].append(np.asarray(values))
            for pictures, kept in zip((x, restored, y), shown.values(), strict=True):
                kept.extend(np.asarray(pictures)[: self._samples - len(kept)])
        if not self._validation:
            return {}
        self._samples_folder.mkdir(exist_ok=True)
        write_grid(self._samples_folder / f"epoch_{epoch:04d}.png", shown)
        with self._writer.as_default(step=int(self.model.step)):
            tf.summary.image("validation", picture_grid(shown)[None])
        means = {name: np.concatenate(values) for name, values in scores.items()}
        return {name: float(np.nanmean(v)) for name, v in means.items() if not np.isnan(v).all()}


def _line(row: dict[str, float]) -> str:
    text = f"epoch {row['epoch']:.0f}  {row['seconds']:.0f} s  {row['images_per_second']:.0f} img/s"
    text += f"  waited {row['data_wait']:.1%}  G {row['g_loss']:.3f}  D {row['d_loss']:.3f}"
    text += "".join(f"  {label} {row[name]:.4f}" for name, label in _DISTANCES.items() if name in row)
    if "val_psnr_mask" in row:
        text += (
            f"  | val in mask {row['val_psnr_mask']:.2f} dB ({row['val_psnr_mask_gain']:+.2f}), "
            f"SSIM {row['val_ssim_mask']:.3f}, outside {row.get('val_psnr_outside', float('nan')):.1f} dB"
        )
    return text
