"""One answer on its way from a model server to a caller, piece by piece, as SageMaker's event stream."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING, Any, Final

from . import event_stream
from .exchange import NoReplyError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from .server_process import ServerProcess

    Receive = Callable[[], Awaitable[dict[str, Any]]]
    Send = Callable[[dict[str, Any]], Awaitable[None]]

_log = logging.getLogger("slipway.local_cloud")
_SECONDS: Final = 480.0
_TOO_LONG: Final = "The model failed to finish sending the response within the timeout period."
_BROKEN: Final = "The connection between the client and the model was reset or closed."
_FAILED: Final = "The stream processing failed because of an unknown error, exception or failure."


class StreamedAnswer:
    """Asks a server and passes its answer on as it comes.

    Args:
        server: The one that is asked.
        seconds: How long the answer may take in all.
            Default: SageMaker's eight minutes.
    """

    def __init__(self, server: ServerProcess, seconds: float = _SECONDS) -> None:
        self._server = server
        self._deadline = asyncio.get_running_loop().time() + seconds
        self._open = contextlib.AsyncExitStack()

    async def begin(self, body: bytes, headers: Mapping[str, str]) -> int:
        """Ask, and return the answer's status once it begins; ``rest`` or ``send`` must follow.

        Raises:
            ServerDownError: If the server is not there.
            TimeoutError: If no answer begins in time.
        """
        async with asyncio.timeout_at(self._deadline):
            self._reply = await self._open.enter_async_context(self._server.stream(body, headers))
        return self._reply.status

    @property
    def headers(self) -> dict[str, str]:
        """The answer's, names in lower case."""
        return self._reply.headers

    async def rest(self) -> bytes:
        """Return the whole body: of a refusal, which is no stream."""
        async with self._open, asyncio.timeout_at(self._deadline):
            return b"".join([chunk async for chunk in self._reply.chunks()])

    async def send(self, receive: Receive, send: Send) -> None:
        """Send the body to the caller as it comes; a caller that leaves ends it."""
        async with self._open:
            relay, gone = asyncio.create_task(self._relay(send)), asyncio.create_task(_left(receive))
            try:
                await asyncio.wait((relay, gone), return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in (relay, gone):
                    task.cancel()
                await asyncio.gather(relay, gone, return_exceptions=True)

    async def _relay(self, send: Send) -> None:
        async def pass_on(message: bytes, *, more: bool = True) -> None:
            await send({"type": "http.response.body", "body": message, "more_body": more})

        try:
            async with asyncio.timeout_at(self._deadline):
                async for chunk in self._reply.chunks():
                    await pass_on(event_stream.event("PayloadPart", chunk))
        except Exception as error:  # noqa: BLE001  whatever it is, a stream that has begun must say that it broke
            await pass_on(_failure(error))
        await pass_on(b"", more=False)


def _failure(error: Exception) -> bytes:
    if isinstance(error, TimeoutError):
        fields = {"Message": _TOO_LONG, "ErrorCode": "ModelInvocationTimeExceeded"}
        return event_stream.exception("ModelStreamError", fields)
    if isinstance(error, NoReplyError):
        return event_stream.exception("ModelStreamError", {"Message": _BROKEN, "ErrorCode": "StreamBroken"})
    _log.error("a stream failed", exc_info=error)
    return event_stream.exception("InternalStreamFailure", {"Message": _FAILED})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
