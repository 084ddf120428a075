"""What cdk-nag finds in every front, and why it is accepted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from sagemaker_hosting.acknowledge import acknowledge_all

if TYPE_CHECKING:
    from constructs import IConstruct

FUNCTION: Final = {
    "LambdaConcurrency": "the stage's throttle bounds how many run at once; a reserve would be taken from the "
    "account's other functions, and refused in an account that has none to spare",
    "LambdaDLQ": "it is only ever called synchronously: whoever called is told of the failure, and no event is lost",
    "LambdaInsideVPC": "it reaches nothing in a VPC, only SageMaker's own API, signed and over TLS; its one right is "
    "to invoke its endpoint",
}
STAGE: Final = {
    "APIGWCacheEnabledAndEncrypted": "answers to POST are not cached, so that none is ever kept outside the model",
    "APIGWSSLEnabled": "the backend is a Lambda function, called through AWS's own API; a client certificate is for "
    "backends that are reached by HTTP",
}


def acknowledge_function(function: IConstruct) -> None:
    """Accept what a function is not that API Gateway calls and that calls SageMaker."""
    acknowledge_all(function, {f"NIST.800.53.R5-{rule}": reason for rule, reason in FUNCTION.items()})


def acknowledge_stage(api: IConstruct) -> None:
    """Accept what the stage of an API is not that functions answer."""
    acknowledge_all(api, {f"NIST.800.53.R5-{rule}": reason for rule, reason in STAGE.items()})


def acknowledge_no_web_acl(api: IConstruct, reason: str) -> None:
    """Accept that no web ACL filters what an API is asked.

    Args:
        api: Without one.
        reason: Why it needs none.
    """
    acknowledge_all(api, {"AwsSolutions-APIG3": reason, "NIST.800.53.R5-APIGWAssociatedWithWAF": reason})
