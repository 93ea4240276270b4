"""The page as an ASGI application."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from keras_deid.data.images import encode_png
from keras_deid.demo.engine import Engine
from keras_deid.demo.held import HeldPictures
from keras_deid.demo.picture import Picture, read_picture, restored_file, restored_name
from keras_deid.demo.requests import box, box_of_query, boxes, number, parse_object, read_body
from keras_deid.errors import UserError
from keras_deid.report.page import data_uri
from keras_deid.restoring.locate import THRESHOLD

log = logging.getLogger(__name__)

_PAGE = Path(__file__).parent / "page"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript"}
_HEADERS = {
    # The browser fetches nothing from another host, and keeps no photograph in its cache.
    "content-security-policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "cache-control": "no-store",
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
}

_Work = Callable[[Request, bytes], Response]


def demo_app(engine: Engine) -> Starlette:
    """Makes the application.

    Errors are JSON, `{"error": "one line"}`, with status 422 for what the person at the page can mend.

    Args:
        engine: does the work, one request after the other.
    """
    page = _Page(engine)
    turn = threading.Lock()  # one restoration keeps the cores busy

    def route(method: str, path: str, work: _Work) -> Route:
        return Route(path, _endpoint(work, turn), methods=[method])

    return Starlette(
        routes=[
            route("GET", "/settings", page.settings),
            route("GET", "/layers", page.layers),
            route("POST", "/pictures", page.add),
            route("POST", "/pictures/{token}/find", page.find),
            route("POST", "/pictures/{token}/restore", page.restore),
            route("POST", "/pictures/{token}/explain", page.explain),
            route("GET", "/pictures/{token}/before.png", page.before),
            route("GET", "/pictures/{token}/after.png", page.after),
            route("GET", "/pictures/{token}/download", page.download),
            route("GET", "/", _page_file),
            route("GET", "/{file}", _page_file),
        ],
        # A page elsewhere cannot reach this one under a name of its own.
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])],
    )


class _Page:
    """Answers the requests of the page's scripts."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._held = HeldPictures()

    def settings(self, request: Request, body: bytes) -> Response:
        return _json({"model": self._engine.model.name, "threshold": THRESHOLD})

    def layers(self, request: Request, body: bytes) -> Response:
        attention = self._engine.attention
        return _json({"layers": attention.layers, "places": attention.places, "target": attention.target.words})

    def add(self, request: Request, body: bytes) -> Response:
        picture = read_picture(body, request.query_params.get("name", ""))
        height, width = picture.pixels.shape[:2]
        return _json({"token": self._held.hold(picture), "name": picture.name, "width": width, "height": height})

    def find(self, request: Request, body: bytes) -> Response:
        found = self._engine.find(self._picture(request), number(parse_object(body).get("threshold")))
        return _json({"regions": [{"box": region.box, "score": region.score} for region in found]})

    def restore(self, request: Request, body: bytes) -> Response:
        picture = self._picture(request)
        self._engine.restore(picture, boxes(parse_object(body).get("boxes")))
        return _json({"name": restored_name(picture)})

    def explain(self, request: Request, body: bytes) -> Response:
        explained = self._engine.explain(self._picture(request), box(parse_object(body).get("box")))
        attention = explained.attention
        return _json(
            {
                "crop": _as_source(explained.crop),
                "restored": _as_source(explained.restored),
                "maps": {layer: _as_source(pixels) for layer, pixels in attention.overlays.items()},
                "top": attention.top,
                "zero": attention.zero,
            }
        )

    def before(self, request: Request, body: bytes) -> Response:
        return _png(encode_png(self._engine.view(self._picture(request), False, box_of_query(request))))

    def after(self, request: Request, body: bytes) -> Response:
        return _png(encode_png(self._engine.view(self._picture(request), True, box_of_query(request))))

    def download(self, request: Request, body: bytes) -> Response:
        picture = self._picture(request)
        response = _png(restored_file(picture))
        response.headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(restored_name(picture))}"
        return response

    def _picture(self, request: Request) -> Picture:
        return self._held.picture(request.path_params["token"])


def _page_file(request: Request, body: bytes) -> Response:
    path = _PAGE / request.path_params.get("file", "index.html")
    if path.parent != _PAGE or not path.is_file():
        return _error(404, "There is no such page")
    return _response(path.read_bytes(), _TYPES[path.suffix])


def _endpoint(work: _Work, turn: threading.Lock) -> Callable[[Request], Awaitable[Response]]:
    def in_turn(request: Request, body: bytes) -> Response:
        with turn:
            return work(request, body)

    async def answer(request: Request) -> Response:
        try:
            if request.method == "POST" and request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
                return _error(403, "Only the page itself may ask for this")
            return await run_in_threadpool(in_turn, request, await read_body(request))
        except UserError as error:
            return _error(422, " ".join(str(error).splitlines()))
        except ClientDisconnect:
            return _error(499, "The page was closed")
        except Exception:
            log.exception("%s %s", request.method, request.url.path)
            return _error(500, "Something went wrong; the terminal that the page was started from says more")

    return answer


def _as_source(pixels: Any) -> str:
    return data_uri(encode_png(pixels))


def _json(values: dict[str, Any]) -> Response:
    return _response(json.dumps(values).encode(), "application/json")


def _png(content: bytes) -> Response:
    return _response(content, "image/png")


def _error(status: int, message: str) -> Response:
    return _response(json.dumps({"error": message}).encode(), "application/json", status)


def _response(content: bytes, media_type: str, status: int = 200) -> Response:
    return Response(content, status, headers=_HEADERS, media_type=media_type)
