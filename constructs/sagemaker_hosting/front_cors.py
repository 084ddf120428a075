from __future__ import annotations

from typing import TYPE_CHECKING, Final

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway

from sagemaker_hosting.acknowledge import acknowledge

if TYPE_CHECKING:
    from slipway.specs.front_parts import Cors

# What a signed, keyed or token-bearing request of a browser carries.
HEADERS: Final = [
    "Accept",
    "Authorization",
    "Content-Type",
    "X-Amz-Content-Sha256",
    "X-Amz-Date",
    "X-Amz-Security-Token",
    "X-Api-Key",
]


def allow_origins(resource: apigateway.Resource, cors: Cors, verb: str) -> None:
    """Answer a browser's preflight request: whose scripts may send what."""
    preflight = resource.add_cors_preflight(
        allow_headers=HEADERS,
        allow_methods=[verb],
        allow_origins=list(cors.origins),
        max_age=Duration.seconds(cors.max_age_seconds),
    )
    method = preflight.node.default_child
    assert isinstance(method, apigateway.CfnMethod)  # noqa: S101  CDK's own
    # A MOCK integration of an API with binary types answers 500 otherwise, since its request is taken for binary.
    method.add_property_override("Integration.ContentHandling", "CONVERT_TO_TEXT")
    for rule in ("AwsSolutions-APIG4", "AwsSolutions-COG4"):
        acknowledge(
            preflight, rule, "browsers send preflight requests without any credentials; nothing but headers answers"
        )
