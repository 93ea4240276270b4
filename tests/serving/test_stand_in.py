"""What only the stand-in promises."""

import base64
import gzip
import http.client
import json
import os
import shutil
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keras_deid.errors import UserError
from keras_deid.serving.stand_in import connections, memory
from keras_deid.serving.stand_in.library import Library, Servable
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.model_config import ModelConfig, read_models_config
from keras_deid.serving.stand_in.run import run_stand_in
from keras_deid.serving.warmup import WARMUP_FILE

from .conftest import HEIGHT, WIDTH, encode
from .rest_calls import b64, call, predict, refused
from .servers import stand_in

MOST_KEPT = 40
"""MiB that may be left of 8 large requests, which are 128 MiB to read."""
SMALL = Limits(body=2**20, pixels=100_000, seconds=1.0)


def test_a_broken_version_is_left_out_and_the_old_one_stays(model, tmp_path):
    shutil.copytree(model, tmp_path / "tiny" / "1")
    (tmp_path / "tiny" / "2").mkdir()
    (tmp_path / "other" / "1").mkdir(parents=True)
    library = Library(tmp_path)
    library.refresh()
    assert library.names() == ["tiny"]
    assert library.states("tiny", None, None) == [(2, "END"), (1, "AVAILABLE")]


def test_some_requests_for_each_core_are_worked_on_at_a_time(model, tmp_path, body, monkeypatch):
    shutil.copytree(model, tmp_path / "tiny" / "1")
    library = Library(tmp_path)
    library.refresh()
    now, most, lock = [0], [0], threading.Lock()
    run = Servable.predict

    def counted(self, signature, inputs):
        with lock:
            now[0] += 1
            most[0] = max(most[0], now[0])
        time.sleep(0.1)
        with lock:
            now[0] -= 1
        return run(self, signature, inputs)

    monkeypatch.setattr(Servable, "predict", counted)
    monkeypatch.setattr("keras_deid.serving.stand_in.app._THREADS", 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with stand_in(library, Limits()) as address, ThreadPoolExecutor(12) as clients:
        answers = list(clients.map(lambda _: predict(address, body)[0], range(12)))
    assert answers == [200] * 12
    assert most[0] == 4


def test_versions_and_labels_are_those_of_models_config(model, tmp_path, body):
    for version in (1, 2, 3):
        (tmp_path / "tiny").mkdir(exist_ok=True)
        (tmp_path / "tiny" / str(version)).symlink_to(model)
    (tmp_path / "models.config").write_text(
        'model_config_list { config { name: "tiny" base_path: "/models/tiny" model_platform: "tensorflow" '
        "model_version_policy { specific { versions: 1 versions: 2 } } "
        'version_labels { key: "stable" value: 1 } version_labels { key: "canary" value: 2 } '
        'version_labels { key: "next" value: 3 } } }'
    )
    library = Library(tmp_path, read_models_config(tmp_path / "models.config"))
    library.refresh()
    with stand_in(library, Limits()) as address:
        for where, version in (("", "2"), ("/labels/stable", "1"), ("/labels/canary", "2"), ("/versions/1", "1")):
            assert predict(address, body, where)[0] == 200
            metadata = call(address, "GET", f"/v1/models/tiny{where}/metadata")[1]
            assert metadata["model_spec"]["version"] == version
        assert refused(predict(address, body, "/versions/3"), 404)
        assert refused(predict(address, body, "/labels/next"), 404)
        rows = call(address, "GET", "/v1/models/tiny")[1]["model_version_status"]
        assert [(row["version"], row["state"]) for row in rows] == [("2", "AVAILABLE"), ("1", "AVAILABLE")]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", [7]),
        ("model_version_policy { latest { num_versions: 2 } }", [5, 7]),
        ("model_version_policy { latest {} }", [7]),
        ("model_version_policy { all {} }", [2, 5, 7]),
        ("model_version_policy { specific { versions: 5 versions: 9 } }", [5]),
    ],
)
def test_the_version_policies(tmp_path, policy, expected):
    (tmp_path / "models.config").write_text(f'model_config_list {{ config {{ name: "x" {policy} }} }}')
    assert read_models_config(tmp_path / "models.config")["x"].served([7, 2, 5]) == expected
    assert ModelConfig().served([]) == []


def test_what_is_no_models_config(tmp_path):
    for text, message in (("model_config_list { wrong: 1 }", "is not a models.config"), ("", "names no model")):
        (tmp_path / "models.config").write_text(text)
        with pytest.raises(UserError, match=message):
            read_models_config(tmp_path / "models.config")
    with pytest.raises(UserError, match="cannot be read"):
        read_models_config(tmp_path / "nowhere")


