import csv
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from keras_deid.errors import UserError
from keras_deid.models.saved import load_generator
from keras_deid.training.checkpoints import Checkpoints
from keras_deid.training.stopping import StopOnNonFinite, StopOnSignal

from .conftest import train

ROOT = Path(__file__).parents[2]


class Each(keras.callbacks.Callback):
    """Does something after each step."""

    def __init__(self, action):
        super().__init__()
        self._action = action

    def on_train_batch_end(self, batch, logs=None):
        self._action(int(self.model.step))


def fit(gan, batches, steps, *callbacks):
    signature = tuple(tf.TensorSpec(values.shape, values.dtype) for values in batches[0])
    dataset = tf.data.Dataset.from_generator(lambda: iter(batches), output_signature=signature)
    train(gan, dataset, steps, 1, *callbacks)


# ---- Numbers that are no numbers ------------------------------------------------------------------------------------


def test_a_loss_that_is_nan_stops_the_run_and_the_last_checkpoint_stays(tmp_path, make_gan, batch):
    good = tuple(values.astype("float32") for values in batch)
    bad = (np.full_like(good[0], np.nan), *good[1:])
    gan = make_gan()
    checkpoints = Checkpoints(tmp_path, gan)
    weights = []

    def save(step):
        checkpoints.save()
        weights.append(gan.generator.get_weights())

    with pytest.raises(UserError, match=r"^adversarial is nan at step 3: the last checkpoint is kept; lower [^\n]+$"):
        fit(gan, [good, good, bad, good], 4, StopOnNonFinite(), Each(save))
    assert tf.train.latest_checkpoint(tmp_path).endswith("ckpt-2")
    again = make_gan()
    assert Checkpoints(tmp_path, again).restore() == 2
    for weight, expected in zip(again.generator.get_weights(), weights[-1], strict=True):
        np.testing.assert_array_equal(weight, expected)


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan")])
def test_any_loss_that_is_not_finite_is_named(make_gan, value):
    stop = StopOnNonFinite()
    stop.set_model(make_gan())
    stop.on_train_batch_end(0, {"g_loss": 1.0, "d_loss": np.float32(2.0)})
    with pytest.raises(UserError, match=f"d_loss is {value} at step 0"):
        stop.on_train_batch_end(0, {"g_loss": 1.0, "d_loss": np.float32(value)})


# ---- Signals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_fit_after_the_step(make_gan, batch, number):
    gan = make_gan()
    with StopOnSignal() as stop:
        assert not stop.requested
        send = Each(lambda step: signal.raise_signal(number) if step == 2 else None)
        fit(gan, [batch] * 6, 6, send, stop)
    assert stop.requested
    assert int(gan.step) == 2


def test_a_second_signal_ends_at_once():
    with pytest.raises(KeyboardInterrupt), StopOnSignal() as stop:
        signal.raise_signal(signal.SIGINT)
        assert stop.requested
        signal.raise_signal(signal.SIGINT)


def test_afterwards_signals_mean_what_they_meant():
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    with pytest.raises(RuntimeError), StopOnSignal():
        assert signal.getsignal(signal.SIGTERM) not in before
        raise RuntimeError
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before


# ---- The whole command, stopped and continued -----------------------------------------------------------------------

# The command, started several times in one process; in a start RUN,STEP,SIGNAL it sends itself the signal after
# the step. Each start that comes to an end gives a line: exit code, standard output and error, newest checkpoint.
COMMAND = """
import contextlib, io, json, os, sys
import tensorflow as tf
from keras_deid.cli.train import main
from keras_deid.training.epochs import ShowProgress

update = ShowProgress.on_train_batch_end

def update_and_send(self, batch, logs=None):
    update(self, batch, logs)
    if int(self.model.step) == int(step):
        os.kill(os.getpid(), int(number))

ShowProgress.on_train_batch_end = update_and_send
for start in sys.argv[2:]:
    run, step, number = start.split(",")
    with contextlib.redirect_stdout(io.StringIO()) as written, contextlib.redirect_stderr(io.StringIO()) as errors:
        code = main(["--config", sys.argv[1], "--run", run, "--metrics-only"])
    newest = tf.train.latest_checkpoint(f"{run}/checkpoints")
    print(json.dumps([code, written.getvalue(), errors.getvalue(), newest]), flush=True)
"""

