from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_cognito as cognito

from sagemaker_hosting.acknowledge import acknowledge

if TYPE_CHECKING:
    from constructs import Construct

    from slipway.specs.front import BaseFront

WHY_NO_POOL: Final = {
    "iam": "callers are programs with IAM identities, not people in a user pool",
    "api-key": "callers are programs with an API key that a usage plan counts, not people in a user pool",
    "none": "the endpoint's spec says why anybody may call: {}",
}
WHY_NO_AUTHORIZATION: Final = {
    "api-key": "callers send an API key that the usage plan demands and counts, and a web ACL stands before it",
    "none": "the endpoint's spec says why anybody may call: {}",
}


class FrontAuth:
    """Ask of a front's methods who calls: an IAM signature, an API key, a token, or nothing.

    Args:
        scope: The front.
        api: Whose methods they are.
        front: Which of them it is.
    """

    def __init__(self, scope: Construct, *, api: apigateway.RestApi, front: BaseFront) -> None:
        self._scope, self._api, self._front = scope, api, front
        self.options: dict[str, Any] = {
            "iam": self._iam,
            "api-key": self._api_keys,
            "cognito": self._cognito,
            "none": self._nobody,
        }[front.auth]()
        """What a method is to be given."""

    def acknowledge(self, method: apigateway.Method) -> None:
        """Say why a method is as open as it is."""
        for rule, reasons in (("AwsSolutions-APIG4", WHY_NO_AUTHORIZATION), ("AwsSolutions-COG4", WHY_NO_POOL)):
            if self._front.auth in reasons:
                acknowledge(method, rule, reasons[self._front.auth].format(self._front.open_because))

    def _iam(self) -> dict[str, Any]:
        return {"authorization_type": apigateway.AuthorizationType.IAM}

    def _nobody(self) -> dict[str, Any]:
        return {"authorization_type": apigateway.AuthorizationType.NONE}

    def _cognito(self) -> dict[str, Any]:
        spec = self._front.cognito
        assert spec is not None  # noqa: S101  the spec demands it
        pool = cognito.UserPool.from_user_pool_arn(self._scope, "UserPool", spec.user_pool_arn)
        authorizer = apigateway.CognitoUserPoolsAuthorizer(self._scope, "Authorizer", cognito_user_pools=[pool])
        return {
            "authorization_scopes": list(spec.scopes),
            "authorization_type": apigateway.AuthorizationType.COGNITO,
            "authorizer": authorizer,
        }

    def _api_keys(self) -> dict[str, Any]:
        usage, throttle = self._front.usage, self._front.throttle
        plan = self._api.add_usage_plan(
            "UsagePlan",
            api_stages=[apigateway.UsagePlanPerApiStage(api=self._api, stage=self._api.deployment_stage)],
            quota=None
            if usage is None
            else apigateway.QuotaSettings(limit=usage.requests, period=apigateway.Period[usage.per.upper()]),
            throttle=apigateway.ThrottleSettings(burst_limit=throttle.burst, rate_limit=throttle.rate_per_second),
        )
        for caller in self._front.callers:
            # AWS makes the value, so that no template ever holds it.
            key = self._api.add_api_key(
                f"Key{caller}", description=f"{caller}, at the front of {self._scope.node.path}"
            )
            plan.add_api_key(key)
            name = "".join(part.capitalize() for part in caller.split("-"))
            CfnOutput(Stack.of(self._scope), f"FrontKey{name}", value=key.key_id)
        return {"api_key_required": True, "authorization_type": apigateway.AuthorizationType.NONE}