def test_a_folder_without_models_is_not_served(tmp_path):
    for folder, message in ((tmp_path, "no model in it"), (tmp_path / "nowhere", "no such folder")):
        with pytest.raises(UserError, match=message):
            run_stand_in(folder, "127.0.0.1", 0, 0)


def test_a_port_that_is_taken_is_said(model):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        for ports, option in (((port, 0), "--port"), ((0, port), "--grpc-port")):
            with pytest.raises(UserError, match=f"{port}: is taken .*; choose another {option} or"):
                run_stand_in(model.parent, "127.0.0.1", *ports)


@pytest.fixture(scope="module")
def small(model, tmp_path_factory):
    """The address of a stand-in with small limits."""
    base = tmp_path_factory.mktemp("hostile") / "tiny"
    shutil.copytree(model, base / "1")
    library = Library(base.parent)
    library.refresh()
    with stand_in(library, SMALL) as address:
        yield address


def test_requests_have_a_limit_also_unpacked(small, body):
    large = b" " * (SMALL.body + 1)
    assert refused(predict(small, large), 413)
    assert refused(predict(small, gzip.compress(large * 50), content_encoding="gzip"), 413)
    assert refused(predict(small, gzip.compress(b"{}")[:-4], content_encoding="gzip"))
    assert predict(small, body)[0] == 200


@pytest.mark.parametrize("file_format", ["PNG", "JPEG", "GIF", "BMP", "WEBP"])
def test_pictures_have_a_limit(small, file_format):
    large, allowed = (encode(np.zeros((100, width, 3), np.uint8), file_format) for width in (1001, 1000))
    signature = {"signature_name": "serve_bytes"}
    status, answer = predict(small, {**signature, "instances": [b64(large)]})
    assert status == 400 and "a picture has more than 100000 pixels" in answer["error"]
    assert predict(small, {**signature, "instances": [b64(allowed)]})[0] == 200


