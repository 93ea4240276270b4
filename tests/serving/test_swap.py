"""A new version comes while 64 clients ask: nobody is turned away, and the rate stays."""

import http.client
import json
import shutil
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from keras_deid.serving.export import export
from keras_deid.shipped import DEFAULT_RUN, find_run

from .servers import free_port, wait_for

CLIENTS = 64
SECONDS = 8.0
"""Before the new version comes, and after it is served."""
LEAST = 0.25
"""Of the rate before: what it may fall to in any two seconds. The warm-up takes its share of the cores."""


@pytest.mark.slow
def test_a_swap_under_many_clients(tmp_path):
    """The server has a process of its own, and the clients take as little as they can of the same cores."""
    exported = export(find_run(DEFAULT_RUN), tmp_path / "exported", 1)
    models = tmp_path / "models"
    (models / "tiny").mkdir(parents=True)
    shutil.copytree(exported, models / "tiny" / "1")
    port, grpc_port = free_port(), free_port()
    words = [sys.executable, "-m", "keras_deid.cli", "serve", str(models), "--stand-in"]
    with subprocess.Popen([*words, f"--port={port}", f"--grpc-port={grpc_port}"], stdout=subprocess.DEVNULL) as server:
        try:
            wait_for(f"127.0.0.1:{port}", ["tiny"], "1")
            times, began, served, refused = swap(port, exported, models)
        finally:
            server.terminate()
    assert refused == []
    before = np.sum((times > began - SECONDS / 2) & (times <= began)) / (SECONDS / 2)
    starts = np.arange(began, served + SECONDS - 2.0, 0.5)
    rates = [np.sum((times > start) & (times <= start + 2.0)) / 2.0 for start in starts]
    print(f"{before:.0f} requests a second before, {min(rates):.0f} or more in the {served - began:.1f} s that it took")
    assert min(rates) >= LEAST * before


def swap(port, exported, models):
    """Publishes version 2 under load; returns when requests were answered, when it came, when it was served."""
    body = json.dumps({"instances": np.zeros((1, 64, 64, 3), int).tolist(), "signature_name": "serve_uint8"}).encode()
    answered, refused, stop = [], [], threading.Event()

    def ask():
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        while not stop.is_set():
            connection.request("POST", "/v1/models/tiny:predict", body)
            response = connection.getresponse()
            content = response.read()
            answered.append(time.monotonic())
            if response.status != 200:
                refused.append((response.status, content[:200]))
        connection.close()

    clients = [threading.Thread(target=ask) for _ in range(CLIENTS)]
    for client in clients:
        client.start()
    try:
        time.sleep(SECONDS)
        shutil.copytree(exported, models / ".2")
        began = time.monotonic()
        (models / ".2").rename(models / "tiny" / "2")
        wait_for(f"127.0.0.1:{port}", ["tiny"], "2")
        served = time.monotonic()
        time.sleep(SECONDS)
    finally:
        stop.set()
        for client in clients:
            client.join()
    return np.array(answered), began, served, refused
