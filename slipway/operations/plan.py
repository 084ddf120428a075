"""Which deployments a change needs: none, one, or two where SageMaker would refuse one."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from slipway.operations.assembly import Assembly
from slipway.operations.changes import Changes, compare
from slipway.operations.invoke import client_for, endpoint_name
from slipway.operations.set_aside import blocked_variants, without_scaling
from slipway.specs import HostError
from slipway.synth import Cdk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from slipway.specs import Deployment

APPROVED = ("--require-approval", "never")
# Of a stack that was never there: the cdk deletes the one and takes over the other.
NEVER_CREATED = ("ROLLBACK_COMPLETE", "REVIEW_IN_PROGRESS")


@dataclass(frozen=True)
class Step:
    """One deployment.

    Args:
        does: What it is for.
        command: The words after ``npx cdk``.
    """

    does: str
    command: tuple[str, ...]


@dataclass(frozen=True)
class StackPlan:
    """What one stack needs.

    Args:
        endpoint: By the name of its file; ``shared`` for what the environment's endpoints use together.
        stack: Its name.
        steps: In order; empty where nothing changed.
        reasons: Why there is more than one.
        changes: What they come to.
    """

    endpoint: str
    stack: str
    steps: tuple[Step, ...]
    reasons: tuple[str, ...]
    changes: Changes

    def as_dict(self) -> dict[str, Any]:
        """Return plain data for JSON."""
        return {**asdict(self), "deployments": len(self.steps)}


class Planner:
    """Compares what was synthesised with what is deployed.

    Args:
        root: The project.
        deployment: What the environment deploys.
        connection: How to reach the local cloud.
            Default: AWS, as the shell has it.
    """

    def __init__(self, root: Path, deployment: Deployment, connection: Mapping[str, str] | None) -> None:
        self._deployment = deployment
        self._cdk = Cdk(root, connection)
        self._cloudformation = client_for("cloudformation", deployment, connection)
        self._root = root
        self._folder = root / ".slipway" / "plan" / deployment.name
        self._assembly = self._folder / "cdk.out"

    def plan(self, endpoints: Sequence[str], assembly: Path | None = None) -> list[StackPlan]:
        """Plan these endpoints, the shared stack first.

        Args:
            endpoints: By the names of their files; all of them if none is named.
            assembly: What ``cdk synth`` wrote.
                Default: it is run now.

        Raises:
            UsageError: If the environment deploys no such endpoint, or the assembly is another environment's.
            HostError: If synth fails, AWS cannot be asked, or a stack is being changed right now.
        """
        for endpoint in endpoints:
            endpoint_name(self._deployment, endpoint)
        if assembly is None:
            self._cdk.synth(self._deployment.name, self._assembly)
        else:
            self._assembly = assembly.resolve()
        found = Assembly(self._assembly)
        return [self._stack(name, found) for name in ("shared", *sorted(endpoints or self._deployment.endpoints))]

    def apply(self, plans: Sequence[StackPlan]) -> None:
        """Run the deployments of what was just planned, in order.

        Each takes the assembly that was looked at: what is deployed is what was planned, and nothing is synthesised
        again.

        Raises:
            HostError: If one fails; it says what state that leaves, and how to go on.
        """
        for plan in plans:
            for number, step in enumerate(plan.steps, start=1):
                if not self._cdk.run(self._planned(step.command)):
                    raise HostError(_stopped(plan, number, self._deployment.name))

    def _planned(self, words: Sequence[str]) -> Sequence[str]:
        return words if "--app" in words else [*words, "--app", str(self._assembly)]

    def _stack(self, endpoint: str, assembly: Assembly) -> StackPlan:
        stack = f"slipway-{self._deployment.name}-{endpoint}"
        deployed, wanted = self._deployed(stack), assembly.template(stack)
        changes, blocked = compare(deployed, wanted), blocked_variants(deployed, wanted)
        environment = f"environment={self._deployment.name}"
        steps = [Step("deploy", ("deploy", stack, "--exclusively", "--context", environment, *APPROVED))]
        if blocked:
            aside = self._folder / f"{endpoint}-without-scaling"
            assembly.write_other(stack, without_scaling(deployed, wanted), aside)
            words = ("deploy", stack, "--app", str(aside.relative_to(self._root)), "--exclusively", *APPROVED)
            steps.insert(0, Step("put scaling aside: what is deployed, less its scalable targets and policies", words))
        return StackPlan(endpoint, stack, tuple(steps) if changes else (), tuple(blocked.values()), changes)

    def _deployed(self, stack: str) -> dict[str, Any]:
        try:
            [found] = self._cloudformation.describe_stacks(StackName=stack)["Stacks"]
            if found["StackStatus"] in NEVER_CREATED:
                return {}
            if found["StackStatus"].endswith("_IN_PROGRESS"):
                raise HostError(f"{stack} is {found['StackStatus']}: plan again when that is over")
            template: dict[str, Any] = self._cloudformation.get_template(StackName=stack)["TemplateBody"]
        except ClientError as error:
            if "does not exist" in error.response["Error"]["Message"]:
                return {}
            raise HostError(f"{stack} cannot be read: {error.response['Error']['Message']}") from error
        except BotoCoreError as error:
            raise HostError(f"{stack} cannot be read: {error}") from error
        return template


def _stopped(plan: StackPlan, number: int, environment: str) -> str:
    command = f"slipway plan -e {environment} {'' if plan.endpoint == 'shared' else plan.endpoint + ' '}--apply"
    again = f"mend what cdk says above, then run `{command}` again"
    if number == 1:
        return f"{plan.stack}: the deployment failed and CloudFormation went back to what was deployed: {again}"
    return (
        f"{plan.stack}: the second deployment failed and CloudFormation went back to what the first one left: the "
        "endpoint answers on its former instances, as many as there were, and nothing scales it. To go on, "
        f"{again}, which takes one deployment now; to go back, write the former instance type and do the same"
    )
