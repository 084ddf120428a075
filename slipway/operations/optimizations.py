"""Have SageMaker do a job over a built model: find the one that does, or begin one, wait for it, say what it made.

A job's name holds the hash of all that it was asked, so that a command that was interrupted finds it again, also from
another machine.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from slipway.operations.build_place import PATIENCE, reaching, sizes, stack_outputs
from slipway.operations.cloud_orders import Workplace
from slipway.operations.invoke import client_for
from slipway.specs import GateError, HostError, InterruptedByUser, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.operations.build_executions import Telling
    from slipway.operations.cloud_orders import CloudOrder
    from slipway.specs import Deployment
    from slipway.specs.optimized import Optimized

UPLOAD: Final = "upload"
STEPS: Final = {"STARTING": "waiting for a machine", "INPROGRESS": "", "STOPPING": "being stopped"}
"""What is told while a job has not ended, by its status; what it does while it runs is its kind's to say."""
PAUSE_SECONDS: Final = 15.0


class Optimizations:
    """The optimization and compilation jobs of one environment's build stack.

    Args:
        deployment: The environment; its endpoints are not asked about.
        connection: How to reach another AWS than the shell's.
            Default: AWS, as the shell has it.
        client: Makes a client by a service's name.
            Default: boto3's for the environment.
        pause_seconds: Between two looks at a job.

    Raises:
        UsageError: If the environment builds no models.
        HostError: If its build stack is not there or knows of no such jobs, or nothing can be reached.
    """

    def __init__(
        self,
        deployment: Deployment,
        connection: Mapping[str, str] | None = None,
        *,
        client: Callable[[str], Any] | None = None,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        self._environment = deployment.environment
        if self._environment.builds is None:
            raise UsageError(f"environments/{deployment.name}.yaml has no 'builds': no model is optimised there")
        make = client or (lambda service: client_for(service, deployment, connection, PATIENCE))
        self._stack, self._pause = f"slipway-{deployment.name}-build", pause_seconds
        with reaching(self._stack):
            told = stack_outputs(make("cloudformation"), self._stack, deployment.name)
        self._place = self._workplace(told, deployment.name)
        self._s3, self._sagemaker = make("s3"), make("sagemaker")

    def begin(self, wanted: CloudOrder, telling: Telling) -> str:
        """Return the name of the job that does what is wanted, or did; one that failed is begun anew.

        Args:
            wanted: What to do.
            telling: Hears what is done.

        Raises:
            HostError: If it cannot be begun, with what SageMaker said.
        """
        with reaching(self._stack):
            found = self._jobs(wanted)
            last = max(found, default=0)
            name = f"{wanted.jobs(self._stack)}{last}"
            if last and (found[last] in STEPS or (found[last] == "COMPLETED" and self._files(wanted, name))):
                telling.notice(f"{wanted.name}: the job {name} was begun before")
                return name
            telling.begin(wanted.name, len(STEPS))
            telling.step(wanted.name, UPLOAD)
            self._upload(wanted)
            name = f"{wanted.jobs(self._stack)}{last + 1}"
            self._create(wanted, name)
            return name

    def wait(self, wanted: CloudOrder, job: str, telling: Telling) -> Optimized:
        """Wait until a job ends, and return what it made.

        Args:
            wanted: What it was asked.
            job: Its name.
            telling: Hears how far it is.

        Raises:
            GateError: If it failed or was stopped, with the reason.
            HostError: If it ended well and left nothing, or nothing can be reached.
            InterruptedByUser: On Ctrl-C; the job goes on.
        """
        try:
            with reaching(self._stack):
                found = self._ended(wanted, job, telling)
                status = found[f"{wanted.resource}Status"]
                if status != "COMPLETED":
                    raise GateError(_why(wanted.name, job, status, found.get("FailureReason")))
                files = self._files(wanted, job)
        except KeyboardInterrupt:
            goes_on = f"the job {job} goes on: the same command waits for it again"
            raise InterruptedByUser(f"interrupted: {goes_on}") from None
        made = wanted.made(self._place, job, files, found)
        if made is None:
            where = self._place.uri(wanted.output(job))
            raise HostError(f"{wanted.name}: the job {job} ended well and left nothing in {where}: build again")
        telling.finish(wanted.name, wanted.done)
        return made

    def _jobs(self, wanted: CloudOrder) -> dict[int, str]:
        """Return the status of every job that was begun for the same, by attempt."""
        prefix = wanted.jobs(self._stack)
        pages = self._sagemaker.get_paginator(f"list_{wanted.operation}s").paginate(NameContains=prefix)
        found = [one for page in pages for one in page[f"{wanted.resource}Summaries"]]
        name, status = f"{wanted.resource}Name", f"{wanted.resource}Status"
        attempts = {one[name].removeprefix(prefix): one[status] for one in found}
        return {int(attempt): status for attempt, status in attempts.items() if attempt.isdecimal()}

    def _files(self, wanted: CloudOrder, job: str) -> dict[str, int]:
        return sizes(self._s3, self._place.bucket, wanted.output(job))

    def _upload(self, wanted: CloudOrder) -> None:
        present = sizes(self._s3, self._place.bucket, wanted.source)
        for file in wanted.files():
            if present.get(file.name) != file.stat().st_size:  # the digest is in the key: equal names are equal bytes
                self._s3.upload_file(str(file), self._place.bucket, wanted.source + file.name)

    def _create(self, wanted: CloudOrder, job: str) -> None:
        try:
            getattr(self._sagemaker, f"create_{wanted.operation}")(**wanted.request(self._place, job))
        except ClientError as error:
            if (
                error.response["Error"]["Code"] != "ResourceInUse"
            ):  # somebody else began the very same: it is waited for
                raise

    def _ended(self, wanted: CloudOrder, job: str, telling: Telling) -> dict[str, Any]:
        told, describe = "", getattr(self._sagemaker, f"describe_{wanted.operation}")
        telling.begin(wanted.name, len(STEPS))
        while True:
            found: dict[str, Any] = describe(**{f"{wanted.resource}Name": job})
            step = STEPS.get(found[f"{wanted.resource}Status"])
            if step is None:
                return found
            step = step or wanted.doing
            if step != told:
                telling.step(wanted.name, step)
                told = step
            time.sleep(self._pause)

    def _workplace(self, told: Mapping[str, str], environment: str) -> Workplace:
        if "OptimizationRoleArn" not in told:
            deploy = f"npx cdk deploy {self._stack} -c environment={environment} -c part=build"
            raise HostError(f"the stack {self._stack} is older than its optimization jobs: run `{deploy}`")
        return Workplace(
            stack=self._stack,
            bucket=told["ArtifactBucketName"],
            key_arn=told["BuildKeyArn"],
            role_arn=told["OptimizationRoleArn"],
            account=self._environment.account,
            region=self._environment.region,
            subnets=tuple(told["BuildSubnets"].split(",")) if told.get("BuildSubnets") else (),
            security_groups=tuple(told["BuildSecurityGroups"].split(",")) if told.get("BuildSubnets") else (),
        )


def _why(model: str, job: str, status: str, told: str | None) -> str:
    reason = told or "SageMaker gives no reason"
    if status == "STOPPED":
        return f"{model}: the job {job} was stopped, by somebody or after 'max_runtime_minutes': {reason}"
    return f"{model}: the job {job} ended as {status}: {reason}"
