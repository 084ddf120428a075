"""Tell the cdk that a stack is done when it is done.

It asks how a stack fares, and if that is still being changed it asks again five seconds later, however soon the change
is over. So its question is answered once the change is over, or when it would have asked again.
"""

from __future__ import annotations

import asyncio
import re
import time
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

if TYPE_CHECKING:
    from collections.abc import Mapping

    from slipway.local_cloud.ministack_seams import Handler, Response

PATIENCE_SECONDS: Final = 5.0
LOOK_SECONDS: Final = 0.1
_CHANGING: Final = re.compile(rb"<StackStatus>(?!REVIEW_)[A-Z_]*_IN_PROGRESS</StackStatus>")


def patient(known: Handler) -> Handler:
    """Return CloudFormation's handler with an answer for the cdk that waits while a stack is being changed."""

    async def answer(
        method: str, path: str, headers: Mapping[str, str], body: bytes, query: Mapping[str, list[str]]
    ) -> Response:
        until = time.monotonic() + (PATIENCE_SECONDS if _cdk_asks_for_a_stack(headers, body) else 0)
        answered = await known(method, path, headers, body, query)
        while time.monotonic() < until and isinstance(answered[2], bytes) and _CHANGING.search(answered[2]):
            await asyncio.sleep(LOOK_SECONDS)
            answered = await known(method, path, headers, body, query)
        return answered

    return answer


def _cdk_asks_for_a_stack(headers: Mapping[str, str], body: bytes) -> bool:
    asked = parse_qs(body.decode(errors="replace")) if b"DescribeStacks" in body else {}
    cdk = "aws-cdk" in headers.get("user-agent", "")
    return cdk and asked.get("Action") == ["DescribeStacks"] and "StackName" in asked
