"""Somebody who asks an endpoint while it is changed."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any, Self

import boto3
from botocore.config import Config

if TYPE_CHECKING:
    from collections.abc import Mapping

AT_EVERY_CHANGE, WHILE_NOTHING_CHANGES = 0.005, 0.2


class Caller:
    """Asks in a thread of its own for as long as the block runs, and keeps every failure.

    While a stack is being changed it asks without pause. While none is, it asks now and then: what runs then is cdk
    and its synth, and whoever asks without pause takes the machine from them and sees nothing happen.

    Args:
        connection: Variables that reach the cloud.
        endpoint: Its name.
        more: Of the request.
    """

    def __init__(self, connection: Mapping[str, str], endpoint: str, **more: Any) -> None:
        self.failures: list[str] = []
        self.answered = 0  # while a stack was being changed
        self._request = {"EndpointName": endpoint, "ContentType": "application/json", **more}
        options: dict[str, Any] = {
            "endpoint_url": connection["AWS_ENDPOINT_URL"],
            "region_name": connection["AWS_REGION"],
            "aws_access_key_id": connection["AWS_ACCESS_KEY_ID"],
            "aws_secret_access_key": connection["AWS_SECRET_ACCESS_KEY"],
            "config": Config(retries={"total_max_attempts": 1}, read_timeout=240, proxies={}),
        }
        self._runtime = boto3.client("sagemaker-runtime", **options)
        self._cloudformation = boto3.client("cloudformation", **options)
        self._done, self._changing = threading.Event(), threading.Event()
        self._threads = [threading.Thread(target=run, daemon=True) for run in (self._ask, self._look)]

    def __enter__(self) -> Self:
        """Begin."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End with the request that is under way."""
        self._done.set()
        for thread in self._threads:
            thread.join(timeout=300)

    def _ask(self) -> None:
        while not self._done.wait(AT_EVERY_CHANGE if self._changing.is_set() else WHILE_NOTHING_CHANGES):
            changing = self._changing.is_set()
            try:
                self._runtime.invoke_endpoint(**self._request)
                self.answered += changing
            except Exception as error:  # noqa: BLE001  every failure counts
                self.failures.append(str(error))

    def _look(self) -> None:
        while not self._done.wait(WHILE_NOTHING_CHANGES):
            stacks = self._cloudformation.describe_stacks()["Stacks"]
            if any(stack["StackStatus"].endswith("_IN_PROGRESS") for stack in stacks):
                self._changing.set()
            else:
                self._changing.clear()