def test_slow_clients_and_cut_connections_hold_nobody_up(small, body):
    head = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", int(small.partition(":")[2]))) for _ in range(20)]
    for connection in slow:
        connection.sendall(head)
    for connection in slow[::2]:
        connection.close()
    assert predict(small, body)[0] == 200
    for connection in slow[1::2]:
        connection.settimeout(10)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408")
        connection.close()


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 100_000,
        b'{"instances": ' + b"[" * 5000 + b"]" * 5000 + b"}",
        b'{"instances": [' + b"9" * 10_000 + b"]}",
        b'{"instances": [1e999]}',
        b"\xff\xfe\x00",
        b'{"signature_name": "serve_bytes", "instances": ["\\ud800"]}',
        b"",
        b"null",
    ],
)
def test_hostile_json(small, content):
    assert refused(predict(small, content))


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.builds(b64, st.binary(max_size=40)),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(["image", "image_bytes", "b64"]), inner)
    ),
    max_leaves=12,
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    key=st.sampled_from(["instances", "inputs"]),
    signature=st.sampled_from(["serving_default", "serve_uint8", "serve_bytes"]),
    value=JSON,
)
def test_whatever_comes_is_answered(small, key, signature, value):
    status, answer = predict(small, {"signature_name": signature, key: value})
    # Nothing comes of nothing: an empty batch, or one of empty pictures.
    assert status in (200, 400), answer
    assert status == 400 or answer == {"outputs": []}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_file_comes_is_answered(small, data):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    file_format = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP"]))
    content = bytearray(encode(picture, file_format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    status, answer = predict(small, {"signature_name": "serve_bytes", "instances": [b64(bytes(content))]})
    assert status in (200, 400), answer


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_hostile_requests(small, body):
    random = np.random.default_rng(0)
    good = json.dumps(body).encode()
    connection = http.client.HTTPConnection(small, timeout=30)

    def send(content):
        connection.request("POST", "/v1/models/tiny:predict", content)
        response = connection.getresponse()
        return response.status, response.read()

    pages = []
    for number in range(10_000):
        content = bytearray(good)
        for _ in range(random.integers(1, 6)):
            at = random.integers(len(content))
            content[at : at + random.integers(0, 3)] = bytes(random.integers(0, 256, random.integers(0, 3), "uint8"))
        if number % 2:  # what is inside, rather than the JSON around it
            inner = bytearray(base64.b64decode(body["instances"][0]["b64"]))
            for _ in range(random.integers(1, 6)):
                inner[random.integers(len(inner))] = random.integers(256)
            content = json.dumps({**body, "instances": [b64(bytes(inner))]}).encode()
        status, answer = send(bytes(content))
        assert status in (200, 400) and b"Traceback" not in answer, answer
        if number % 100 == 99:
            assert send(good)[0] == 200
            pages.append(resident_pages())
    # The first thousands fill caches and the allocator's pools.
    assert pages[-1] - pages[len(pages) // 2] < 50 * 2**20 / os.sysconf("SC_PAGE_SIZE")


def test_a_version_is_warmed_up_before_it_is_served(model, tmp_path, monkeypatch):
    called = []
    predict = Servable.predict

    def counted(servable, signature, inputs):
        called.append((servable.version, signature, library.states("tiny", None, None) if called_before else []))
        return predict(servable, signature, inputs)

    monkeypatch.setattr(Servable, "predict", counted)
    library, called_before = Library(tmp_path), False
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "1").symlink_to(model)
    library.refresh()
    assert {signature for _, signature, _ in called} >= {"serving_default", "serve_bytes", "serve_bytes_boxes"}
    called.clear()
    called_before = True
    (tmp_path / "tiny" / "2").symlink_to(model)
    library.refresh()
    # While the new version warms up, the old one is served.
    assert called and {version for version, _, _ in called} == {2}
    assert all(states == [(1, "AVAILABLE")] for _, _, states in called)
    assert library.states("tiny", None, None) == [(2, "AVAILABLE"), (1, "END")]


def test_a_version_whose_warm_up_fails_is_left_out(model, tmp_path):
    shutil.copytree(model, tmp_path / "tiny" / "1")
    shutil.copytree(model, tmp_path / "tiny" / "2")
    (tmp_path / "tiny" / "2" / WARMUP_FILE).write_bytes(b"junk" * 10)
    library = Library(tmp_path)
    library.refresh()
    assert library.states("tiny", None, None) == [(2, "END"), (1, "AVAILABLE")]


@pytest.fixture
def library(model, tmp_path):
    (tmp_path / "tiny").mkdir()
    (tmp_path / "tiny" / "1").symlink_to(model)
    library = Library(tmp_path)
    library.refresh()
    return library


@pytest.mark.parametrize("sent", [b"", b"GET /v1/mod", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_a_connection_without_a_request_is_closed(library, monkeypatch, sent):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.3)
    with stand_in(library, SMALL) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(sent)
            assert client.recv(1000) == b""
        assert call(address, "GET", "/v1/models/tiny")[0] == 200


def test_a_body_that_stops_is_closed(library):
    with stand_in(library, Limits(idle_seconds=0.3)) as address:
        host, port = address.split(":")
        with socket.create_connection((host, int(port)), timeout=10) as client:
            client.sendall(b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{")
            assert client.recv(1000).startswith(b"HTTP/1.1 408")


def test_a_connection_serves_several_requests(library, monkeypatch):
    monkeypatch.setattr(connections, "HEADER_SECONDS", 0.5)
    with stand_in(library, SMALL) as address:
        client = http.client.HTTPConnection(address, timeout=10)
        for pause in (0.0, 0.1, 0.8):
            time.sleep(pause)  # idle between requests, which is no fault
            client.request("GET", "/v1/models/tiny")
            answer = client.getresponse()
            assert answer.status == 200 and answer.read()
        client.close()


def resident_mebibytes():
    return resident_pages() * os.sysconf("SC_PAGE_SIZE") / 2**20


@pytest.mark.skipif(memory._trim is None, reason="this C library gives no memory back when asked")
def test_memory_comes_back_after_large_bodies(library):
    """The bodies that are read, what they are parsed to, and the errors that tell of them."""
    large = json.dumps({"signature_name": "serve_bytes", "instances": [b64(bytes(3 * 2**22))]}).encode()
    with stand_in(library, Limits()) as address:
        with ThreadPoolExecutor(4) as clients:
            assert set(clients.map(lambda _: predict(address, large)[0], range(8))) == {400}
            memory.give_back()
            before = resident_mebibytes()
            assert set(clients.map(lambda _: predict(address, large)[0], range(8))) == {400}
        deadline = time.monotonic() + 20
        while resident_mebibytes() > before + MOST_KEPT and time.monotonic() < deadline:
            time.sleep(0.1)  # memory is given back behind the answer
        assert resident_mebibytes() < before + MOST_KEPT
