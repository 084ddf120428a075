"""Data capture: what was asked and answered, as JSON lines in S3, in the layout that AWS writes."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from .archive import S3Object
from .aws import client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .endpoint import Endpoint
    from .exchange import Reply
    from .places import Place
    from .variant import Variant

_log = logging.getLogger("slipway.local_cloud")
_FLUSH_SECONDS: Final = 2.0


@dataclass(frozen=True)
class _Stream:
    place: Place
    destination: str
    prefix: str


class Capture:
    """Gathers captured invocations and writes them a little later, one file for each variant.

    Args:
        url: Of the cloud whose S3 takes the files.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._dice = random.Random()  # noqa: S311  draws a sample, guards nothing
        self._lines: dict[_Stream, list[str]] = {}
        self._flushing: asyncio.Task[None] | None = None

    def observe(
        self, endpoint: Endpoint, variant: Variant, headers: Mapping[str, str], body: bytes, answer: Reply
    ) -> None:
        """Keep one invocation, if its endpoint captures and the sample falls on it."""
        settings = endpoint.fleet.config.request.get("DataCaptureConfig") if endpoint.fleet is not None else None
        if settings is None or not settings.get("EnableCapture", False):
            return
        if self._dice.uniform(0, 100) >= settings["InitialSamplingPercentage"]:
            return
        stream = _Stream(endpoint.place, settings["DestinationS3Uri"], f"{endpoint.name}/{variant.name}")
        self._lines.setdefault(stream, []).append(json.dumps(_event(settings, headers, body, answer)))
        if self._flushing is None or self._flushing.done():
            self._flushing = asyncio.create_task(self._flush_soon())

    async def _flush_soon(self) -> None:
        while self._lines:  # more may come while these are written
            await asyncio.sleep(_FLUSH_SECONDS)
            gathered, self._lines = self._lines, {}
            for stream, lines in gathered.items():
                try:
                    await asyncio.to_thread(_write, self._url, stream, lines)
                except (BotoCoreError, ClientError) as error:
                    _log.warning("capture to %s failed: %s", stream.destination, error)


def _write(url: str, stream: _Stream, lines: list[str]) -> None:
    base = S3Object.parse(stream.destination)
    now = datetime.now(UTC)
    name = f"{stream.prefix}/{now:%Y/%m/%d/%H}/{now:%M-%S}-{now.microsecond // 1000:03}-{uuid.uuid4()}.jsonl"
    key = f"{base.key.rstrip('/')}/{name}".lstrip("/")
    body = "".join(f"{line}\n" for line in lines).encode()
    client(url, stream.place, "s3").put_object(Bucket=base.bucket, Key=key, Body=body)


def _event(settings: dict[str, Any], headers: Mapping[str, str], body: bytes, answer: Reply) -> dict[str, Any]:
    modes = {option["CaptureMode"] for option in settings["CaptureOptions"]}
    types = settings.get("CaptureContentTypeHeader", {})
    data = {}
    if modes & {"Input", "InputAndOutput"}:
        data["endpointInput"] = _side("INPUT", headers.get("content-type", ""), body, types)
    if modes & {"Output", "InputAndOutput"}:
        data["endpointOutput"] = _side("OUTPUT", answer.headers.get("content-type", ""), answer.body, types)
    metadata = {"eventId": str(uuid.uuid4()), "inferenceTime": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"}
    if "x-amzn-sagemaker-inference-id" in headers:
        metadata["inferenceId"] = headers["x-amzn-sagemaker-inference-id"]
    return {"captureData": data, "eventMetadata": metadata, "eventVersion": "0"}


def _side(mode: str, content_type: str, body: bytes, types: dict[str, list[str]]) -> dict[str, str]:
    kind = content_type.partition(";")[0].strip()
    encoding = "BASE64"
    if kind in types.get("JsonContentTypes", []):
        encoding = "JSON"
    elif kind in types.get("CsvContentTypes", []):
        encoding = "CSV"
    data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode(errors="replace")
    return {"observedContentType": content_type, "mode": mode, "data": data, "encoding": encoding}
