import csv
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from keras_deid.training import epochs
from keras_deid.training.epochs import FinishEpoch, ShowProgress
from keras_deid.training.history import History
from keras_deid.training.validation import RestorerValidation

STEPS = 4
LOGS = {"g_loss": 1.5, "d_loss": 0.5, "adversarial": 0.25, "l1": 0.125, "l1_mask": 0.0625}


class Recorder:
    """Stands for the checkpoints and for the saved networks: writes down what is saved, and when."""

    def __init__(self, history_file, gan):
        self.checkpoints, self.networks, self.parts, self.gan = [], [], {}, gan
        self._history_file = history_file

    def epoch(self, step):
        return self.parts.get(step)

    def save(self, epoch=None):
        if epoch is not None:
            self.parts[int(self.gan.step)] = epoch
        epochs_written = len(self._history_file.read_text().splitlines()) - 1 if self._history_file.exists() else 0
        self.checkpoints.append((int(self.gan.step), epochs_written))

    def save_networks(self, model):
        self.networks.append((model.restorer, model.discriminator))


@pytest.fixture
def finish(tmp_path, make_gan, batch):
    """Makes (callback, model, recorder) for validation on the batch, or on nothing."""

    def make(validation=True, checkpoint_steps=0, best_by="psnr_mask"):
        gan = make_gan(ema=0.5)
        recorder = Recorder(tmp_path / "history.csv", gan)
        x, y, mask = batch
        callback = FinishEpoch(
            tmp_path,
            RestorerValidation(tmp_path, [{"x": x, "y": y, "mask": mask}] if validation else [], 1),
            recorder.save_networks,
            History(tmp_path / "history.csv", first_epoch=1),
            recorder,
            best_by=best_by,
            batch_size=2,
            steps_per_epoch=STEPS,
            checkpoint_steps=checkpoint_steps,
        )
        callback.set_model(gan)
        return callback, gan, recorder

    return make


def pass_epoch(callback, gan, epoch, steps=STEPS):
    callback.on_epoch_begin(epoch)
    for index in range(steps):
        gan.step.assign_add(1)
        callback.on_train_batch_end(index, LOGS)
    callback.on_epoch_end(epoch, LOGS)


def copy_pictures(generator, brighter=0.0):
    """Lets the least generator return its input, brighter by so much."""
    generator.get_layer("colours").set_weights([np.eye(3).reshape(1, 1, 3, 3), np.full(3, brighter)])


def read_history(folder):
    with (folder / "history.csv").open() as file:
        return list(csv.DictReader(file))


def test_a_finished_epoch_has_its_line(finish, tmp_path, monkeypatch):
    callback, gan, _ = finish()
    copy_pictures(gan.restorer)
    monkeypatch.setattr(epochs, "time", SimpleNamespace(perf_counter=iter([100.0, 102.0]).__next__))
    callback.on_epoch_begin(0)
    gan.step.assign(STEPS)
    gan.waited = 0.5
    callback.on_epoch_end(0, LOGS)
    (row,) = read_history(tmp_path)
    assert (float(row["epoch"]), float(row["step"])) == (1, STEPS)
    assert {name: float(row[name]) for name in LOGS} == LOGS
    assert float(row["learning_rate"]) == pytest.approx(0.1)
    # Four batches of two pictures in two seconds, of which half a second was spent waiting.
    assert [float(row[name]) for name in ("seconds", "images_per_second", "data_wait")] == [2.0, 4.0, 0.25]
    # The average is what is judged: it copies its input, G does not.
    assert float(row["val_psnr_mask_gain"]) == 0
    assert float(row["val_psnr_outside"]) == 100
    assert {name for name in row if name.startswith("val_")} == {
        "val_psnr_mask",
        "val_psnr_mask_gain",
        "val_ssim_mask",
        "val_psnr_outside",
        "val_psnr",
        "val_ssim",
    }


def test_the_line_of_an_interrupted_epoch_covers_all_of_it(finish, tmp_path, monkeypatch):
    # One step in 3 s, of which 1 s waiting, saved inside the epoch; then three steps in 2 s.
    callback, gan, recorder = finish(checkpoint_steps=1)
    times = iter([100.0, 103.0, 200.0, 201.0, 201.5, 202.0])
    monkeypatch.setattr(epochs, "time", SimpleNamespace(perf_counter=times.__next__))
    callback.on_epoch_begin(0)
    gan.waited = 1.0
    gan.step.assign_add(1)
    callback.on_train_batch_end(0, {"l1": 1.0})
    # Another start: its means begin anew.
    callback.on_epoch_begin(0)
    for index, mean in enumerate((5.0, 5.0, 5.0)):
        gan.step.assign_add(1)
        callback.on_train_batch_end(index, {"l1": mean})
    callback.on_epoch_end(0, {"l1": 5.0})
    (row,) = read_history(tmp_path)
    found = [float(row[name]) for name in ("l1", "seconds", "images_per_second", "data_wait")]
    assert found == [4.0, 5.0, STEPS * 2 / 5, 0.2]
    assert recorder.parts.keys() == {1, 2, 3} and recorder.parts[2]["means"] == {"l1": 3.0}


