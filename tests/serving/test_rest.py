"""The statements about the REST interface, by number where docs/serving.md lists them.

They hold of the stand-in, and of TensorFlow Serving where there is one, see `servers.py`.
"""

import base64
import gzip
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from google.protobuf.json_format import Parse
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse

from keras_deid.serving.export import versions
from keras_deid.serving.stand_in.model_config import read_models_config

from .conftest import HEIGHT, WIDTH, decode, encode
from .rest_calls import b64, call, predict, refused
from .servers import write_models


@pytest.fixture
def address(server):
    return server.rest


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


def test_12_pictures_of_any_size_are_marked_and_the_model_describes_itself(address, locate_alone):
    picture = np.random.default_rng(0).integers(0, 256, (1, 9, 21, 3)).astype("uint8")
    status, answer = predict(address, {"signature_name": "locate", "instances": picture.tolist()})
    assert status == 200
    np.testing.assert_allclose(answer["predictions"], locate_alone(picture), atol=1e-5)
    for key, answered in (("instances", "predictions"), ("inputs", "outputs")):
        status, answer = predict(address, {"signature_name": "describe", key: [0, 7]})
        assert status == 200
        assert [json.loads(text) for text in answer[answered]] == [{"context": 2.0, "adds_detail": False}] * 2


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