# All that has a state takes part: dropout, the pool, the average, Adam. Six steps an epoch.
CONFIG = """
name: stopped
data: {image_size: [16, 16], synthetic: {train: 13, val: 2, test: 1}}
generator: {filters: 4, blocks: 1, reduction: 4, dropout: 0.2}
discriminator: {filters: 4, layers: 1}
training: {batch_size: 2, epochs: 1, decay_epochs: 1, learning_rate: 1e-3, pool: 3, ema: 0.9, samples: 1,
  deterministic: true, checkpoint_steps: 4}
"""


def start(config, *starts):
    """Starts the command so often in one process; returns its exit code and how each start ended that did."""
    words = [f"{run},{step},{int(number)}" for run, step, number in starts]
    process = subprocess.run(
        [sys.executable, "-c", COMMAND, str(config), *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd=config.parent,
        stdout=subprocess.PIPE,
        text=True,
        timeout=240,
    )
    return process.returncode, [json.loads(line) for line in process.stdout.splitlines()]


def contents(checkpoint):
    """All that a checkpoint holds, but for its own number."""
    reader = tf.train.load_checkpoint(str(checkpoint))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return {name: reader.get_tensor(name) for name in names if not name.startswith("save_counter")}


def history_of(run):
    with (run / "history.csv").open() as file:
        return [(row["epoch"], row["step"], row["val_psnr"]) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """One run that nothing disturbs, and one that is killed, continued, stopped and continued, with how each ended."""
    folder = tmp_path_factory.mktemp("stopped")
    config = folder / "stopped.yaml"
    config.write_text(CONFIG)
    killed, (undisturbed,) = start(config, ("undisturbed", 0, 0), ("disturbed", 5, signal.SIGKILL))
    kept = tf.train.latest_checkpoint(folder / "disturbed" / "checkpoints")
    # In another process: what the checkpoint does not hold is lost.
    _, (stopped, continued) = start(config, ("disturbed", 9, signal.SIGTERM), ("disturbed", 0, 0))
    return folder, (killed, kept), stopped, continued, undisturbed


def test_each_start_ends_as_it_should(runs):
    _, (killed, kept), stopped, continued, undisturbed = runs
    assert killed == -signal.SIGKILL
    assert stopped[0] == 130
    assert stopped[2].splitlines()[-1] == "stopped after step 10 of 12; the same command continues"
    assert "Traceback" not in stopped[2]
    assert (continued[0], undisturbed[0]) == (0, 0)
    assert [Path(newest).name for newest in (kept, stopped[3], continued[3])] == ["ckpt-4", "ckpt-10", "ckpt-12"]


def test_killed_and_continued_is_bit_identical(runs):
    folder, *_ = runs
    one, other = (contents(folder / run / "checkpoints" / "ckpt-12") for run in ("undisturbed", "disturbed"))
    assert one.keys() == other.keys()
    assert len([name for name in one if name.startswith("gan/generator_optimizer/_trainable_variables/")]) == 22
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)
    networks = (load_generator(folder / run) for run in ("undisturbed", "disturbed"))
    for weight, expected in zip(*(network.get_weights() for network in networks), strict=True):
        np.testing.assert_array_equal(weight, expected)


def test_continued_has_the_same_history_and_figures(runs):
    folder, *_ = runs
    histories = [history_of(folder / run) for run in ("undisturbed", "disturbed")]
    assert histories[0] == histories[1]
    assert [(float(epoch), float(step)) for epoch, step, _ in histories[0]] == [(1, 6), (2, 12)]
    evaluations = [json.loads((folder / run / "evaluation.json").read_text()) for run in ("undisturbed", "disturbed")]
    assert evaluations[0] == evaluations[1]


def test_the_command_says_how_it_went_and_where_the_pictures_are(runs):
    folder, _, _, continued, _ = runs
    lines = continued[1].splitlines()
    assert any(line.startswith("epoch 2 ") for line in lines)
    assert "test split, 1 picture" in lines
    assert lines[-1] == "look at: disturbed/evaluation.png, disturbed/samples/; metrics: disturbed/summary.json"
    run = folder / "disturbed"
    assert (run / "evaluation.png").exists() and (run / "summary.json").exists()