def test_the_line_of_an_epoch_that_a_signal_cut_covers_all_of_it(finish, tmp_path):
    callback, gan, recorder = finish()
    callback.on_epoch_begin(0)
    gan.step.assign_add(1)
    callback.on_epoch_end(0, {"l1": 1.0})
    assert recorder.parts.keys() == {1} and not (tmp_path / "history.csv").exists()
    callback.on_epoch_begin(0)
    gan.step.assign_add(3)
    callback.on_epoch_end(0, {"l1": 5.0})
    (row,) = read_history(tmp_path)
    assert float(row["l1"]) == 4.0


def test_it_shows_samples_and_writes_for_tensorboard(finish, tmp_path):
    callback, gan, _ = finish()
    for epoch in (0, 1):
        pass_epoch(callback, gan, epoch)
    assert sorted(path.name for path in (tmp_path / "samples").iterdir()) == ["epoch_0001.png", "epoch_0002.png"]
    width, height = Image.open(tmp_path / "samples" / "epoch_0001.png").size
    assert width > 2 * height  # one picture: de-identified, restored, original
    (events,) = (tmp_path / "tensorboard").iterdir()
    assert events.stat().st_size > 1000


def test_the_checkpoint_comes_last(finish):
    callback, gan, recorder = finish()
    for epoch in (0, 1):
        pass_epoch(callback, gan, epoch)
    assert recorder.checkpoints == [(STEPS, 1), (2 * STEPS, 2)]


def test_checkpoints_inside_an_epoch(finish):
    callback, gan, recorder = finish(checkpoint_steps=2)
    pass_epoch(callback, gan, epoch=0)
    pass_epoch(callback, gan, epoch=1)
    # Never at the end of an epoch whose line is not written: nobody would train, and validate, that epoch again.
    assert recorder.checkpoints == [(2, 0), (4, 1), (6, 1), (8, 2)]


def test_the_best_networks_are_saved(finish):
    callback, gan, recorder = finish()
    for epoch, brighter in enumerate((0.5, 0.0, 0.9, 0.0)):
        copy_pictures(gan.restorer, brighter)
        pass_epoch(callback, gan, epoch)
        saved = len(recorder.networks)
        assert saved == (1, 2, 2, 3)[epoch]  # of two that are as good, the later one
    assert recorder.networks[0] == (gan.restorer, gan.discriminator)


def test_the_last_networks_are_saved_where_no_score_decides(finish):
    callback, gan, recorder = finish(best_by=None)
    for epoch, brighter in enumerate((0.0, 0.5, 0.9)):
        copy_pictures(gan.restorer, brighter)
        pass_epoch(callback, gan, epoch)
        assert len(recorder.networks) == epoch + 1


def test_scores_of_any_validation_have_their_columns(finish, tmp_path):
    callback, gan, _ = finish()
    seen = []
    callback._validate = lambda *arguments: seen.append(arguments[:2]) or {"iou": 0.75, "false": 0.01}
    pass_epoch(callback, gan, 0)
    assert seen == [(gan, 1)]
    (row,) = read_history(tmp_path)
    assert (float(row["val_iou"]), float(row["val_false"])) == (0.75, 0.01) and "val_psnr" not in row


def test_without_validation_pictures_the_newest_networks_are_the_best(finish, tmp_path):
    callback, gan, recorder = finish(validation=False)
    for epoch in range(3):
        pass_epoch(callback, gan, epoch)
    assert len(recorder.networks) == 3
    assert not any(name.startswith("val_") for name in read_history(tmp_path)[0])
    assert not (tmp_path / "samples").exists()


def test_an_epoch_that_was_cut_short_is_not_finished(finish, tmp_path):
    callback, gan, recorder = finish()
    pass_epoch(callback, gan, epoch=0, steps=STEPS - 1)
    # It is saved, with what it has come to, and the next start finishes it.
    assert ([step for step, _ in recorder.checkpoints], recorder.networks) == ([STEPS - 1], [])
    assert not (tmp_path / "history.csv").exists()
    pass_epoch(callback, gan, epoch=0, steps=1)
    assert recorder.checkpoints == [(STEPS, 1)]


def test_validation_without_any_region_has_no_score_inside_it(finish, tmp_path, batch):
    callback, gan, recorder = finish()
    batch[2][...] = 0
    for epoch in range(2):
        pass_epoch(callback, gan, epoch)
    row = read_history(tmp_path)[1]
    assert "val_psnr" in row and "val_psnr_mask" not in row
    assert len(recorder.networks) == 2


def test_progress_begins_where_the_run_stands(make_gan):
    told = []
    gan = make_gan()
    gan.step.assign(3)
    progress = ShowProgress(lambda *counts: told.append(counts), total_steps=5, batch_size=8)
    progress.set_model(gan)
    progress.on_train_begin()
    assert told == [(24, 40, "training")]
    progress.on_train_batch_end(0)
    progress.on_train_batch_end(1)
    assert told[1:] == [(32, 40, "training"), (40, 40, "training")]
