"""Statement 20: gRPC agrees with REST. It is run against the servers of `servers.py`."""

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.serving import request as request_module
from keras_deid.serving.client import RestModel
from keras_deid.serving.grpc_client import GrpcModel
from keras_deid.serving.request import ServingError

from .conftest import HEIGHT, WIDTH, encode
from .servers import STAND_IN, free_port


@pytest.fixture
def both(server):
    """The same model over REST and over gRPC."""
    if server.grpc is None:
        pytest.skip("needs the server's HOST:PORT of gRPC in TF_SERVING_GRPC; docs/serving.md has the commands")
    return RestModel(f"http://{server.rest}/v1/models/tiny"), GrpcModel(f"{server.grpc}/tiny")


def test_20_status_and_metadata_agree(both):
    rest, grpc = both
    for name in ("name", "version", "size", "context", "adds_detail"):
        assert getattr(rest, name) == getattr(grpc, name)
    assert grpc.states() == {1: "AVAILABLE"}


def test_20_predictions_agree(both, pictures):
    rest, grpc = both
    np.testing.assert_array_equal(grpc.restore(pictures), rest.restore(pictures))
    unit = np.float32(pictures) / 255
    floats = grpc.predict("serving_default", {"image": unit})["restored"]
    np.testing.assert_allclose(floats, rest.predict("serving_default", {"image": unit.tolist()}), atol=1e-6)
    uint8 = grpc.predict("serve_uint8", {"image": pictures})["restored"]
    np.testing.assert_array_equal(uint8, rest.predict("serve_uint8", {"image": pictures.tolist()}))


def test_20_marks_agree(both):
    rest, grpc = both
    picture = np.random.default_rng(0).integers(0, 256, (32, 64, 3)).astype("uint8")
    marked = grpc.mark(picture)
    assert marked.dtype == np.float32 and marked.shape == (8, 16)
    np.testing.assert_allclose(marked, rest.mark(picture), atol=1e-4)


def test_20_predictions_equal_the_keras_model(both, pictures, restore_alone):
    _, grpc = both
    expected = np.clip((restore_alone(pictures) + 1) / 2, 0, 1)
    floats = grpc.predict("serving_default", {"image": np.float32(pictures) / 255})["restored"]
    np.testing.assert_allclose(floats, expected, atol=1e-5)
    for uint8 in (grpc.predict("serve_uint8", {"image": pictures})["restored"], grpc.restore(pictures)):
        np.testing.assert_allclose(uint8.astype(int), np.rint(expected * 255), atol=1)


def test_20_more_than_four_mebibytes(both):
    _, grpc = both
    many = np.random.default_rng(0).random((1200, HEIGHT, WIDTH, 3), np.float32)
    assert many.nbytes > 5 * 2**20
    assert grpc.predict("serving_default", {"image": many})["restored"].shape == many.shape


@pytest.mark.parametrize(
    ("signature", "inputs", "message"),
    [
        ("unknown", {}, "Serving signature key"),
        ("serve_uint8", {"other": np.zeros(1)}, "Expected the inputs"),
        ("serve_uint8", {"image": np.zeros((1, HEIGHT, WIDTH, 3), "float32")}, "expected uint8"),
        ("serve_uint8", {"image": np.zeros((1, HEIGHT, WIDTH), "uint8")}, "expected shape"),
        ("serve_bytes", {"image_bytes": np.array(b"scalar")}, "expected shape"),
        ("serve_bytes", {"image_bytes": np.array([b"junk"])}, "Unknown image file format"),
    ],
)
def test_20_errors_have_the_servers_words_and_rests_code(both, server, signature, inputs, message):
    with pytest.raises(ServingError, match=message if server.kind == STAND_IN else "") as raised:
        both[1].predict(signature, inputs)
    assert raised.value.status == 400
    assert "Traceback" not in str(raised.value)


def test_an_empty_batch_gives_no_results(both):
    assert both[1].predict("serve_bytes", {"image_bytes": np.array([], object)})["restored_bytes"].shape == (0,)


def test_who_is_not_there(both, monkeypatch):
    monkeypatch.setattr(request_module, "PAUSES", (0.01,))
    with pytest.raises(ServingError) as raised:
        GrpcModel(f"127.0.0.1:{free_port()}/tiny", wait=0)
    assert raised.value.status == 503
    server = both[1].identity.split()[0]
    with pytest.raises(ServingError, match="Could not find any versions of model other") as raised:
        GrpcModel(f"{server}/other", wait=0)
    assert raised.value.status == 404
    with pytest.raises(UserError, match="expected HOST:PORT/NAME"):
        GrpcModel("localhost")


def test_files_of_any_size(both):
    large = np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype("uint8")
    rest, grpc = both
    (content,) = grpc.predict("serve_bytes", {"image_bytes": np.array([encode(large)], object)})["restored_bytes"]
    assert rest.restore_files([encode(large)]) == [content]


def test_pictures_have_a_limit(both, server):
    if server.kind != STAND_IN:
        pytest.skip("only the stand-in promises it")
    bomb = encode(np.zeros((4001, 8000), np.uint8), mode="1")
    with pytest.raises(ServingError, match="a picture has more than 32000000 pixels") as raised:
        both[1].predict("serve_bytes", {"image_bytes": np.array([bomb], object)})
    assert raised.value.status == 400
