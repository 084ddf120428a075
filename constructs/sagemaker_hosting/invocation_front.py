from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final, Literal

from aws_cdk import Duration, Stack
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from sagemaker_hosting.acknowledge import acknowledge, acknowledge_own_policies, acknowledge_wildcard
from sagemaker_hosting.acknowledge_front import acknowledge_function, acknowledge_no_web_acl, acknowledge_stage
from sagemaker_hosting.log_group import LogGroup

if TYPE_CHECKING:
    from sagemaker_hosting.site import Site
    from slipway.specs.parts import Front

Target = Literal["model", "container", "component"]
STAGE: Final = "live"
# Who called and how it ended; never what was sent.
ACCESS_LOG: Final = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "$context.identity.userArn",
    "source_ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "path": "$context.path",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_latency_ms": "$context.integrationLatency",
    "error": "$context.error.message",
    "integration_error": "$context.integration.error",
}


class InvocationFront(Construct):
    """Define an HTTPS address in front of an endpoint: API Gateway, a function, InvokeEndpoint.

    Time runs out from the inside: the model gets two seconds less than the caller waits, the function one second less,
    so that whoever is too slow is told of by the one who waited.

    Args:
        front: Path, throttle and time-out.
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
        front: Front,
        endpoint_name: str,
        site: Site,
        target: Target | None = None,
    ) -> None:
        super().__init__(scope, construct_id)
        self._front = front
        self._target = target
        self._endpoint_name = endpoint_name
        self._site = site
        api = self._api()
        self._method(api, self._function())
        self._serve_after_logs(api)
        self.url = f"{api.url}{front.path.removeprefix('/')}{'' if target is None else '/{target}'}"

    def _function(self) -> lambda_.Function:
        logs = self._logs("FunctionLogs")
        role = iam.Role(self, "FunctionRole", assumed_by=iam.ServicePrincipal("lambda.amazonaws.com"))
        function = lambda_.Function(
            self,
            "Function",
            architecture=lambda_.Architecture.ARM_64,
            code=lambda_.Code.from_asset(
                str(self._site.source_root / "lambdas" / "invoke"), exclude=["__pycache__", "*.pyc"]
            ),
            description=f"Invokes {self._endpoint_name}",
            environment={
                "SLIPWAY_ENDPOINT_NAME": self._endpoint_name,
                "SLIPWAY_READ_TIMEOUT_SECONDS": str(self._front.timeout_seconds - 2),
                **({} if self._target is None else {"SLIPWAY_TARGET": self._target}),
            },
            handler="handler.handle",
            log_group=logs.group,
            memory_size=512,
            role=role,
            runtime=lambda_.Runtime.PYTHON_3_14,
            timeout=Duration.seconds(self._front.timeout_seconds - 1),
            tracing=lambda_.Tracing.ACTIVE,
        )
        self._grant(role, logs)
        acknowledge_function(function)
        return function

    def _grant(self, role: iam.Role, logs: LogGroup) -> None:
        resources = [self._arn("endpoint", self._endpoint_name)]
        if self._target == "component":
            components = self._arn("inference-component", f"{self._endpoint_name}-*")
            resources.append(components)
            acknowledge_wildcard(role, components, "the endpoint's components, which come and go without the front")
        role.add_to_policy(iam.PolicyStatement(actions=["sagemaker:InvokeEndpoint"], resources=resources))
        logs.grant_write(role)
        acknowledge_wildcard(role, "*", "X-Ray's actions know no resource; nothing else here has a wildcard")
        acknowledge_own_policies(role)

    def _arn(self, kind: str, name: str) -> str:
        return Stack.of(self).format_arn(service="sagemaker", resource=kind, resource_name=name)

    def _api(self) -> apigateway.RestApi:
        throttle = self._front.throttle
        api = apigateway.RestApi(
            self,
            "Api",
            binary_media_types=["*/*"],  # bodies are passed on byte for byte
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                access_log_destination=apigateway.LogGroupLogDestination(self._logs("AccessLogs").group),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
                data_trace_enabled=False,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                metrics_enabled=True,
                stage_name=STAGE,
                throttling_burst_limit=throttle.burst,
                throttling_rate_limit=throttle.rate_per_second,
                tracing_enabled=True,
            ),
            description=f"Front of {self._endpoint_name}",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            rest_api_name=self._endpoint_name,
        )
        api.node.try_remove_child("Endpoint")  # CDK's own output; the stack says the whole address instead
        acknowledge_stage(api)
        acknowledge_no_web_acl(
            api,
            "only signed requests of IAM identities get in, and the stage throttles them: there is no anonymous "
            "traffic for a web ACL to filter",
        )
        acknowledge(api, "AwsSolutions-COG4", "callers are programs with IAM identities, not people in a user pool")
        return api

    def _method(self, api: apigateway.RestApi, function: lambda_.Function) -> None:
        # Bodies are judged by the model's server, which knows what the model takes.
        validator = api.add_request_validator("Validator", validate_request_body=True, validate_request_parameters=True)
        resource = api.root.add_resource(self._front.path.removeprefix("/"))
        named = {} if self._target is None else {"method.request.path.target": True}
        (resource if self._target is None else resource.add_resource("{target}")).add_method(
            "POST",
            apigateway.LambdaIntegration(
                function, allow_test_invoke=False, timeout=Duration.seconds(self._front.timeout_seconds)
            ),
            authorization_type=apigateway.AuthorizationType.IAM,
            request_parameters={"method.request.header.Content-Type": True, **named},
            request_validator=validator,
        )

    def _serve_after_logs(self, api: apigateway.RestApi) -> None:
        # API Gateway would make this group itself, unencrypted and for ever.
        logs = self._logs("ExecutionLogs", name=f"API-Gateway-Execution-Logs_{api.rest_api_id}/{STAGE}")
        api.deployment_stage.node.add_dependency(logs)

    def _logs(self, construct_id: str, *, name: str | None = None) -> LogGroup:
        return LogGroup(
            self,
            construct_id,
            keep_data=self._site.environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=name,
            retention_days=self._site.environment.log_retention_days,
        )
