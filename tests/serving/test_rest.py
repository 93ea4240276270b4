"""The statements about the REST interface, by number where docs/serving.md lists them.

They hold of the stand-in, and of TensorFlow Serving where `tensorflow_model_server` is installed.
"""

import base64
import contextlib
import gzip
import http.client
import json
import os
import shutil
import socket
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
import uvicorn
from google.protobuf.json_format import Parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from keras_deid.errors import UserError
from keras_deid.serving.stand_in.app import rest_app
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.run import run_stand_in

from .conftest import HEIGHT, WIDTH, decode, encode

BODY_LIMIT = 2**20
BODY_SECONDS = 1.0
REAL = shutil.which("tensorflow_model_server")


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def stand_in(library):
    port = free_port()
    app = rest_app(library, BODY_LIMIT, BODY_SECONDS)
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield port
    server.should_exit = True
    thread.join()


@contextlib.contextmanager
def real_server(base):
    port = free_port()
    config = base.parent / "models.config"
    config.write_text(
        f'model_config_list {{ config {{ name: "tiny" base_path: "{base}" model_platform: "tensorflow" '
        'version_labels { key: "stable" value: 1 } } }'
    )
    words = [REAL, f"--rest_api_port={port}", "--port=0", f"--model_config_file={config}"]
    with subprocess.Popen([*words, "--allow_version_labels_for_unavailable_models"]) as process:
        yield port
        process.terminate()


@pytest.fixture(scope="module", params=["stand-in", "tensorflow_model_server"])
def port(request, model, tmp_path_factory):
    """A server of one version of one model, under the name tiny."""
    base = tmp_path_factory.mktemp("served") / "tiny"
    shutil.copytree(model, base / "1")
    if request.param == "stand-in":
        library = Library(base.parent, {"stable": 1, "gone": 9})
        library.refresh()
        with stand_in(library) as port:
            yield port
    elif REAL is None:
        pytest.skip("needs tensorflow_model_server on the PATH")
    else:
        with real_server(base) as port:
            deadline = time.monotonic() + 60
            while time.monotonic() < deadline:
                with contextlib.suppress(OSError):
                    if call(port, "GET", "/v1/models/tiny")[0] == 200:
                        break
                time.sleep(0.2)
            yield port


