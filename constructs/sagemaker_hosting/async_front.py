from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam

from sagemaker_hosting.front_api import FrontApi
from sagemaker_hosting.front_function import front_function

if TYPE_CHECKING:
    from aws_cdk import aws_lambda as lambda_
    from constructs import Construct

    from sagemaker_hosting.request_bucket import RequestBucket
    from sagemaker_hosting.site import Site
    from slipway.specs.async_front import AsyncFront as AsyncFrontSpec


class AsyncFront(FrontApi):
    """Define an HTTPS address in front of an asynchronous endpoint: POST submits, GET on the id that it gives polls.

    One function does both. It writes requests under a prefix of its own and reads answers, and may do nothing else in
    the endpoint's bucket.

    Args:
        front: Path, callers, throttle and patience.
        endpoint_name: Of the endpoint, the only one that the function may ask.
        requests: The endpoint's bucket.
        site: Where it goes; its source holds the function's code.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front: AsyncFrontSpec,
        endpoint_name: str,
        requests: RequestBucket,
        site: Site,
    ) -> None:
        super().__init__(scope, construct_id, endpoint_name=endpoint_name, front=front, site=site)
        self._spec = front
        function = self._function(requests)
        submitted = self._api.root.resource_for_path(front.path)
        self._method(
            "POST",
            submitted,
            self._integration(function),
            request_parameters={"method.request.header.Content-Type": True},
            **self._checks(),
        )
        self._method("GET", submitted.add_resource("{id}"), self._integration(function))
        self.url = f"{self.base_url}{front.path}"

    def _function(self, requests: RequestBucket) -> lambda_.Function:
        endpoint = Stack.of(self).format_arn(
            service="sagemaker", resource="endpoint", resource_name=self._endpoint_name
        )
        function = front_function(
            self,
            description=f"Submits to {self._endpoint_name} and fetches its answers",
            environment=self._variables(requests),
            folder="submit",
            logs=self._logs("FunctionLogs"),
            rights=[
                iam.PolicyStatement(actions=["sagemaker:InvokeEndpointAsync"], resources=[endpoint]),
                iam.PolicyStatement(
                    actions=["kms:Decrypt", "kms:GenerateDataKey"], resources=[self._site.shared.key_arn]
                ),
            ],
            site=self._site,
            timeout_seconds=self._spec.timeout_seconds - 1,
        )
        assert isinstance(function.role, iam.Role)  # noqa: S101  it was given one
        requests.grant_front(function.role)
        return function

    def _variables(self, requests: RequestBucket) -> dict[str, str]:
        cors = self._spec.cors
        return {
            "SLIPWAY_BUCKET": requests.bucket.bucket_name,
            "SLIPWAY_ENDPOINT_NAME": self._endpoint_name,
            "SLIPWAY_INVOCATION_TIMEOUT_SECONDS": str(self._spec.invocation_timeout_seconds),
            # A request is submitted in three calls one after the other.
            "SLIPWAY_READ_TIMEOUT_SECONDS": str((self._spec.timeout_seconds - 2) // 3),
            "SLIPWAY_REQUEST_TTL_SECONDS": str(self._spec.request_ttl_seconds),
            **({} if cors is None else {"SLIPWAY_ORIGINS": " ".join(cors.origins)}),
        }

    def _integration(self, function: lambda_.Function) -> apigateway.LambdaIntegration:
        patience = Duration.seconds(self._spec.timeout_seconds)
        return apigateway.LambdaIntegration(function, allow_test_invoke=False, timeout=patience)
