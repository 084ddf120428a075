"""Build models in the processing jobs of an environment's build stack."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from pydantic import ValidationError

from slipway.operations.build_executions import Execution, Executions, Telling
from slipway.operations.build_place import PATIENCE, reaching, sizes, stack_outputs
from slipway.operations.invoke import client_for
from slipway.specs import GateError, InterruptedByUser, UsageError
from slipway.specs.location import Location
from slipway.specs.request import RESULT_FILE, Result

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from slipway.operations.build_orders import Order
    from slipway.specs import Deployment

ARCHIVE: Final = "model.tar.gz"
FILES: Final = "files/"
LOCATION_FILE: Final = "location.json"
BESIDE: Final = ("manifest.json", "report.html")
"""Of an artifact that stays: what is fetched all the same."""


class CloudBuilds:
    """The build stack of one environment.

    Args:
        deployment: The environment; its endpoints are not asked about.
        connection: How to reach the local cloud.
            Default: AWS, as the shell has it.

    Raises:
        UsageError: If the environment builds no models.
        HostError: If its build stack is not there, or nothing can be reached.
    """

    def __init__(self, deployment: Deployment, connection: Mapping[str, str] | None) -> None:
        self._place = deployment.environment
        if self._place.builds is None:
            raise UsageError(f"environments/{deployment.name}.yaml has no 'builds': no model is built there")
        stack = f"slipway-{deployment.name}-build"
        clients = {
            service: client_for(service, deployment, connection, PATIENCE)
            for service in ("cloudformation", "s3", "sagemaker", "stepfunctions")
        }
        self._s3 = clients["s3"]
        with reaching(stack):
            outputs = stack_outputs(clients["cloudformation"], stack, deployment.name)
        self._bucket, self._key = outputs["ArtifactBucketName"], outputs["BuildKeyArn"]
        machine = outputs["BuildMachineArn"]
        self._executions = Executions(clients["stepfunctions"], clients["sagemaker"], machine, stack)
        self._stack = stack

    def begin(self, orders: Sequence[Order], telling: Telling) -> list[Execution]:
        """Start what is neither there nor under way, and return the executions that these models wait for.

        Args:
            orders: What to build.
            telling: Hears what is found.

        Raises:
            HostError: If something cannot be reached.
        """
        with reaching(self._stack):
            wanted = {order.expected.digest: order for order in orders}
            running = [execution for execution in self._executions.running() if execution.digests & wanted.keys()]
            under_way = {digest for execution in running for digest in execution.digests}
            missing = []
            for digest, order in wanted.items():
                if digest in under_way:
                    telling.notice(f"{order.name}: {digest[:12]} is being built in the cloud already")
                elif self._result(order) is None:
                    missing.append(order)
            for order in missing:
                self._upload(order)
            return [*running, *([self._executions.start(missing)] if missing else [])]

    def wait(self, executions: Sequence[Execution], telling: Telling) -> None:
        """Wait until all of them end.

        Raises:
            GateError: If one failed, with every model that did and why.
            HostError: If something cannot be reached.
            InterruptedByUser: On Ctrl-C; the builds go on.
        """
        try:
            with reaching(self._stack):
                reasons = [self._executions.wait(execution, telling) for execution in executions]
        except KeyboardInterrupt:
            goes_on = "the models go on being built in the cloud: the same command waits for them again"
            raise InterruptedByUser(f"interrupted: {goes_on}") from None
        failed = [reason for reason in reasons if reason is not None]
        if failed:
            raise GateError("\n".join(failed))

    def is_built(self, order: Order) -> bool:
        """Tell whether an artifact is there, all of it."""
        with reaching(self._stack):
            return self._result(order) is not None

    def fetch(self, order: Order, into: Path) -> None:
        """Write an artifact into a folder, or where it stays and what it is.

        Args:
            order: One that is built.
            into: Made here.
        """
        into.mkdir(parents=True)
        with reaching(self._stack):
            for name in (*BESIDE, *(() if order.unpacked else (ARCHIVE,))):
                self._s3.download_file(self._bucket, order.artifact + name, str(into / name))
        if order.unpacked:
            (into / LOCATION_FILE).write_text(self._location(order).model_dump_json(indent=1), encoding="utf-8")

    def _location(self, order: Order) -> Location:
        return Location(
            account=self._place.account,
            key_arn=self._key,
            region=self._place.region,
            uri=f"s3://{self._bucket}/{order.artifact}{FILES}",
        )

    def _result(self, order: Order) -> Result | None:
        """Return what an artifact consists of; nothing where a part is missing, or it was kept in another form."""
        present = sizes(self._s3, self._bucket, order.artifact)
        if RESULT_FILE not in present:
            return None
        body = self._s3.get_object(Bucket=self._bucket, Key=order.artifact + RESULT_FILE)["Body"].read()
        try:
            result = Result.model_validate(json.loads(body))
        except (ValueError, ValidationError):
            return None
        form = any(name.startswith(FILES) for name in result.files) if order.unpacked else ARCHIVE in result.files
        return result if form and result.files.items() <= present.items() else None

    def _upload(self, order: Order) -> None:
        present = sizes(self._s3, self._bucket, order.sources)
        for name, file in order.files.items():
            if present.get(name) != file.stat().st_size:  # the digest is in the key: equal names are equal bytes
                self._s3.upload_file(str(file), self._bucket, order.sources + name)
        for name, text in order.texts.items():
            self._s3.put_object(Bucket=self._bucket, Key=order.sources + name, Body=text.encode())
