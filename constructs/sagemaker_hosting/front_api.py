from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

from sagemaker_hosting.acknowledge_front import acknowledge_no_web_acl, acknowledge_stage
from sagemaker_hosting.front_auth import FrontAuth
from sagemaker_hosting.front_cors import allow_origins
from sagemaker_hosting.front_domain import FrontDomain
from sagemaker_hosting.front_errors import explain_errors
from sagemaker_hosting.front_private import endpoint_kind
from sagemaker_hosting.front_waf import FrontWaf
from sagemaker_hosting.log_group import LogGroup

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sagemaker_hosting.site import Site
    from slipway.specs.front import BaseFront

STAGE: Final = "live"
JSON: Final = "application/json"
ANY_TYPE: Final = ("*/*",)
# API Gateway reads bodies as text where it is to check them; these two pass byte for byte, and unchecked.
BESIDE_JSON: Final = ("application/octet-stream", "application/x-npy")
# Who called and how it ended; never what was sent.
ACCESS_LOG: Final = {
    "request_id": "$context.requestId",
    "time": "$context.requestTime",
    "caller": "",
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

# A client of a pool that acts for itself is the subject of its own tokens.
CALLER: Final = {
    "iam": "$context.identity.userArn",
    "api-key": "$context.identity.apiKeyId",
    "cognito": "$context.authorizer.claims.sub",
    "none": "anybody",
}


class FrontApi(Construct):
    """Define what every front begins with: an API whose stage throttles, logs, traces, filters and asks who calls.

    A front derives from this and adds its methods with ``_method``. What the gateway itself answers is JSON like the
    functions' answers, with the request's id.

    Args:
        front: Who may call, how often, from where and under which address.
        endpoint_name: Of the endpoint behind it.
        site: Where it goes.
    """

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        front: BaseFront,
        endpoint_name: str,
        site: Site,
    ) -> None:
        super().__init__(scope, construct_id)
        self._front, self._endpoint_name, self._site = front, endpoint_name, site
        self._api = self._define_api(ANY_TYPE if front.request_schema is None else BESIDE_JSON)
        self._auth = FrontAuth(self, api=self._api, front=front)
        self._serve_after_logs()
        explain_errors(self._api, front)
        domain = None if front.domain is None else FrontDomain(self, "Domain", api=self._api, domain=front.domain)
        self.base_url = self._api.url.removesuffix("/") if domain is None else domain.url
        if front.web_acl is not None:
            FrontWaf(
                self,
                "Waf",
                endpoint_name=endpoint_name,
                site=site,
                stage=self._api.deployment_stage,
                waf=front.web_acl,
            )

    def _method(
        self, verb: str, resource: apigateway.Resource, integration: apigateway.Integration, **options: Any
    ) -> apigateway.Method:
        """Add a method that asks who calls, and the preflight of a front that browsers may call.

        Args:
            verb: Such as ``POST``.
            resource: Where.
            integration: What answers.
            options: Of ``add_method``: validators, models, parameters.
        """
        method = resource.add_method(verb, integration, **self._auth.options, **options)
        self._auth.acknowledge(method)
        if self._front.cors is not None:
            allow_origins(resource, self._front.cors, verb)
        return method

    def _checks(self) -> dict[str, Any]:
        """What a method needs so that API Gateway checks a body before the function is called."""
        return {
            "request_models": self._models(),
            "request_validator": self._api.add_request_validator(
                "Validator", validate_request_body=True, validate_request_parameters=True
            ),
        }

    def _models(self) -> dict[str, apigateway.IModel] | None:
        schema = self._front.request_schema
        if schema is None:
            return None
        model = apigateway.CfnModel(
            self, "RequestModel", content_type=JSON, rest_api_id=self._api.rest_api_id, schema=schema
        )
        assert self._api.latest_deployment is not None  # noqa: S101  the API deploys itself
        self._api.latest_deployment.add_to_logical_id(schema)
        return {JSON: apigateway.Model.from_model_name(self, "Request", model.ref)}

    def _define_api(self, binary_types: tuple[str, ...]) -> apigateway.RestApi:
        throttle = self._front.throttle
        api = apigateway.RestApi(
            self,
            "Api",
            binary_media_types=list(binary_types),
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                access_log_destination=apigateway.LogGroupLogDestination(self._logs("AccessLogs").group),
                access_log_format=apigateway.AccessLogFormat.custom(self._access_log()),
                data_trace_enabled=False,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                metrics_enabled=True,
                stage_name=STAGE,
                throttling_burst_limit=throttle.burst,
                throttling_rate_limit=throttle.rate_per_second,
                tracing_enabled=True,
            ),
            description=f"Front of {self._endpoint_name}",
            disable_execute_api_endpoint=None if self._front.domain is None else True,
            rest_api_name=self._endpoint_name,
            **self._place(),
        )
        api.node.try_remove_child("Endpoint")  # CDK's own output; the stack says the whole address instead
        acknowledge_stage(api)
        if self._front.web_acl is None:
            acknowledge_no_web_acl(api, self._unfiltered())
        return api

    def _access_log(self) -> str:
        return json.dumps({**ACCESS_LOG, "caller": CALLER[self._front.auth]})

    def _place(self) -> Mapping[str, Any]:
        if self._front.private is None:
            return {"endpoint_types": [apigateway.EndpointType.REGIONAL]}
        return endpoint_kind(self, self._front.private)

    def _unfiltered(self) -> str:
        if self._front.waf is not None and self._front.waf.off_because is not None:
            return f"the endpoint's spec says why no web ACL filters: {self._front.waf.off_because}"
        return {
            "iam": "only signed requests of IAM identities get in, and the stage throttles them: there is no anonymous "
            "traffic for a web ACL to filter",
            "cognito": "only holders of a user pool's token get in, and the stage throttles them: there is no "
            "anonymous traffic for a web ACL to filter",
        }[self._front.auth]

    def _serve_after_logs(self) -> None:
        # API Gateway would make this group itself, unencrypted and for ever.
        logs = self._logs("ExecutionLogs", name=f"API-Gateway-Execution-Logs_{self._api.rest_api_id}/{STAGE}")
        self._api.deployment_stage.node.add_dependency(logs)

    def _logs(self, construct_id: str, *, name: str | None = None) -> LogGroup:
        return LogGroup(
            self,
            construct_id,
            keep_data=self._site.environment.keep_data,
            key_arn=self._site.shared.key_arn,
            name=name,
            retention_days=self._site.environment.log_retention_days,
        )
