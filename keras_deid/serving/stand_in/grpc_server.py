"""TensorFlow Serving's gRPC interface, as far as pictures need it: Predict, GetModelMetadata, GetModelStatus."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import tensorflow as tf
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataResponse, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceServicer, add_ModelServiceServicer_to_server
from tensorflow_serving.apis.predict_pb2 import PredictResponse
from tensorflow_serving.apis.prediction_service_pb2_grpc import (
    PredictionServiceServicer,
    add_PredictionServiceServicer_to_server,
)

from keras_deid.serving.stand_in.errors import RequestError
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.memory import LARGE, give_back
from keras_deid.serving.stand_in.predict_json import DEFAULT_SIGNATURE

log = logging.getLogger(__name__)

_THREADS = 8
_CODES = {
    400: grpc.StatusCode.INVALID_ARGUMENT,
    404: grpc.StatusCode.NOT_FOUND,
    429: grpc.StatusCode.RESOURCE_EXHAUSTED,
    501: grpc.StatusCode.UNIMPLEMENTED,
    503: grpc.StatusCode.UNAVAILABLE,
    504: grpc.StatusCode.DEADLINE_EXCEEDED,
}


def grpc_server(library: Library, address: str, limits: Limits) -> tuple[grpc.Server, int]:
    """Makes a server, to be started.

    Args:
        library: the models.
        address: `HOST:PORT`; port 0 takes a free one.
        limits: what is refused.

    Returns:
        The server, and its port.
    """
    sizes = [("grpc.max_receive_message_length", limits.body), ("grpc.max_send_message_length", -1)]
    server = grpc.server(ThreadPoolExecutor(_THREADS), options=sizes)
    service = _Service(library, limits)
    add_PredictionServiceServicer_to_server(service, server)
    add_ModelServiceServicer_to_server(service, server)
    return server, server.add_insecure_port(address)


def _answering(method: Callable[[Any, Any], Any]) -> Callable[[Any, Any, grpc.ServicerContext], Any]:
    """Turns what a method raises into the code and the message that the client sees."""

    def answer(self: Any, request: Any, context: grpc.ServicerContext) -> Any:
        if request.ByteSize() > LARGE:
            context.add_callback(give_back)  # when the answer is sent
        try:
            return method(self, request)
        except RequestError as error:
            context.abort(_CODES.get(error.status, grpc.StatusCode.INTERNAL), error.message)
        except Exception:
            log.exception("gRPC %s", method.__name__)
            context.abort(grpc.StatusCode.INTERNAL, "Internal error; the server's log has more")

    return answer


class _Service(PredictionServiceServicer, ModelServiceServicer):
    def __init__(self, library: Library, limits: Limits) -> None:
        self._library = library
        self._limits = limits

    @_answering
    def Predict(self, request: Any) -> PredictResponse:
        servable = self._library.find(*_where(request.model_spec))
        signature = request.model_spec.signature_name or DEFAULT_SIGNATURE
        specs = servable.input_specs(signature)
        if request.inputs.keys() != specs.keys():
            raise RequestError(400, f"Expected the inputs {sorted(specs)}, got {sorted(request.inputs)}"[:300])
        try:
            inputs = {name: tf.make_ndarray(tensor) for name, tensor in request.inputs.items()}
        except (ValueError, TypeError) as error:
            raise RequestError(400, f"A tensor cannot be read: {error}"[:300]) from None
        for name, spec in specs.items():
            spec.check(name, inputs[name])
            self._limits.check_pictures(name, inputs[name])
        response = PredictResponse()
        for name, output in servable.predict(signature, inputs).items():
            response.outputs[name].CopyFrom(tf.make_tensor_proto(output))
        response.model_spec.name = request.model_spec.name
        response.model_spec.signature_name = signature
        response.model_spec.version.value = servable.version
        return response

    @_answering
    def GetModelMetadata(self, request: Any) -> GetModelMetadataResponse:
        servable = self._library.find(*_where(request.model_spec))
        if list(request.metadata_field) != ["signature_def"]:
            raise RequestError(400, "Expected the metadata field signature_def")
        response = GetModelMetadataResponse()
        response.model_spec.name = request.model_spec.name
        response.model_spec.version.value = servable.version
        response.metadata["signature_def"].Pack(SignatureDefMap(signature_def=servable.definitions))
        return response

    @_answering
    def GetModelStatus(self, request: Any) -> GetModelStatusResponse:
        response = GetModelStatusResponse()
        for number, state in self._library.states(*_where(request.model_spec)):
            status = response.model_version_status.add(version=number, state=ModelVersionStatus.State.Value(state))
            status.status.error_code = 0
        return response


def _where(spec: Any) -> tuple[str, str | None, str | None]:
    version = str(spec.version.value) if spec.HasField("version") else None
    return spec.name, version, spec.version_label or None
