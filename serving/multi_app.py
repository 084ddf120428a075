"""The routes that SageMaker asks of a container which hosts many models."""

from __future__ import annotations

import base64
import binascii
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from serving import engine as engines
from serving import log, negotiate, routes
from serving.bodies import draining
from serving.errors import InputError, RequestError
from serving.exchange import Exchange
from serving.invocations import Invocations
from serving.shelf import Loaded, Shelf
from serving.workers import ClientGoneError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.types import ASGIApp, Receive, Scope, Send

    from serving.settings import Settings

    Said = tuple[int, dict[str, Any]]
    Control = Callable[["MultiApp", Exchange, Scope, Receive], Awaitable[Said]]

_ACCEPTED = "GET /ping, GET /metrics, GET and POST /models, GET and DELETE /models/<name>, POST /models/<name>/invoke"
_PAGE = 100
_LONGEST_NAME = 1024


class MultiApp:
    """The ASGI application of a multi-model server, ready before any model is loaded.

    Source: SageMaker's "Custom Containers Contract for Multi-Model Endpoints".
    """

    def __init__(self, settings: Settings) -> None:
        self._root = settings.model_dir.resolve()
        self._draining = False
        self.member = None  # many models are hosted by one process
        self._invocations = Invocations(settings)
        self._shelf = Shelf(limit_mib=settings.models_memory_mib, max_batch=settings.max_batch)
        self._app: ASGIApp = Starlette(
            routes=[
                Route("/ping", self._ping, methods=["GET"]),
                Route("/metrics", routes.metrics(self), methods=["GET"]),
                Route("/models", self._control(MultiApp._load), methods=["POST"]),
                Route("/models", self._control(MultiApp._list), methods=["GET"]),
                Route("/models/{name}", self._control(MultiApp._describe), methods=["GET"]),
                Route("/models/{name}", self._control(MultiApp._unload), methods=["DELETE"]),
                Route("/models/{name}/invoke", routes.Endpoint(self._invoke), methods=["POST"]),
            ],
            exception_handlers={HTTPException: routes.refuse(_ACCEPTED)},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as ASGI has it."""
        await self._app(scope, receive, send)

    @property
    def admitted(self) -> int:
        """How many requests are waiting or being answered."""
        return self._invocations.admitted

    @property
    def load(self) -> tuple[int, int]:
        """How many requests the model works on, and how many wait for it."""
        return self._invocations.load

    async def patrol(self) -> None:
        """Look after what waits, for ever."""
        await self._invocations.patrol()

    def drain(self) -> None:
        """Take no more requests; those that were admitted are answered."""
        self._draining = True
        self._shelf.drain()
        self._invocations.bodies.close()

    async def _ping(self, _request: Request) -> Response:
        # A model that is broken is answered for by its own callers: the others need not suffer for it.
        state = b"draining" if self._draining else b"ready"
        return Response(b'{"status":"%s"}' % state, 503 if self._draining else 200, media_type=negotiate.JSON)

    async def _invoke(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            self._require_open()
            with self._shelf.use(scope["path_params"]["name"]) as engine:
                if engine.state == engines.BROKEN:
                    self._invocations.prove(engine)
                await self._invocations.invoke(engine, scope, receive, send)
        except RequestError as error:
            await Exchange(scope, send).refuse(error)

    def _control(self, act: Control) -> routes.Endpoint:
        async def call(scope: Scope, receive: Receive, send: Send) -> None:
            exchange = Exchange(scope, send)
            try:
                self._require_open()
                await exchange.say(*await act(self, exchange, scope, receive))
            except RequestError as error:
                await exchange.refuse(error)
            except ClientGoneError:
                exchange.note_gone()
            except Exception as error:  # noqa: BLE001  the host learns that it failed, the log learns why
                internal = RequestError(500, "internal_error", "the request could not be answered")
                await exchange.refuse(internal, traceback=log.describe(error))

        return routes.Endpoint(call)

    async def _load(self, exchange: Exchange, _scope: Scope, receive: Receive) -> Said:
        name, url = _wanted(await self._invocations.bodies.read(exchange, receive))
        await self._shelf.load(name, url, _folder(url, self._root))
        return 200, _described(self._shelf.find(name))

    async def _list(self, _exchange: Exchange, scope: Scope, _receive: Receive) -> Said:
        loaded, more = self._shelf.page(_token(scope["query_string"]), _PAGE)
        page: dict[str, Any] = {"models": [_described(one) for one in loaded]}
        if more:
            page["nextPageToken"] = base64.urlsafe_b64encode(loaded[-1].name.encode()).decode()
        return 200, page

    async def _describe(self, _exchange: Exchange, scope: Scope, _receive: Receive) -> Said:
        return 200, _described(self._shelf.find(scope["path_params"]["name"]))

    async def _unload(self, _exchange: Exchange, scope: Scope, _receive: Receive) -> Said:
        found = _described(self._shelf.find(scope["path_params"]["name"]))
        await self._shelf.unload(found["modelName"])
        return 200, found

    def _require_open(self) -> None:
        if self._draining:
            raise draining()


def _described(loaded: Loaded) -> dict[str, str]:
    return {"modelName": loaded.name, "modelUrl": loaded.url}


def _wanted(body: bytes) -> tuple[str, str]:
    """Return the name and the folder of a request to load a model; more fields than these are the host's business."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RequestError(400, "malformed_json", f"body: {error}") from error
    fields = [document.get(key) if isinstance(document, dict) else None for key in ("model_name", "url")]
    name, url = (field if isinstance(field, str) else "" for field in fields)
    if not 0 < len(name) <= _LONGEST_NAME or "/" in name or not name.isprintable():
        raise InputError(f"model_name: accepted: a text of 1 to {_LONGEST_NAME} printable characters without '/'")
    if url == "" or "\0" in url:
        raise InputError("url: accepted: the folder that the model was unpacked into")
    return name, url


def _folder(url: str, root: Path) -> Path:
    try:
        folder = Path(url).resolve()
        there = folder.is_dir()
    except (OSError, RuntimeError) as error:  # a name beyond the system's length, a link to itself
        raise InputError(f"url: {url[:200]!r} is not a folder: {str(error)[:100]}") from error
    if not folder.is_relative_to(root):
        raise InputError(f"url: {url[:200]!r} does not lie in {root}")
    if not there:
        raise InputError(f"url: {url[:200]!r} is not a folder")
    return folder


def _token(query: bytes) -> str:
    """Return the name that the last page ended with."""
    given = parse_qs(query.decode("latin-1")).get("next_page_token", [""])[-1]
    try:
        return base64.urlsafe_b64decode(given).decode()
    except (binascii.Error, ValueError) as error:
        raise InputError("next_page_token: accepted: the nextPageToken of an earlier page") from error
