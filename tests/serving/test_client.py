"""The statements about the client, by number where docs/serving.md lists them."""

import base64
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pytest
import urllib3
from PIL import Image

from keras_deid.data.images import ImageError, encode_png
from keras_deid.errors import UserError
from keras_deid.restoring.found import Region
from keras_deid.restoring.model import LocalModel
from keras_deid.restoring.repair import restore_regions
from keras_deid.serving import client as client_module
from keras_deid.serving import request as request_module
from keras_deid.serving.client import RestModel
from keras_deid.serving.request import ServingError

from .conftest import HEIGHT, WIDTH, decode
from .servers import STAND_IN, free_port


@pytest.fixture
def url(server):
    return f"http://{server.rest}/v1/models/tiny"


@pytest.fixture
def client(url):
    return RestModel(url)


AVAILABLE = (200, {"model_version_status": [{"version": "3", "state": "AVAILABLE"}]})


def tensor(dtype, *sizes):
    return {"dtype": dtype, "tensor_shape": {"dim": [{"size": str(size)} for size in sizes]}}


# Names of another server's own.
METADATA = (
    200,
    {
        "model_spec": {"version": "3"},
        "metadata": {
            "signature_def": {
                "signature_def": {
                    "pixels": {"inputs": {"p": tensor("DT_UINT8", -1, 4, 8, 3)}, "outputs": {"q": {}}},
                    "files": {"inputs": {"f": tensor("DT_STRING", -1)}, "outputs": {"g_bytes": {}}},
                }
            }
        },
    },
)


@pytest.fixture
def scripted(monkeypatch):
    """Starts a server that gives the answers of a list, one after the other, and keeps what it was asked."""
    monkeypatch.setattr(request_module, "PAUSES", (0.01, 0.01))
    servers = []

    def start(*answers, port=0):
        asked, left = [], list(answers)

        class Handler(BaseHTTPRequestHandler):
            def answer(self):
                content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                asked.append((self.path, json.loads(content) if content else None))
                status, body = left.pop(0)
                if callable(body):
                    return body(self)
                text = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = answer

            def log_message(self, *words):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/v1/models/tiny", asked

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def test_21_both_forms_and_not_a_number(client, url, pictures):
    unit = (np.float32(pictures) / 255).tolist()
    unit[0][0][0][0] = float("nan")
    body = json.dumps({"signature_name": "serving_default", "instances": unit}).encode()
    rows = json.loads(urllib3.request("POST", f"{url}:predict", body=body).data)["predictions"]
    columns = client.predict("serving_default", {"image": unit})
    np.testing.assert_array_equal(rows, columns)
    assert np.isnan(rows).any()


def test_21_the_servers_own_words_and_code(client, server):
    with pytest.raises(ServingError, match=r"tiny:predict: .* \(HTTP 400\)") as raised:
        client.predict("serving_default", {"image": [1.0]})
    assert raised.value.status == 400 and raised.value.server_message in str(raised.value)
    if server.kind == STAND_IN:
        assert raised.value.server_message == "Input 'image': expected shape [-1, 16, 24, 3], got [1]"
    assert isinstance(raised.value, UserError)


def test_21_equals_the_model_in_this_process(client, model, pictures):
    local = LocalModel(model)
    assert (client.name, client.size, client.version) == ("tiny", (HEIGHT, WIDTH), "1")
    assert (client.context, client.adds_detail) == (local.context, local.adds_detail) == (2.0, False)
    np.testing.assert_array_equal(client.restore(pictures), local.restore(pictures))
    large = np.random.default_rng(0).integers(0, 256, (70, 50, 3)).astype("uint8")
    regions = [Region((5, 10, 30, 40)), Region((20, 30, 50, 70))]
    by_local, by_client = (restore_regions(one, [large], [regions])[0] for one in (local, client))
    np.testing.assert_array_equal(by_client, by_local)
    assert (by_client != large).any()


def test_21_marks_what_the_model_in_this_process_marks(client, model):
    picture = np.random.default_rng(0).integers(0, 256, (64, 96, 3)).astype("uint8")
    marked, expected = client.mark(picture), LocalModel(model).mark(picture)
    assert marked.dtype == expected.dtype == np.float32 and marked.shape == expected.shape == (16, 24)
    np.testing.assert_allclose(marked, expected, atol=1e-4)
    assert expected.max() - expected.min() > 0.2  # its first weights are random


def described(description):
    """A server's metadata and its answer, with a description of the model."""
    signature = {"inputs": {"row": tensor("DT_INT32", -1)}, "outputs": {"description": {}}}
    signatures = METADATA[1]["metadata"]["signature_def"]["signature_def"] | {"describe": signature}
    metadata = {**METADATA[1], "metadata": {"signature_def": {"signature_def": signatures}}}
    return (200, metadata), (200, {"outputs": [description]})


def test_21_what_the_server_says_of_the_model(scripted):
    url, asked = scripted(AVAILABLE, *described('{"context": 1.25, "adds_detail": true}'))
    model = RestModel(url)
    assert (model.context, model.adds_detail, model.mark) == (1.25, True, None)
    assert asked[-1] == ("/v1/models/tiny:predict", {"signature_name": "describe", "inputs": {"row": [0]}})
    # A model that was exported before says nothing.
    url, _ = scripted(AVAILABLE, METADATA)
    model = RestModel(url)
    assert (model.context, model.adds_detail, model.mark) == (2.0, False, None)


@pytest.mark.parametrize("description", ["", "[]", "{}", '{"context": 0.5, "adds_detail": true}', '{"context": 2}'])
def test_21_a_description_that_is_none_is_an_error(scripted, description):
    url, _ = scripted(AVAILABLE, *described(description))
    with pytest.raises(ServingError, match="the signature describe answers"):
        RestModel(url)


