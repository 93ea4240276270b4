"""The statements about the REST interface, by number where docs/serving.md lists them.

They hold of the stand-in, and of TensorFlow Serving where there is one, see `servers.py`.
"""

import base64
import gzip
import http.client
import json
import os
import shutil
import socket
import time
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.json_format import Parse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from keras_deid.errors import UserError
from keras_deid.serving.export import versions
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.model_config import ModelConfig, read_models_config
from keras_deid.serving.stand_in.run import run_stand_in

from .conftest import HEIGHT, WIDTH, decode, encode
from .servers import stand_in, write_models

SMALL = Limits(body=2**20, pixels=100_000, seconds=1.0)


@pytest.fixture
def address(server):
    return server.rest


def call(address, method, path, body=None, **headers):
    """Returns (status, parsed body); the body is sent as JSON unless it is bytes."""
    connection = http.client.HTTPConnection(address, timeout=30)
    content = body if isinstance(body, bytes | None) else json.dumps(body)
    connection.request(method, path, content, {name.replace("_", "-"): value for name, value in headers.items()})
    response = connection.getresponse()
    text = response.read()
    connection.close()
    assert response.headers.get("content-encoding") is None  # 17
    assert response.headers["content-type"].startswith("application/json")
    assert b"Traceback" not in text
    return response.status, json.loads(text)


def predict(address, body, where="", **headers):
    return call(address, "POST", f"/v1/models/tiny{where}:predict", body, **headers)


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
def test_11_every_url_form(address, where, body):
    assert predict(address, body, where)[0] == 200
    assert call(address, "GET", f"/v1/models/tiny{where}")[0] == 200
    assert call(address, "GET", f"/v1/models/tiny{where}/metadata")[0] == 200


