"""What matters in fronts of every sort; that they can be deployed and answer is shown in tests/local_cloud."""

from __future__ import annotations

import json
from collections.abc import Callable
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest
from aws_cdk import App, CfnOutput, DefaultStackSynthesizer, Environment, Stack, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from sagemaker_hosting import InvocationFront, SharedResources, Site
from slipway.specs import EnvironmentSpec
from slipway.specs.front import Front

if TYPE_CHECKING:
    from pathlib import Path

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Make = Callable[..., Template]

KEY = "arn:aws:kms:eu-west-1:111122223333:key/0a1b2c3d-1111-2222-3333-444455556666"
POOL = "arn:aws:cognito-idp:eu-west-1:111122223333:userpool/eu-west-1_AbCdEf123"
ACL = "arn:aws:wafv2:eu-west-1:111122223333:regional/webacl/ours/0a1b2c3d"
CERTIFICATE = "arn:aws:acm:eu-west-1:111122223333:certificate/0a1b2c3d-1111-2222-3333-444455556666"
KEYED = {"auth": "api-key"}
TOKENS = {"auth": "cognito", "cognito": {"user_pool_arn": POOL, "scopes": ["models/ask"]}}
OPEN = {"auth": "none", "open_because": "digits are no secret"}
SITES = ["https://a.example.com", "https://b.example.com"]
SCHEMA = {"type": "object", "required": ["inputs"]}


@pytest.fixture
def front(sources: Path, flags: dict[str, Any], tmp_path: Path) -> Make:
    """The template of a front, checked by CloudFormation's own validator and by cdk-nag."""

    def make(**written: Any) -> Template:
        app = App(
            analytics_reporting=False,
            builtin_cloud_formation_validation=True,
            context=flags,
            outdir=mkdtemp(dir=tmp_path),
        )
        Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
        stack = Stack(app, "it", env=Environment(account="111122223333", region="eu-west-1"))
        site = Site(
            environment=EnvironmentSpec(account="111122223333", region="eu-west-1"),
            shared=SharedResources(alarm_topic_arn="arn:topic", capture_bucket="bucket", key_arn=KEY),
            source_root=sources,
            uploads=DefaultStackSynthesizer(),
        )
        spec = Front.model_validate_json(json.dumps({"path": "/ask", **written}))
        CfnOutput(stack, "Url", value=InvocationFront(stack, "Front", endpoint_name="it", front=spec, site=site).url)
        made: Template = app.synth().get_stack_by_name("it").template
        return made

    return make


def post(template: Template) -> dict[str, Any]:
    """Return the properties of the method that asks the model."""
    [found] = [
        resource["Properties"]
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::ApiGateway::Method" and resource["Properties"]["HttpMethod"] == "POST"
    ]
    properties: dict[str, Any] = found
    return properties


def error_answers(template: Template, of_type: Of) -> dict[str, dict[str, Any]]:
    answers = [resource["Properties"] for resource in of_type(template, "ApiGateway::GatewayResponse")]
    return {answer["ResponseType"]: answer for answer in answers}


def test_key_is_demanded_counted_and_never_in_the_template(front: Make, of_type: Of) -> None:
    made = front(**KEYED, keys=["team-a", "team-b"], usage={"requests": 1000, "per": "month"})
    assert (post(made)["AuthorizationType"], post(made)["ApiKeyRequired"]) == ("NONE", True)
    keys, [plan] = of_type(made, "ApiGateway::ApiKey"), of_type(made, "ApiGateway::UsagePlan")
    assert len(keys) == len(of_type(made, "ApiGateway::UsagePlanKey")) == 2
    assert all(key["Properties"]["Enabled"] and "Value" not in key["Properties"] for key in keys)
    assert plan["Properties"]["Quota"] == {"Limit": 1000, "Period": "MONTH"}
    assert plan["Properties"]["Throttle"] == {"BurstLimit": 100, "RateLimit": 50}
    assert made["Outputs"].keys() == {"FrontKeyTeamA", "FrontKeyTeamB", "Url"}


def test_key_without_usage_is_only_throttled(front: Make, of_type: Of) -> None:
    [plan] = of_type(front(**KEYED), "ApiGateway::UsagePlan")
    assert "Quota" not in plan["Properties"]