@pytest.mark.parametrize("answer", [b"junk", encode_png(np.zeros((4, 4, 3), np.uint8))])
def test_21_a_map_that_is_none_is_an_error(client, monkeypatch, answer):
    monkeypatch.setattr(client, "predict", lambda *words: [{"b64": base64.b64encode(answer).decode()}])
    with pytest.raises(ServingError, match="the answer is not a "):
        client.mark(np.zeros((32, 32, 3), np.uint8))


def test_22_waits_until_the_model_is_available(scripted):
    loading = (200, {"model_version_status": [{"version": "3", "state": "LOADING"}]})
    unknown = (404, {"error": "Could not find any versions of model tiny"})
    url, asked = scripted(unknown, loading, AVAILABLE, METADATA)
    assert RestModel(url, wait=5).size == (4, 8)
    assert [path for path, _ in asked] == ["/v1/models/tiny"] * 3 + ["/v1/models/tiny/metadata"]
    url, _ = scripted(*[loading] * 10)
    with pytest.raises(ServingError, match="LOADING, not AVAILABLE"):
        RestModel(url, wait=0)


def test_22_names_are_the_servers(scripted):
    png = base64.b64encode(encode_png(np.zeros((4, 8, 3), np.uint8))).decode()
    url, asked = scripted(AVAILABLE, METADATA, (200, {"outputs": [{"b64": png}]}))
    assert RestModel(url).restore(np.zeros((1, 4, 8, 3), np.uint8)).shape == (1, 4, 8, 3)
    path, body = asked[-1]
    assert path == "/v1/models/tiny:predict" and body["signature_name"] == "files"
    assert body["inputs"]["f"][0].keys() == {"b64"}


@pytest.mark.parametrize("status", [503, 504])
def test_22_sends_again_what_was_refused_for_the_moment(scripted, status):
    refusal = (status, {"error": "not now"})
    url, asked = scripted(AVAILABLE, METADATA, refusal, refusal, (200, {"outputs": [1]}))
    assert RestModel(url).predict("any", {}) == [1]
    assert len(asked) == 5
    url, asked = scripted(AVAILABLE, METADATA, *[refusal] * 9)
    with pytest.raises(ServingError, match=rf"not now \(HTTP {status}\)"):
        RestModel(url).predict("any", {})
    assert len(asked) == 5


@pytest.mark.parametrize("status", [400, 404, 429, 500, 501])
def test_22_sends_nothing_else_again(scripted, status):
    url, asked = scripted(AVAILABLE, METADATA, (status, {"error": "no"}), (200, {"outputs": [1]}))
    with pytest.raises(ServingError) as raised:
        RestModel(url).predict("any", {})
    assert raised.value.status == status and len(asked) == 3


def test_22_a_cut_connection_is_not_tried_again(scripted):
    def cut(handler):
        handler.connection.shutdown(socket.SHUT_RDWR)
        handler.close_connection = True

    url, asked = scripted(AVAILABLE, METADATA, (0, cut), (200, {"outputs": [1]}))
    with pytest.raises(ServingError, match="the connection broke"):
        RestModel(url).predict("any", {})
    assert len(asked) == 3


def test_22_a_refused_connection_is_tried_again(scripted):
    port = free_port()
    threading.Timer(0.2, lambda: scripted(AVAILABLE, METADATA, port=port)).start()
    assert RestModel(f"http://127.0.0.1:{port}/v1/models/tiny", wait=10).version == "3"
    with pytest.raises(ServingError, match="connection refused"):
        RestModel(f"http://127.0.0.1:{free_port()}/v1/models/tiny", wait=0)


def test_22_keeps_its_deadline(scripted):
    url, _ = scripted(AVAILABLE, METADATA, (0, lambda handler: time.sleep(2)))
    model = RestModel(url, deadline=0.3)
    begun = time.monotonic()
    with pytest.raises(ServingError, match=r"no answer within 0\.3 seconds"):
        model.predict("any", {})
    assert time.monotonic() - begun < 1.5


def test_22_reads_no_more_than_it_has_to(scripted, monkeypatch):
    monkeypatch.setattr(client_module, "RESPONSE_LIMIT", 5000)
    url, _ = scripted(AVAILABLE, METADATA, (200, b" " * 5001))
    with pytest.raises(ServingError, match="larger than 5000 bytes"):
        RestModel(url).predict("any", {})


def test_what_is_no_server_is_said_so(scripted):
    url, _ = scripted((200, b"<html>"))
    with pytest.raises(ServingError, match="not JSON"):
        RestModel(url)
    url, _ = scripted(AVAILABLE, (200, {**METADATA[1], "metadata": {"signature_def": {"signature_def": {}}}}))
    with pytest.raises(ServingError, match="no signature takes files of pictures"):
        RestModel(url)
    for wrong in ("localhost:8501", "http://host/v1/models/", "http://host/v1/models/tiny/", "ftp://host/v1/models/x"):
        with pytest.raises(UserError, match="expected http://HOST:PORT/v1/models/NAME"):
            RestModel(wrong)


def test_23_turns_pictures_upright_before_they_are_sent(client, tmp_path):
    smooth = np.linspace(0, 255, 30 * 40 * 3).reshape(30, 40, 3).astype("uint8")
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.fromarray(np.rot90(smooth)).save(tmp_path / "turned.png", exif=exif)
    Image.fromarray(smooth).save(tmp_path / "upright.png")
    restored = client.restore_file(tmp_path / "turned.png")
    assert decode(restored).shape == (30, 40, 3)
    assert restored == client.restore_file(tmp_path / "upright.png")
    with pytest.raises(ImageError):
        client.restore_file(tmp_path / "missing.png")
