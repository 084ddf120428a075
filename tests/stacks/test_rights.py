"""Nobody may do more than it must."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

Template = dict[str, Any]
Assemblies = dict[str, tuple[Path, dict[str, Template]]]

OWN = ("-build", "-shared")
"""How the names of stacks end that are no endpoint's."""
# Actions that know no resource, as AWS's service authorization reference lists them.
NO_RESOURCE = {
    "cloudwatch:PutMetricData",
    "ec2:DescribeDhcpOptions",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSecurityGroups",
    "ec2:DescribeSubnets",
    "ec2:DescribeVpcs",
    "ecr:GetAuthorizationToken",
    "logs:CreateLogDelivery",
    "logs:DeleteLogDelivery",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "logs:GetLogDelivery",
    "logs:ListLogDeliveries",
    "logs:PutResourcePolicy",
    "logs:UpdateLogDelivery",
    "xray:GetSamplingRules",
    "xray:GetSamplingTargets",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}


def statements(assemblies: Assemblies) -> Iterator[dict[str, Any]]:
    for _, templates in assemblies.values():
        for template in templates.values():
            for resource in template["Resources"].values():
                if resource["Type"] == "AWS::IAM::Policy":
                    yield from resource["Properties"]["PolicyDocument"]["Statement"]


def endpoints(assemblies: Assemblies) -> int:
    made = [template for _, templates in assemblies.values() for template in templates.values()]
    kinds = [resource["Type"] for template in made for resource in template["Resources"].values()]
    return kinds.count("AWS::SageMaker::Endpoint")


def listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def endpoint_count(assemblies: Assemblies) -> int:
    return sum(not name.endswith(OWN) for _, templates in assemblies.values() for name in templates)


def build_count(assemblies: Assemblies) -> int:
    return sum(name.endswith("-build") for _, templates in assemblies.values() for name in templates)


def test_no_action_is_a_wildcard(assemblies: Assemblies) -> None:
    actions = {action for statement in statements(assemblies) for action in listed(statement["Action"])}
    assert "sagemaker:InvokeEndpoint" in actions
    assert [action for action in actions if "*" in action] == []


def test_only_actions_that_know_no_resource_may_act_on_every_resource(assemblies: Assemblies) -> None:
    everywhere = {
        action
        for statement in statements(assemblies)
        if "*" in listed(statement["Resource"])
        for action in listed(statement["Action"])
    }
    assert everywhere == NO_RESOURCE


def test_metrics_are_held_to_their_namespace(assemblies: Assemblies) -> None:
    namespaces = Counter(
        statement["Condition"]["StringEquals"]["cloudwatch:namespace"]
        for statement in statements(assemblies)
        if statement["Action"] == "cloudwatch:PutMetricData"
    )
    endpoints = endpoint_count(assemblies)
    assert namespaces == {
        "/aws/sagemaker/Endpoints": endpoints,
        "/aws/sagemaker/InferenceComponents": len(assemblies),
        "/aws/sagemaker/OptimizationJobs": build_count(assemblies),
        "/aws/sagemaker/ProcessingJobs": build_count(assemblies),
    }


def test_role_reads_archives_of_its_own_endpoint_alone(assemblies: Assemblies) -> None:
    for environment, endpoint in (("dev", "digit-reader"), ("prod", "sentence-embedder")):
        _, templates = assemblies[environment]
        prefix = "dev-" if environment == "dev" else ""
        only = {environment: (Path(), {"it": templates[f"slipway-{environment}-{endpoint}"]})}
        [resource] = [entry["Resource"] for entry in statements(only) if entry["Action"] == "s3:GetObject"]
        assert resource.endswith(f"/slipway/{prefix}{endpoint}/*.gz")


def test_roles_trust_sagemaker_for_this_account_alone(assemblies: Assemblies) -> None:
    roles = [
        resource["Properties"]["AssumeRolePolicyDocument"]["Statement"][0]
        for _, templates in assemblies.values()
        for template in templates.values()
        for resource in template["Resources"].values()
        if resource["Type"] == "AWS::IAM::Role"
    ]
    sagemaker = [entry for entry in roles if entry["Principal"]["Service"] == "sagemaker.amazonaws.com"]
    assert len(sagemaker) == endpoint_count(assemblies) + 2 * build_count(assemblies)  # of either kind of job
    assert all("aws:SourceAccount" in entry["Condition"]["StringEquals"] for entry in sagemaker)


def test_the_one_managed_policy_is_the_one_that_api_gateway_demands(assemblies: Assemblies) -> None:
    found = [
        json.dumps(arn)
        for _, templates in assemblies.values()
        for template in templates.values()
        for resource in template["Resources"].values()
        for arn in resource.get("Properties", {}).get("ManagedPolicyArns", [])
    ]
    assert len(found) == 4
    assert all("AmazonAPIGatewayPushToCloudWatchLogs" in arn for arn in found)