def test_token_needs_a_scope_of_the_pool(front: Make, of_type: Of) -> None:
    made = front(**TOKENS)
    [authorizer] = of_type(made, "ApiGateway::Authorizer")
    assert authorizer["Properties"]["ProviderARNs"] == [POOL]
    assert post(made)["AuthorizationType"] == "COGNITO_USER_POOLS"
    assert post(made)["AuthorizationScopes"] == ["models/ask"]


@pytest.mark.parametrize(("written", "filters"), [({}, 0), (TOKENS, 0), (KEYED, 1), (OPEN, 1)])
def test_web_acl_stands_before_whoever_is_not_known(
    front: Make, of_type: Of, written: dict[str, Any], filters: int
) -> None:
    made = front(**written)
    assert len(of_type(made, "WAFv2::WebACL")) == len(of_type(made, "WAFv2::WebACLAssociation")) == filters


def test_web_acl_bounds_each_address_and_blocks_no_legal_body(front: Make, of_type: Of) -> None:
    [acl] = of_type(front(waf={"rate_limit_per_5_minutes": 300}), "WAFv2::WebACL")
    rules = {rule["Name"]: rule for rule in acl["Properties"]["Rules"]}
    assert rules["EachAddress"]["Statement"]["RateBasedStatement"] == {"AggregateKeyType": "IP", "Limit": 300}
    common = rules["AWSManagedRulesCommonRuleSet"]["Statement"]["ManagedRuleGroupStatement"]
    counted = {rule["Name"] for rule in common["RuleActionOverrides"] if rule["ActionToUse"] == {"Count": {}}}
    assert "SizeRestrictions_BODY" in counted
    assert all(name.endswith("_BODY") for name in counted)


def test_log_of_the_web_acl_is_encrypted_and_holds_no_secret(front: Make, of_type: Of) -> None:
    made = front(**KEYED)
    [log] = [group for group in of_type(made, "Logs::LogGroup") if "aws-waf-logs" in str(group["Properties"])]
    assert log["Properties"]["KmsKeyId"] == KEY
    [logging] = of_type(made, "WAFv2::LoggingConfiguration")
    left_out = {field["SingleHeader"]["Name"] for field in logging["Properties"]["RedactedFields"]}
    assert {"authorization", "x-api-key"} <= left_out
    [acl] = of_type(made, "WAFv2::WebACL")
    assert "'SampledRequestsEnabled': True" not in str(acl)


def test_web_acl_may_be_another_or_none(front: Make, of_type: Of) -> None:
    made = front(waf={"web_acl_arn": ACL})
    assert of_type(made, "WAFv2::WebACL") == []
    [association] = of_type(made, "WAFv2::WebACLAssociation")
    assert association["Properties"]["WebACLArn"] == ACL


def test_web_acl_may_be_off_with_a_reason(front: Make, of_type: Of) -> None:
    made = front(**OPEN, waf={"off_because": "CloudFront in front of it has one"})
    assert of_type(made, "WAFv2::WebACLAssociation") == []


def test_schema_judges_json_and_lets_arrays_pass_as_bytes(front: Make, of_type: Of) -> None:
    made = front(request_schema=SCHEMA)
    [model], [api] = of_type(made, "ApiGateway::Model"), of_type(made, "ApiGateway::RestApi")
    assert model["Properties"]["Schema"] == SCHEMA
    assert list(post(made)["RequestModels"]) == ["application/json"]
    assert api["Properties"]["BinaryMediaTypes"] == ["application/octet-stream", "application/x-npy"]
    [validator] = of_type(made, "ApiGateway::RequestValidator")
    assert validator["Properties"]["ValidateRequestBody"] is True


def test_changed_schema_is_deployed(front: Make) -> None:
    def deployment(schema: dict[str, Any]) -> list[str]:
        made = front(request_schema=schema)["Resources"]
        return [name for name, resource in made.items() if resource["Type"] == "AWS::ApiGateway::Deployment"]

    assert deployment(SCHEMA) != deployment({**SCHEMA, "required": ["text"]})


def test_preflight_needs_nobody_and_survives_binary_types(front: Make, of_type: Of) -> None:
    made = front(**KEYED, cors={"origins": SITES, "max_age_seconds": 60})
    [preflight] = [one for one in of_type(made, "ApiGateway::Method") if one["Properties"]["HttpMethod"] == "OPTIONS"]
    assert (preflight["Properties"]["AuthorizationType"], preflight["Properties"]["ApiKeyRequired"]) == ("NONE", False)
    assert preflight["Properties"]["Integration"]["ContentHandling"] == "CONVERT_TO_TEXT"
    assert all(site in str(preflight) for site in SITES)
    [function] = of_type(made, "Lambda::Function")
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_ORIGINS"] == " ".join(SITES)


