"""TensorFlow Serving's REST interface as an ASGI application."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import zlib
from typing import Any

from google.protobuf.json_format import MessageToDict
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from tensorflow_serving.apis.get_model_metadata_pb2 import SignatureDefMap
from tensorflow_serving.apis.get_model_status_pb2 import GetModelStatusResponse, ModelVersionStatus

from keras_deid.serving.stand_in.errors import RequestError
from keras_deid.serving.stand_in.library import Library
from keras_deid.serving.stand_in.limits import Limits
from keras_deid.serving.stand_in.memory import LARGE, give_back
from keras_deid.serving.stand_in.predict_json import parse_request, to_body, to_tensors

log = logging.getLogger(__name__)

_THREADS = 4
"""Requests for each core that are worked on at a time, as many as TensorFlow Serving; the others wait."""
_WHERE = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]{1,18})|/labels/(?P<label>[^/:]+))?"
_PREDICT = re.compile(_WHERE + ":predict")
_METADATA = re.compile(_WHERE + "/metadata")
_STATUS = re.compile(_WHERE)


def rest_app(library: Library, limits: Limits) -> Starlette:
    """Makes the application.

    Args:
        library: the models.
        limits: what is refused.
    """
    turns = asyncio.Semaphore(_THREADS * (os.cpu_count() or 1))

    async def answer(request: Request) -> Response:
        body = bytearray()
        response = await respond(request, body)
        if max(len(body), len(response.body)) > LARGE:
            response.background = BackgroundTask(give_back)  # when it is sent
        body.clear()
        return response

    async def respond(request: Request, body: bytearray) -> Response:
        try:
            await asyncio.wait_for(_read_body(request, limits, body), limits.seconds)
            async with turns:
                return await run_in_threadpool(_respond, library, limits, request.method, request.url.path, body)
        except RequestError as error:
            return _error(error.status, error.message)
        except TimeoutError:
            return _error(408, "The request did not arrive in time")
        except ClientDisconnect:
            return _error(499, "The client went away")

    return Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST", "PUT", "DELETE", "PATCH"])])


def _error(status: int, message: str) -> Response:
    return Response(json.dumps({"error": message}), status, media_type="application/json")


async def _read_body(request: Request, limits: Limits, content: bytearray) -> None:
    """Reads the body into `content`."""
    limit, parts = limits.body, aiter(request.stream())
    while (chunk := await asyncio.wait_for(anext(parts, None), limits.idle_seconds)) is not None:
        content += chunk
        if len(content) > limit:
            raise RequestError(413, f"The request is larger than {limit} bytes")
    if request.headers.get("content-encoding", "").lower() == "gzip":
        content[:] = await run_in_threadpool(_unpack, content, limit)


def _unpack(content: bytearray, limit: int) -> bytes:
    unpacker = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)
    try:
        unpacked = unpacker.decompress(content, limit + 1)
    except zlib.error:
        raise RequestError(400, "Failed to uncompress the gzipped body") from None
    if len(unpacked) > limit:
        raise RequestError(413, f"The request is larger than {limit} bytes when it is unpacked")
    if not unpacker.eof:
        raise RequestError(400, "Failed to uncompress the gzipped body")
    return unpacked


def _respond(library: Library, limits: Limits, method: str, path: str, body: bytearray) -> Response:
    """Answers a request, whatever comes: an error that left its thread would long hold what it tells of."""
    try:
        return Response(_answer(library, limits, method, path, body), media_type="application/json")
    except RequestError as error:
        return _error(error.status, error.message)
    except Exception:
        log.exception("%s %s", method, path)
        return _error(500, "Internal error; the server's log has more")


def _answer(library: Library, limits: Limits, method: str, path: str, body: bytearray) -> bytes:
    if method == "POST" and (found := _PREDICT.fullmatch(path)):
        return _predict(library, limits, body, **found.groupdict())
    if method == "GET" and (found := _METADATA.fullmatch(path)):
        return _metadata(library, **found.groupdict())
    if method == "GET" and (found := _STATUS.fullmatch(path)):
        return _status(library, **found.groupdict())
    raise RequestError(400, f"Malformed request: {method} {path[:200]}")


def _predict(
    library: Library, limits: Limits, body: bytearray, name: str, version: str | None, label: str | None
) -> bytes:
    servable = library.find(name, version, label)
    request = parse_request(body)
    inputs = to_tensors(request, servable.input_specs(request.signature))
    for input_name, array in inputs.items():
        limits.check_pictures(input_name, array)
    return to_body(servable.predict(request.signature, inputs), request.by_row)


def _metadata(library: Library, name: str, version: str | None, label: str | None) -> bytes:
    servable = library.find(name, version, label)
    signatures = SignatureDefMap(signature_def=servable.definitions)
    spec = {"name": name, "signature_name": "", "version": str(servable.version)}
    return _to_json({"model_spec": spec, "metadata": {"signature_def": _to_dict(signatures)}})


def _status(library: Library, name: str, version: str | None, label: str | None) -> bytes:
    response = GetModelStatusResponse()
    for number, state in library.states(name, version, label):
        status = response.model_version_status.add(version=number, state=ModelVersionStatus.State.Value(state))
        status.status.error_code = 0
    return _to_json(_to_dict(response))


def _to_dict(message: Any) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _to_json(values: dict[str, Any]) -> bytes:
    return json.dumps(values, indent=1).encode()
