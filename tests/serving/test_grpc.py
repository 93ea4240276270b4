"""Statement 20: gRPC agrees with REST. It is run against the stand-in."""

import shutil

import numpy as np
import pytest

from keras_deid.errors import UserError
from keras_deid.serving import grpc_client as client_module
from keras_deid.serving.client import RestModel, ServingError
from keras_deid.serving.grpc_client import GrpcModel
from keras_deid.serving.stand_in.grpc_server import grpc_server
from keras_deid.serving.stand_in.library import Library

from .conftest import HEIGHT, WIDTH, encode
from .test_rest import free_port, stand_in


@pytest.fixture(scope="module")
def both(model, tmp_path_factory):
    """The same model over REST and over gRPC."""
    base = tmp_path_factory.mktemp("served") / "tiny"
    shutil.copytree(model, base / "1")
    library = Library(base.parent)
    library.refresh()
    server, port = grpc_server(library, "127.0.0.1:0")
    server.start()
    with stand_in(library) as rest_port:
        yield RestModel(f"http://127.0.0.1:{rest_port}/v1/models/tiny"), GrpcModel(f"127.0.0.1:{port}/tiny")
    server.stop(grace=None)


def test_20_status_and_metadata_agree(both):
    rest, grpc = both
    for name in ("name", "version", "size", "context"):
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
def test_errors_have_the_servers_words_and_rests_code(both, signature, inputs, message):
    with pytest.raises(ServingError, match=message) as raised:
        both[1].predict(signature, inputs)
    assert raised.value.status == 400
    assert "Traceback" not in str(raised.value)


def test_an_empty_batch_gives_no_results(both):
    assert both[1].predict("serve_bytes", {"image_bytes": np.array([], object)})["restored_bytes"].shape == (0,)


def test_who_is_not_there(both, monkeypatch):
    monkeypatch.setattr(client_module, "PAUSES", (0.01,))
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