def test_errors_name_the_site_where_there_is_one_and_the_asker_where_there_are_more(front: Make, of_type: Of) -> None:
    header = "gatewayresponse.header.Access-Control-Allow-Origin"
    for sites, said in ((SITES[:1], f"'{SITES[0]}'"), (SITES, "method.request.header.Origin")):
        answer = error_answers(front(cors={"origins": sites}), of_type)["DEFAULT_4XX"]
        assert answer["ResponseParameters"][header] == said


def test_gateways_own_errors_are_json_with_the_requests_id(front: Make, of_type: Of) -> None:
    answers = error_answers(front(**KEYED, request_schema=SCHEMA), of_type)
    assert answers.keys() >= {"DEFAULT_4XX", "DEFAULT_5XX", "THROTTLED", "INVALID_API_KEY", "BAD_REQUEST_BODY"}
    for answer in answers.values():
        text = answer["ResponseTemplates"]["application/json"]
        body = json.loads(text.replace("$context.error.messageString", '"said"'))
        assert body.keys() == {"error", "request_id"}
        assert body["error"]["code"]
        assert answer["ResponseParameters"]["gatewayresponse.header.X-Request-Id"] == "context.requestId"
    assert answers["THROTTLED"]["StatusCode"] == "429"
    assert "StatusCode" not in answers["DEFAULT_4XX"]


def test_address_of_ones_own_is_the_only_one(front: Make, of_type: Of) -> None:
    made = front(domain={"name": "m.example.com", "certificate_arn": CERTIFICATE, "hosted_zone_id": "Z0123456789"})
    [api], [domain] = of_type(made, "ApiGateway::RestApi"), of_type(made, "ApiGateway::DomainName")
    assert api["Properties"]["DisableExecuteApiEndpoint"] is True
    assert domain["Properties"]["SecurityPolicy"] == "TLS_1_2"
    assert len(of_type(made, "ApiGateway::BasePathMapping")) == len(of_type(made, "Route53::RecordSet")) == 1
    assert made["Outputs"]["Url"]["Value"] == "https://m.example.com/ask"


def test_record_is_left_to_whoever_has_the_zone(front: Make, of_type: Of) -> None:
    made = front(domain={"name": "m.example.com", "certificate_arn": CERTIFICATE})
    assert of_type(made, "Route53::RecordSet") == []


def test_private_front_refuses_whatever_comes_another_way(front: Make, of_type: Of) -> None:
    [api] = of_type(front(private={"vpc_endpoint_ids": ["vpce-0a1b2c3d"]}), "ApiGateway::RestApi")
    assert api["Properties"]["EndpointConfiguration"]["Types"] == ["PRIVATE"]
    [refusal] = [one for one in api["Properties"]["Policy"]["Statement"] if one["Effect"] == "Deny"]
    assert refusal["Condition"] == {"StringNotEquals": {"aws:SourceVpce": ["vpce-0a1b2c3d"]}}


def test_patience_beyond_29_s_reaches_the_gateway(front: Make, of_type: Of) -> None:
    made = front(timeout_seconds=62, raised_integration_limit=True)
    assert post(made)["Integration"]["TimeoutInMillis"] == 62_000
    [function] = of_type(made, "Lambda::Function")
    assert function["Properties"]["Environment"]["Variables"]["SLIPWAY_READ_TIMEOUT_SECONDS"] == "60"


@pytest.mark.parametrize(
    ("written", "caller"),
    [({}, "identity.userArn"), (KEYED, "identity.apiKeyId"), (TOKENS, "authorizer.claims.sub"), (OPEN, "anybody")],
)
def test_access_log_says_who_called_and_holds_no_key(
    front: Make, of_type: Of, written: dict[str, Any], caller: str
) -> None:
    [stage] = of_type(front(**written), "ApiGateway::Stage")
    log = json.loads(stage["Properties"]["AccessLogSetting"]["Format"])
    assert log["caller"].removeprefix("$context.") == caller
    assert "$context.identity.apiKey" not in log.values()