def call(port, method, path, body=None, **headers):
    """Returns (status, parsed body); the body is sent as JSON unless it is bytes."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    connection.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.headers.get("content-encoding") is None  # 17
    assert response.headers["content-type"].startswith("application/json")
    assert b"Traceback" not in text
    return response.status, json.loads(text)


def predict(port, body, where="", **headers):
    return call(port, "POST", f"/v1/models/tiny{where}:predict", body, **headers)


def b64(content):
    return {"b64": base64.b64encode(content).decode()}


def refused(answer, status=400):
    return answer[0] == status and isinstance(answer[1]["error"], str) and answer[1].keys() == {"error"}


@pytest.fixture
def body(pictures):
    """A good request of the smallest kind."""
    return {"signature_name": "serve_bytes", "instances": [b64(encode(pictures[0]))]}


# 11 -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["", "/versions/1", "/labels/stable"])
def test_11_every_url_form(port, where, body):
    assert predict(port, body, where)[0] == 200
    assert call(port, "GET", f"/v1/models/tiny{where}")[0] == 200
    assert call(port, "GET", f"/v1/models/tiny{where}/metadata")[0] == 200


@pytest.mark.parametrize(
    "path", ["/v1/models/tiny/", "/v1/models/tiny:predict/", "/v1/models/", "/", "/v1/models/tiny/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_11_malformed_urls(port, path, method):
    assert refused(call(port, method, path, {} if method == "POST" else None))


def test_11_unknown_names(port, body):
    for path in ("/v1/models/other", "/v1/models/other/metadata", "/v1/models/tiny/versions/7"):
        assert refused(call(port, "GET", path), 404)
    assert refused(call(port, "POST", "/v1/models/other:predict", body), 404)
    assert refused(predict(port, body, "/versions/7"), 404)
    assert refused(predict(port, body, "/labels/unknown"))
    assert refused(predict(port, {**body, "signature_name": "unknown"}))
    assert refused(predict(port, {**body, "signature_name": 3}))


# 12 to 16 -------------------------------------------------------------------------------------------------------------


def test_12_rows_and_columns_equal_the_keras_model(port, pictures, restore_alone):
    unit = (np.float32(pictures) / 255).tolist()
    expected = np.clip((restore_alone(pictures) + 1) / 2, 0, 1)
    for body, key in (({"instances": unit}, "predictions"), ({"inputs": unit}, "outputs")):
        status, answer = predict(port, body)
        assert status == 200 and answer.keys() == {key}
        np.testing.assert_allclose(answer[key], expected, atol=1e-5)
    status, answer = predict(port, {"signature_name": "serve_uint8", "inputs": {"image": pictures.tolist()}})
    np.testing.assert_allclose(answer["outputs"], np.rint(expected * 255), atol=1)


@pytest.mark.parametrize(
    "request_body", [{}, {"instances": []}, {"instances": {}}, {"instances": [1], "inputs": [1]}, [], 3]
)
def test_12_neither_both_and_empty(port, request_body):
    assert refused(predict(port, request_body))


def test_13_names_may_be_left_out_and_others_are_refused_in_rows(port, pictures):
    image = pictures[0].tolist()
    uint8 = {"signature_name": "serve_uint8"}
    answers = [
        predict(port, {**uint8, "instances": [image]})[1]["predictions"],
        predict(port, {**uint8, "instances": [{"image": image}]})[1]["predictions"],
        predict(port, {**uint8, "inputs": [image]})[1]["outputs"],
        predict(port, {**uint8, "inputs": {"image": [image]}})[1]["outputs"],
        predict(port, {**uint8, "inputs": {"image": [image], "extra": 1}})[1]["outputs"],
    ]
    assert all(answer == answers[0] for answer in answers)
    assert refused(predict(port, {**uint8, "instances": [{"image": image, "extra": 1}]}))
    assert refused(predict(port, {**uint8, "instances": [{"extra": image}]}))
    assert refused(predict(port, {**uint8, "inputs": {"extra": [image]}}))


def test_14_base64(port, pictures):
    content = encode(pictures[0])
    for body, key in (
        ({"instances": [b64(content)]}, "predictions"),
        ({"instances": [{"image_bytes": b64(content)}]}, "predictions"),
        ({"inputs": [b64(content)]}, "outputs"),
        ({"inputs": {"image_bytes": [b64(content)]}}, "outputs"),
    ):
        status, answer = predict(port, {"signature_name": "serve_bytes", **body})
        assert status == 200 and answer[key][0].keys() == {"b64"}
        assert decode(base64.b64decode(answer[key][0]["b64"])).shape == (HEIGHT, WIDTH, 3)


def test_14_what_is_not_base64(port, pictures):
    content = encode(pictures[0])
    web_safe = base64.urlsafe_b64encode(content + bytes(range(256))).decode()
    assert "-" in web_safe or "_" in web_safe
    bytes_signature = {"signature_name": "serve_bytes"}
    for wrong in ({"b64": web_safe}, {"b64": 3}, {"b64": "a"}, {"b64": "", "x": 1}, 3, None, [b64(content)]):
        assert refused(predict(port, {**bytes_signature, "instances": [wrong]}))
    assert refused(predict(port, {**bytes_signature, "inputs": b64(content)}))
    for wrong in (b"", b"junk", content[:60]):
        assert refused(predict(port, {**bytes_signature, "instances": [b64(wrong)]}))


def test_15_wrong_shapes_and_types(port, pictures):
    image = pictures[0].tolist()
    ragged = [*image[:-1], image[-1][:-1]]
    for wrong in (ragged, image[:-1], 3, [], "text", [[[]]], {"b64": ""}, None, True):
        assert refused(predict(port, {"instances": [wrong]}))
    for value in ("1", None, True, {}, [1]):
        changed = json.loads(json.dumps(image))
        changed[3][4][1] = value
        assert refused(predict(port, {"instances": [changed]}))
    assert refused(predict(port, {"instances": [image, ragged]}))
    image[0][0][0] = 0.5
    assert refused(predict(port, {"signature_name": "serve_uint8", "instances": [image]}))


def test_16_not_a_number_both_ways(port):
    values = np.full((1, HEIGHT, WIDTH, 3), 0.5)
    values[0, 0, 0, 0] = np.nan
    text = json.dumps({"instances": values.tolist()})
    assert "NaN" in text
    status, answer = predict(port, text.encode())
    assert status == 200 and np.isnan(answer["predictions"]).any()
    assert predict(port, text.replace("NaN", "Infinity").encode())[0] == 200
    assert predict(port, text.replace("NaN", "-Infinity").encode())[0] == 200
    assert all(isinstance(value, float) for value in np.ravel(answer["predictions"]).tolist())


def test_16_an_empty_batch_gives_no_results(port):
    assert predict(port, {"signature_name": "serve_bytes", "inputs": []}) == (200, {"outputs": []})


# 17, 18 ---------------------------------------------------------------------------------------------------------------


def test_17_gzip_is_accepted(port, body):
    packed = gzip.compress(json.dumps(body).encode())
    assert predict(port, packed, content_encoding="gzip", accept_encoding="gzip") == predict(port, body)
    assert refused(predict(port, b"junk", content_encoding="gzip"))


def test_18_status_and_metadata_are_the_messages_own_json(port, model):
    status, answer = call(port, "GET", "/v1/models/tiny")
    assert answer == {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    assert Parse(json.dumps(answer), GetModelStatusResponse()).model_version_status[0].version == 1
    status, answer = call(port, "GET", "/v1/models/tiny/metadata")
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() == {"serving_default", "serve_uint8", "serve_bytes", "__saved_model_init_op"}
    image = signatures["serve_uint8"]["inputs"]["image"]
    assert image["dtype"] == "DT_UINT8" and image["tensor_shape"]["unknown_rank"] is False
    assert [dim["size"] for dim in image["tensor_shape"]["dim"]] == ["-1", str(HEIGHT), str(WIDTH), "3"]
    assert signatures["serve_bytes"]["method_name"] == "tensorflow/serving/predict"


# 19, and what only the stand-in promises ------------------------------------------------------------------------------


def test_19_a_new_version_is_served_without_a_failed_request(model, tmp_path, body):
    base = tmp_path / "tiny"
    shutil.copytree(model, base / "1")
    library = Library(tmp_path)
    library.refresh()
    library.watch(0.05)
    with stand_in(library) as port:
        shutil.copytree(model, base / "half-copied")
        os.rename(base / "half-copied", base / "2")
        statuses, states, deadline = [], [], time.monotonic() + 60
        while time.monotonic() < deadline and (2, "AVAILABLE") not in states:
            statuses.append(predict(port, body)[0])
            rows = call(port, "GET", "/v1/models/tiny")[1]["model_version_status"]
            states = [(int(row["version"]), row["state"]) for row in rows]
        assert set(statuses) == {200}
        assert states == [(2, "AVAILABLE"), (1, "END")]
        assert predict(port, body, "/versions/2")[0] == 200
        assert refused(predict(port, body, "/versions/1"), 404)
    library.close()


def test_a_broken_version_is_left_out_and_the_old_one_stays(model, tmp_path):
    shutil.copytree(model, tmp_path / "tiny" / "1")
    (tmp_path / "tiny" / "2").mkdir()
    (tmp_path / "other" / "1").mkdir(parents=True)
    library = Library(tmp_path)
    library.refresh()
    library.refresh()
    assert library.names() == ["tiny"]
    assert library.states("tiny", None, None) == [(1, "AVAILABLE"), (2, "END")]


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
def stand_in_port(model, tmp_path_factory):
    base = tmp_path_factory.mktemp("hostile") / "tiny"
    shutil.copytree(model, base / "1")
    library = Library(base.parent)
    library.refresh()
    with stand_in(library) as port:
        yield port


def test_requests_have_a_limit_also_unpacked(stand_in_port, body):
    large = b" " * (BODY_LIMIT + 1)
    assert refused(predict(stand_in_port, large), 413)
    assert refused(predict(stand_in_port, gzip.compress(large * 50), content_encoding="gzip"), 413)
    assert refused(predict(stand_in_port, gzip.compress(b"{}")[:-4], content_encoding="gzip"))
    assert predict(stand_in_port, body)[0] == 200


def test_slow_clients_and_cut_connections_hold_nobody_up(stand_in_port, body):
    head = b"POST /v1/models/tiny:predict HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"
    slow = [socket.create_connection(("127.0.0.1", stand_in_port)) for _ in range(20)]
    for connection in slow:
        connection.sendall(head)
    for connection in slow[::2]:
        connection.close()
    assert predict(stand_in_port, body)[0] == 200
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
def test_hostile_json(stand_in_port, content):
    assert refused(predict(stand_in_port, content))


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
def test_whatever_comes_is_answered(stand_in_port, key, signature, value):
    status, answer = predict(stand_in_port, {"signature_name": signature, key: value})
    # Nothing comes of nothing: an empty batch, or one of empty pictures.
    assert status in (200, 400), answer
    assert status == 400 or answer == {"outputs": []}


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_whatever_file_comes_is_answered(stand_in_port, data):
    picture = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    file_format = data.draw(st.sampled_from(["PNG", "JPEG", "GIF", "BMP", "WEBP"]))
    content = bytearray(encode(picture, file_format))
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    content = content[: data.draw(st.integers(1, len(content)))]
    status, answer = predict(stand_in_port, {"signature_name": "serve_bytes", "instances": [b64(bytes(content))]})
    assert status in (200, 400), answer


def resident_pages():
    return int(Path("/proc/self/statm").read_text().split()[1])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_ten_thousand_hostile_requests(stand_in_port, body):
    random = np.random.default_rng(0)
    good = json.dumps(body).encode()
    connection = http.client.HTTPConnection("127.0.0.1", stand_in_port, timeout=30)

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
