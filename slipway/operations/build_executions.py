"""The executions of a build stack's workflow: started, found again, waited for."""

from __future__ import annotations

import json
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

from slipway.operations.build_orders import RUN_LETTERS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.operations.build_orders import Order

QUEUED: Final = "waiting for a machine"
BUILDING: Final = "building in the cloud"
ENDED: Final = "ended"
_FIRST_PAUSE_SECONDS: Final = 0.3
_LONGEST_PAUSE_SECONDS: Final = 15.0


class Telling(Protocol):
    """Hears how far builds are."""

    def begin(self, model: str, steps: int) -> None:
        """Say that a model's build begins."""

    def step(self, model: str, name: str) -> None:
        """Say that a step begins."""

    def finish(self, model: str, outcome: str) -> None:
        """Say how a model's build ended."""

    def notice(self, text: str) -> None:
        """Say something that is worth a line."""


@dataclass(frozen=True)
class Execution:
    """One run of the workflow.

    Args:
        arn: Its name on AWS.
        jobs: Its input.
    """

    arn: str
    jobs: tuple[dict[str, Any], ...]

    @property
    def digests(self) -> set[str]:
        """What it builds."""
        return {job["digest"] for job in self.jobs}


class Executions:
    """The executions of one state machine.

    Args:
        stepfunctions: A boto3 client.
        sagemaker: Likewise.
        machine_arn: Of the state machine.
        stack: Name of the build stack.
    """

    def __init__(self, stepfunctions: Any, sagemaker: Any, machine_arn: str, stack: str) -> None:
        self._states, self._sagemaker = stepfunctions, sagemaker
        self._machine, self._stack = machine_arn, stack

    def running(self) -> list[Execution]:
        """Return those that have not ended."""
        pages = self._states.get_paginator("list_executions").paginate(
            stateMachineArn=self._machine, statusFilter="RUNNING"
        )
        arns = [found["executionArn"] for page in pages for found in page["executions"]]
        inputs = [json.loads(self._states.describe_execution(executionArn=arn)["input"]) for arn in arns]
        return [Execution(arn, tuple(given.get("jobs", ()))) for arn, given in zip(arns, inputs, strict=True)]

    def start(self, orders: Sequence[Order]) -> Execution:
        """Start one for some models."""
        run = secrets.token_hex(RUN_LETTERS // 2)
        jobs = [order.job(self._stack, run) for order in orders]
        arn = self._states.start_execution(
            stateMachineArn=self._machine, name=f"{self._stack}-{run}", input=json.dumps({"jobs": jobs})
        )["executionArn"]
        return Execution(arn, tuple(jobs))

    def wait(self, execution: Execution, telling: Telling) -> str | None:
        """Wait until one ends; return why it failed, None where it did not.

        Args:
            execution: One that was started, by whomever.
            telling: Hears how far its models are.
        """
        building: set[str] = set()
        for job in execution.jobs:
            telling.begin(job["model"], 2)
            telling.step(job["model"], QUEUED)
        pause = _FIRST_PAUSE_SECONDS
        while (found := self._states.describe_execution(executionArn=execution.arn))["status"] == "RUNNING":
            self._tell(execution, telling, building)
            time.sleep(pause)
            pause = min(1.2 * pause, _LONGEST_PAUSE_SECONDS)
        for job in execution.jobs:
            telling.finish(job["model"], ENDED)
        if found["status"] == "SUCCEEDED":
            return None
        return str(found.get("cause") or f"the execution {execution.arn} ended as {found['status']}")

    def _tell(self, execution: Execution, telling: Telling, building: set[str]) -> None:
        for job in execution.jobs:
            if job["model"] in building:
                continue
            begun = self._sagemaker.list_processing_jobs(NameContains=job["job"])["ProcessingJobSummaries"]
            if any(one["ProcessingJobStatus"] == "InProgress" for one in begun):
                telling.step(job["model"], BUILDING)
                building.add(job["model"])
