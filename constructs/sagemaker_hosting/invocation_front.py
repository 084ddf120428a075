from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam

from sagemaker_hosting.acknowledge import acknowledge_wildcard
from sagemaker_hosting.front_api import FrontApi
from sagemaker_hosting.front_function import front_function

if TYPE_CHECKING:
    from constructs import Construct

    from sagemaker_hosting.site import Site
    from slipway.specs.front import BaseFront

Target = Literal["model", "container", "component"]
# The API reference asks for the first also where an answer is streamed, the list of actions knows one of its own.
ACTIONS: Final = {
    False: ["sagemaker:InvokeEndpoint"],
    True: ["sagemaker:InvokeEndpoint", "sagemaker:InvokeEndpointWithResponseStream"],
}


class InvocationFront(FrontApi):
    """Define an HTTPS address in front of an endpoint: API Gateway, a function, InvokeEndpoint or its stream.

    Time runs out from the inside: the model gets two seconds less than the caller waits, the function one second less,
    so that whoever is too slow is told of by the one who waited.

    Args:
        front: Path, callers, throttle, time-out and address.
        endpoint_name: Of the endpoint, the only one that the function may invoke.
        site: Where it goes; its source holds the function's code.
        target: What the endpoint hosts several of; the path then takes the name of one as its last part. The
            components of an endpoint are asked by the name that follows the endpoint's own and a hyphen.
            Default: it hosts one thing.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front: BaseFront,
        endpoint_name: str,
        site: Site,
        target: Target | None = None,
    ) -> None:
        super().__init__(scope, construct_id, endpoint_name=endpoint_name, front=front, site=site)
        self._target = target
        self._invoke()
        self.url = f"{self.base_url}{front.path}{'' if target is None else '/{target}'}"

    def _invoke(self) -> None:
        streams = self._front.streams
        function = front_function(
            self,
            description=f"Invokes {self._endpoint_name}",
            environment=self._variables(),
            folder="stream" if streams else "invoke",
            logs=self._logs("FunctionLogs"),
            rights=[iam.PolicyStatement(actions=ACTIONS[streams], resources=self._asked())],
            site=self._site,
            timeout_seconds=self._front.timeout_seconds - 1,
        )
        if self._target == "component":
            reason = "the endpoint's components, which come and go without the front"
            assert function.role is not None  # noqa: S101  it was given one
            acknowledge_wildcard(function.role, self._asked()[1], reason)
        resource = self._api.root.resource_for_path(self._front.path)
        named = {} if self._target is None else {"method.request.path.target": True}
        self._method(
            "POST",
            resource if self._target is None else resource.add_resource("{target}"),
            apigateway.LambdaIntegration(
                function,
                allow_test_invoke=False,
                response_transfer_mode=apigateway.ResponseTransferMode.STREAM if streams else None,
                timeout=Duration.seconds(self._front.timeout_seconds),
            ),
            request_parameters={"method.request.header.Content-Type": True, **named},
            **self._checks(),
        )

    def _variables(self) -> dict[str, str]:
        cors = self._front.cors
        return {
            "SLIPWAY_ENDPOINT_NAME": self._endpoint_name,
            "SLIPWAY_READ_TIMEOUT_SECONDS": str(self._front.model_seconds),
            **({} if self._target is None else {"SLIPWAY_TARGET": self._target}),
            **({"SLIPWAY_STYLE": "chat"} if self._front.chats else {}),
            **({} if cors is None else {"SLIPWAY_ORIGINS": " ".join(cors.origins)}),
        }

    def _asked(self) -> list[str]:
        stack = Stack.of(self)
        names = {"endpoint": self._endpoint_name}
        if self._target == "component":
            names["inference-component"] = f"{self._endpoint_name}-*"
        return [
            stack.format_arn(service="sagemaker", resource=kind, resource_name=name) for kind, name in names.items()
        ]