@pytest.mark.parametrize(
    "path", ["/v1/models/tiny/", "/v1/models/tiny:predict/", "/v1/models/", "/", "/v1/models/tiny/x"]
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_11_malformed_urls(address, path, method):
    assert refused(call(address, method, path, {} if method == "POST" else None))


def test_11_unknown_names(address, body):
    for path in ("/v1/models/other", "/v1/models/other/metadata", "/v1/models/tiny/versions/7"):
        assert refused(call(address, "GET", path), 404)
    assert refused(call(address, "POST", "/v1/models/other:predict", body), 404)
    assert refused(predict(address, body, "/versions/7"), 404)
    assert refused(predict(address, body, "/labels/unknown"))
    assert refused(predict(address, {**body, "signature_name": "unknown"}))
    assert refused(predict(address, {**body, "signature_name": 3}))


# 12 to 16 -------------------------------------------------------------------------------------------------------------


def test_12_rows_and_columns_equal_the_keras_model(address, pictures, restore_alone):
    unit = (np.float32(pictures) / 255).tolist()
    expected = np.clip((restore_alone(pictures) + 1) / 2, 0, 1)
    for body, key in (({"instances": unit}, "predictions"), ({"inputs": unit}, "outputs")):
        status, answer = predict(address, body)
        assert status == 200 and answer.keys() == {key}
        np.testing.assert_allclose(answer[key], expected, atol=1e-5)
    status, answer = predict(address, {"signature_name": "serve_uint8", "inputs": {"image": pictures.tolist()}})
    np.testing.assert_allclose(answer["outputs"], np.rint(expected * 255), atol=1)


@pytest.mark.parametrize(
    "request_body", [{}, {"instances": []}, {"instances": {}}, {"instances": [1], "inputs": [1]}, [], 3]
)
def test_12_neither_both_and_empty(address, request_body):
    assert refused(predict(address, request_body))


def test_13_names_may_be_left_out_and_others_are_refused_in_rows(address, pictures):
    image = pictures[0].tolist()
    uint8 = {"signature_name": "serve_uint8"}
    answers = [
        predict(address, {**uint8, "instances": [image]})[1]["predictions"],
        predict(address, {**uint8, "instances": [{"image": image}]})[1]["predictions"],
        predict(address, {**uint8, "inputs": [image]})[1]["outputs"],
        predict(address, {**uint8, "inputs": {"image": [image]}})[1]["outputs"],
        predict(address, {**uint8, "inputs": {"image": [image], "extra": 1}})[1]["outputs"],
    ]
    assert all(answer == answers[0] for answer in answers)
    assert refused(predict(address, {**uint8, "instances": [{"image": image, "extra": 1}]}))
    assert refused(predict(address, {**uint8, "instances": [{"extra": image}]}))
    assert refused(predict(address, {**uint8, "inputs": {"extra": [image]}}))


def test_14_base64(address, pictures):
    content = encode(pictures[0])
    for body, key in (
        ({"instances": [b64(content)]}, "predictions"),
        ({"instances": [{"image_bytes": b64(content)}]}, "predictions"),
        ({"inputs": [b64(content)]}, "outputs"),
        ({"inputs": {"image_bytes": [b64(content)]}}, "outputs"),
    ):
        status, answer = predict(address, {"signature_name": "serve_bytes", **body})
        assert status == 200 and answer[key][0].keys() == {"b64"}
        assert decode(base64.b64decode(answer[key][0]["b64"])).shape == (HEIGHT, WIDTH, 3)


def test_14_what_is_not_base64(address, pictures):
    content = encode(pictures[0])
    web_safe = base64.urlsafe_b64encode(content + bytes(range(256))).decode()
    assert "-" in web_safe or "_" in web_safe
    bytes_signature = {"signature_name": "serve_bytes"}
    for wrong in ({"b64": web_safe}, {"b64": 3}, {"b64": "a"}, {"b64": "", "x": 1}, 3, None, [b64(content)]):
        assert refused(predict(address, {**bytes_signature, "instances": [wrong]}))
    assert refused(predict(address, {**bytes_signature, "inputs": b64(content)}))
    for wrong in (b"", b"junk", content[:60]):
        assert refused(predict(address, {**bytes_signature, "instances": [b64(wrong)]}))


def test_15_wrong_shapes_and_types(address, pictures):
    image = pictures[0].tolist()
    ragged = [*image[:-1], image[-1][:-1]]
    for wrong in (ragged, image[:-1], 3, [], "text", [[[]]], {"b64": ""}, None, True):
        assert refused(predict(address, {"instances": [wrong]}))
    for value in ("1", None, True, {}, [1]):
        changed = json.loads(json.dumps(image))
        changed[3][4][1] = value
        assert refused(predict(address, {"instances": [changed]}))
    assert refused(predict(address, {"instances": [image, ragged]}))
    image[0][0][0] = 0.5
    assert refused(predict(address, {"signature_name": "serve_uint8", "instances": [image]}))


def test_16_not_a_number_both_ways(address):
    values = np.full((1, HEIGHT, WIDTH, 3), 0.5)
    values[0, 0, 0, 0] = np.nan
    text = json.dumps({"instances": values.tolist()})
    assert "NaN" in text
    status, answer = predict(address, text.encode())
    assert status == 200 and np.isnan(answer["predictions"]).any()
    assert predict(address, text.replace("NaN", "Infinity").encode())[0] == 200
    assert predict(address, text.replace("NaN", "-Infinity").encode())[0] == 200
    assert all(isinstance(value, float) for value in np.ravel(answer["predictions"]).tolist())


def test_16_an_empty_batch_gives_no_results(address):
    assert predict(address, {"signature_name": "serve_bytes", "inputs": []}) == (200, {"outputs": []})


# 17, 18 ---------------------------------------------------------------------------------------------------------------


def test_17_gzip_is_accepted(address, body):
    packed = gzip.compress(json.dumps(body).encode())
    assert predict(address, packed, content_encoding="gzip", accept_encoding="gzip") == predict(address, body)
    assert refused(predict(address, b"junk", content_encoding="gzip"))


def test_18_status_and_metadata_are_the_messages_own_json(address, model):
    status, answer = call(address, "GET", "/v1/models/tiny")
    assert answer == {
        "model_version_status": [
            {"version": "1", "state": "AVAILABLE", "status": {"error_code": "OK", "error_message": ""}}
        ]
    }
    assert Parse(json.dumps(answer), GetModelStatusResponse()).model_version_status[0].version == 1
    status, answer = call(address, "GET", "/v1/models/tiny/metadata")
    assert answer["model_spec"] == {"name": "tiny", "signature_name": "", "version": "1"}
    signatures = answer["metadata"]["signature_def"]["signature_def"]
    assert signatures.keys() >= {"serving_default", "serve_uint8", "serve_bytes", "__saved_model_init_op"}
    image = signatures["serve_uint8"]["inputs"]["image"]
    assert image["dtype"] == "DT_UINT8" and image["tensor_shape"]["unknown_rank"] is False
    assert [dim["size"] for dim in image["tensor_shape"]["dim"]] == ["-1", str(HEIGHT), str(WIDTH), "3"]
    assert signatures["serve_bytes"]["method_name"] == "tensorflow/serving/predict"


# 19 -------------------------------------------------------------------------------------------------------------------


def test_19_a_new_version_is_served_without_a_failed_request(server, model, body):
    if server.folder is None:
        pytest.skip("needs the server's folder in TF_SERVING_MODELS; docs/serving.md has the commands")
    base = server.folder / "renewed"
    old = versions(base)[-1]
    where = "/v1/models/renewed"
    assert call(server.rest, "POST", f"{where}/versions/{old}:predict", body)[0] == 200
    shutil.copytree(model, base / "half-copied")
    os.rename(base / "half-copied", base / str(old + 1))
    statuses, states, deadline = [], {}, time.monotonic() + 60
    while time.monotonic() < deadline and (states.get(old + 1), states.get(old, "END")) != ("AVAILABLE", "END"):
        statuses.append(call(server.rest, "POST", f"{where}:predict", body)[0])
        rows = call(server.rest, "GET", where)[1]["model_version_status"]
        states = {int(row["version"]): row["state"] for row in rows}
    assert set(statuses) == {200}
    assert states[old + 1] == "AVAILABLE" and states.get(old, "END") == "END"
    assert call(server.rest, "POST", f"{where}/versions/{old + 1}:predict", body)[0] == 200
    assert refused(call(server.rest, "POST", f"{where}/versions/{old}:predict", body), 404)


@pytest.mark.skipif("TF_SERVING_MODELS" not in os.environ, reason="writes to TF_SERVING_MODELS, see docs/serving.md")
def test_models_for_a_server_elsewhere(model):
    folder = Path(os.environ["TF_SERVING_MODELS"])
    write_models(model, folder, "/models")
    assert read_models_config(folder / "models.config").keys() == {"tiny", "renewed"}


# What only the stand-in promises --------------------------------------------------------------------------------------


def test_a_broken_version_is_left_out_and_the_old_one_stays(model, tmp_path):
    shutil.copytree(model, tmp_path / "tiny" / "1")
    (tmp_path / "tiny" / "2").mkdir()
    (tmp_path / "other" / "1").mkdir(parents=True)
    library = Library(tmp_path)
    library.refresh()
    assert library.names() == ["tiny"]
    assert library.states("tiny", None, None) == [(2, "END"), (1, "AVAILABLE")]


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
    for text, message in (("model_config_list { wrong: 1 }", "is no models.config"), ("", "names no model")):
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
