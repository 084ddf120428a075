from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_

from sagemaker_hosting.acknowledge import acknowledge_own_policies, acknowledge_wildcard
from sagemaker_hosting.acknowledge_front import acknowledge_function

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from constructs import Construct

    from sagemaker_hosting.log_group import LogGroup
    from sagemaker_hosting.site import Site


# Of Lambda's managed runtimes, only Node.js can stream.
RUNTIMES: Final = {
    "invoke": (lambda_.Runtime.PYTHON_3_14, "handler.handle"),
    "stream": (lambda_.Runtime.NODEJS_24_X, "index.handler"),
    "submit": (lambda_.Runtime.PYTHON_3_14, "handler.handle"),
}


def front_function(
    scope: Construct,
    *,
    folder: str,
    description: str,
    environment: Mapping[str, str],
    logs: LogGroup,
    rights: Sequence[iam.PolicyStatement],
    site: Site,
    timeout_seconds: int,
) -> lambda_.Function:
    """Define the function of a front, with a role of its own.

    Args:
        scope: The front; it gets the children ``Function`` and ``FunctionRole``.
        folder: Below ``lambdas/``.
        description: What it does, for people.
        environment: Its variables.
        logs: Where its lines go.
        rights: What it may do besides logging and tracing.
        site: Holds the code.
        timeout_seconds: What it gets of the caller's patience.
    """
    runtime, handler = RUNTIMES[folder]
    role = iam.Role(scope, "FunctionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
    function = lambda_.Function(
        scope,
        "Function",
        architecture=lambda_.Architecture.ARM_64,
        code=lambda_.Code.from_asset(str(site.source_root / "lambdas" / folder), exclude=["__pycache__", "*.pyc"]),
        description=description,
        environment=dict(environment),
        handler=handler,
        log_group=logs.group,
        memory_size=512,
        role=role,
        runtime=runtime,
        timeout=Duration.seconds(timeout_seconds),
        tracing=lambda_.Tracing.ACTIVE,
    )
    for statement in rights:
        role.add_to_policy(statement)
    logs.grant_write(role)
    acknowledge_function(function)
    acknowledge_own_policies(role)
    acknowledge_wildcard(role, "*", "X-Ray's actions know no resource; nothing else here has a wildcard")
    return function
