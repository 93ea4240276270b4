"""Two processes that train together over the loopback device."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

ROOT = Path(__file__).parents[2]
pytestmark = [pytest.mark.slow, pytest.mark.timeout(2400)]

# The command; the process sends itself a signal after a step, if the arguments say so.
COMMAND = """
import os, sys
from keras_deid.cli.train import main
from keras_deid.training.stopping import StopOnSignal

config, step, number, *settings = sys.argv[1:]
update = StopOnSignal.on_train_batch_end

def send_and_update(self, batch, logs=None):
    if self.model.steps_taken == int(step):
        os.kill(os.getpid(), int(number))
    update(self, batch, logs)

StopOnSignal.on_train_batch_end = send_and_update
raise SystemExit(main(["--config", config, "--run", "run", "--metrics-only", *settings]))
"""

# Four steps an epoch.
CONFIG = """
name: two
data: {image_size: [16, 16], synthetic: {train: 17, val: 2, test: 1}}
generator: {filters: 4, blocks: 1, reduction: 4, attention: none, dropout: 0.2}
discriminator: {filters: 4, layers: 1}
training: {batch_size: 4, epochs: 1, decay_epochs: 1, learning_rate: 1e-3, pool: 3, ema: 0.9, samples: 1,
  deterministic: true, checkpoint_steps: 3}
"""


def free_ports(count):
    sockets = [socket.socket() for _ in range(count)]
    for each in sockets:
        each.bind(("localhost", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def start(folders, signals=((0, 0), (0, 0)), settings=((), ())):
    """Starts a worker in each folder, alone if there is one; returns their exit codes and their standard errors."""
    cluster = {"worker": [f"localhost:{port}" for port in free_ports(len(folders))]}
    workers = []
    for index, (folder, (step, number), more) in enumerate(zip(folders, signals, settings, strict=True)):
        folder.mkdir(exist_ok=True)
        (folder / "two.yaml").write_text(CONFIG)
        task = {"cluster": cluster, "task": {"type": "worker", "index": index}}
        command = [sys.executable, "-c", COMMAND, "two.yaml", str(step), str(int(number)), *more]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        if len(folders) > 1:
            environment["TF_CONFIG"] = json.dumps(task)
        with (folder / f"errors{index}").open("w") as errors:
            workers.append(subprocess.Popen(command, cwd=folder, env=environment, stderr=errors))
    try:
        codes = [worker.wait(timeout=1200) for worker in workers]
    finally:
        for worker in workers:
            worker.kill()
    return codes, [(folder / f"errors{index}").read_text() for index, folder in enumerate(folders)]


def newest(folder):
    return Path(tf.train.latest_checkpoint(folder / "run" / "checkpoints"))


def contents(folder):
    reader = tf.train.load_checkpoint(str(newest(folder)))
    names = set(reader.get_variable_to_shape_map()) - {"_CHECKPOINTABLE_OBJECT_GRAPH"}
    return {name: reader.get_tensor(name) for name in names if not name.startswith("save_counter")}


def test_killed_stopped_and_continued_they_end_where_undisturbed_ones_do(tmp_path):
    undisturbed, disturbed = tmp_path / "undisturbed", tmp_path / "disturbed"
    assert start([undisturbed] * 2)[0] == [0, 0]

    codes, errors = start([disturbed] * 2, [(0, 0), (5, signal.SIGKILL)])
    assert codes == [75, -signal.SIGKILL]
    assert "worker 0 of 2 has lost another one, which has ended or cannot be reached; start all of them" in errors[0]
    assert "Traceback" not in errors[0]
    assert newest(disturbed).name in ("ckpt-3", "ckpt-4")

    codes, errors = start([disturbed] * 2, [(0, 0), (5, signal.SIGTERM)])
    assert codes == [130, 130]
    assert all("stopped after step 6 of 8; the same command continues" in text for text in errors)
    assert newest(disturbed).name == "ckpt-6"

    assert start([disturbed] * 2)[0] == [0, 0]
    one, other = contents(undisturbed), contents(disturbed)
    assert one.keys() == other.keys() and newest(disturbed).name == "ckpt-8"
    for name, value in one.items():
        np.testing.assert_array_equal(other[name], value, err_msg=name)


def test_one_alone_continues_what_two_have_begun(tmp_path):
    """Without dropout, which draws for each worker."""
    alone, together = tmp_path / "alone", tmp_path / "together"
    settings = ("generator.dropout=0",)
    assert start([alone], [(0, 0)], [settings])[0] == [0]
    assert start([together] * 2, [(0, 0), (5, signal.SIGTERM)], [settings] * 2)[0] == [130, 130]
    assert newest(together).name == "ckpt-6"
    history = (together / "run" / "history.csv").read_text()
    assert start([together], [(0, 0)], [settings])[0] == [0]
    assert (together / "run" / "history.csv").read_text().startswith(history)  # nothing was trained again
    one, other = contents(alone), contents(together)
    assert one.keys() == other.keys() and newest(together).name == "ckpt-8"
    # Not biases before instance normalization: their gradient is rounding, which Adam scales up.
    kernels = [name for name, value in one.items() if value.ndim == 4]
    assert len(kernels) > 30  # with their moments and the pool
    for name in kernels:
        np.testing.assert_allclose(other[name], one[name], rtol=0, atol=2e-5, err_msg=name)


def test_folders_that_are_not_shared_are_noticed(tmp_path):
    codes, errors = start([tmp_path / "one", tmp_path / "other"])
    assert codes == [2, 2]
    for text in errors:
        assert "error: run: is another folder on some workers; all need one that they share" in text


def test_workers_that_were_started_differently_are_noticed(tmp_path):
    codes, errors = start([tmp_path / "one"] * 2, settings=[(), ("training.epochs=2",)])
    assert codes == [2, 2]
    for text in errors:
        assert "error: the workers differ in configuration: start all with the same command" in text
