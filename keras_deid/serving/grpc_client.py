"""A client for TensorFlow Serving's gRPC interface."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from tensorflow_serving.apis.get_model_metadata_pb2 import GetModelMetadataRequest, SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusRequest, ModelVersionStatus
from tensorflow_serving.apis.model_service_pb2_grpc import ModelServiceStub
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_service_pb2_grpc import PredictionServiceStub

from keras_deid.errors import UserError
from keras_deid.serving.metadata import DESCRIBE, LOCATE
from keras_deid.serving.remote_model import RemoteModel
from keras_deid.serving.request import RESPONSE_LIMIT, Retry, ServingError, send

_ADDRESS = re.compile(r"(?P<server>[^/]+:[0-9]+)/(?P<name>[^/:]+)")


class GrpcModel(RemoteModel):
    """A model on a server; its signatures and size are read from the server's metadata.

    Requests are sent again only after UNAVAILABLE, which is 503 and a refused connection.

    Args:
        address: `HOST:PORT/NAME`.
        deadline: seconds for a request, with its repetitions.
        wait: seconds to wait until the model is AVAILABLE.

    Raises:
        UserError: if the address is of another form.
        ServingError: if the server is not there in time, or does not offer what is needed.
    """

    def __init__(self, address: str, deadline: float = 60.0, wait: float = 30.0) -> None:
        found = _ADDRESS.fullmatch(address)
        if found is None:
            raise UserError(f"{address}: expected HOST:PORT/NAME, for instance localhost:8500/street64")
        self._deadline = deadline
        limits = [(f"grpc.max_{way}_message_length", RESPONSE_LIMIT) for way in ("send", "receive")]
        channel = grpc.insecure_channel(found["server"], limits)
        self._models, self._predictions = ModelServiceStub(channel), PredictionServiceStub(channel)
        super().__init__(address, found["server"], found["name"], wait)

    def restore_files(self, contents: Sequence[bytes]) -> list[bytes]:
        """Sends the files as strings."""
        files = np.array(contents, object)
        return list(self.predict(self._files.signature, {self._files.input_name: files})[self._files.output_name])

    def predict(self, signature: str, inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """Calls any signature with arrays by name.

        Raises:
            ServingError: if the server does not answer, or says no.
        """
        request = PredictRequest()
        request.model_spec.name = self.name
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
        response = self._call(self._predictions.Predict, request)
        return {name: tf.make_ndarray(tensor) for name, tensor in response.outputs.items()}

    def states(self) -> dict[int, str]:
        """Asks for all versions."""
        request = GetModelStatusRequest()
        request.model_spec.name = self.name
        rows = self._call(self._models.GetModelStatus, request).model_version_status
        return {row.version: ModelVersionStatus.State.Name(row.state) for row in rows}

    def _mark(self, picture: np.ndarray) -> np.ndarray:
        return self.predict(LOCATE, {"image": picture[None]})["hidden"][0]

    def _describe(self) -> bytes:
        return self.predict(DESCRIBE, {"row": np.zeros(1, np.int32)})["description"][0]

    def _metadata(self) -> dict[str, Any]:
        request = GetModelMetadataRequest(metadata_field=["signature_def"])
        request.model_spec.name = self.name
        response = self._call(self._predictions.GetModelMetadata, request)
        signatures = SignatureDefMap()
        response.metadata["signature_def"].Unpack(signatures)
        as_json = MessageToDict(signatures, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
        return {
            "model_spec": {"version": response.model_spec.version.value},
            "metadata": {"signature_def": as_json},
        }

    def _call(self, method: Callable[..., Any], request: Any) -> Any:
        def attempt(seconds: float) -> Any:
            try:
                return method(request, timeout=seconds)
            except grpc.RpcError as error:
                code = error.code()
                failed = ServingError(self._address, error.details() or code.name, _HTTP.get(code, 500))
                raise (Retry(failed) if code == grpc.StatusCode.UNAVAILABLE else failed) from None

        return send(attempt, self._deadline)


# The codes under which the REST interface reports the same.
_HTTP = {
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
}
