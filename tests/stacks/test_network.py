"""What an environment says of its network, its roles and its key."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from aws_cdk import App, Validations
from cdk_nag import AwsSolutionsChecks, NIST80053R5Checks

from slipway.specs.network import Network
from stacks.shared_stack import SharedStack

Template = dict[str, Any]
Synth = Callable[[dict[str, Any], dict[str, Any]], dict[str, Template]]
Of = Callable[[Template, str], list[dict[str, Any]]]

SERVICES = ["s3", "ecr.api", "ecr.dkr", "logs", "sts", "sagemaker.runtime"]
NETWORK = {"vpc_id": "vpc-0abc0000", "subnets": ["subnet-0abc0000", "subnet-0def0000"]}
WHOLE = {**NETWORK, "endpoints": SERVICES, "route_tables": ["rtb-0abc0000"], "cidr": "10.0.0.0/16"}
BOUNDARY = "arn:aws:iam::111122223333:policy/Boundary"
KEY = "arn:aws:kms:eu-west-1:444455556666:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"


def network_of(written: dict[str, Any]) -> Network:
    network: Network = Network.model_validate_json(json.dumps(written))
    return network


def endpoints(template: Template, of_type: Of) -> dict[str, dict[str, Any]]:
    return {
        entry["Properties"]["ServiceName"].removeprefix("com.amazonaws.eu-west-1."): entry["Properties"]
        for entry in of_type(template, "EC2::VPCEndpoint")
    }


def test_no_vpc_endpoint_is_made_that_nobody_asked_for(synth: Synth, of_type: Of) -> None:
    shared = synth({}, {"network": NETWORK})["slipway-test-shared"]
    assert of_type(shared, "EC2::VPCEndpoint") == of_type(shared, "EC2::SecurityGroup") == []


def test_s3_is_a_gateway_and_the_rest_answer_privately_to_the_vpc(synth: Synth, of_type: Of) -> None:
    shared = synth({}, {"network": WHOLE})["slipway-test-shared"]
    found = endpoints(shared, of_type)
    assert sorted(found) == sorted(SERVICES)
    s3 = found.pop("s3")
    assert (s3["VpcEndpointType"], s3["RouteTableIds"]) == ("Gateway", ["rtb-0abc0000"])
    for properties in found.values():
        assert properties["VpcEndpointType"] == "Interface"
        assert properties["PrivateDnsEnabled"] is True
        assert properties["SubnetIds"] == NETWORK["subnets"]
        assert len(properties["SecurityGroupIds"]) == 1
    [group] = of_type(shared, "EC2::SecurityGroup")
    [rule] = group["Properties"]["SecurityGroupIngress"]
    assert (rule["CidrIp"], rule["FromPort"], rule["ToPort"], rule["IpProtocol"]) == ("10.0.0.0/16", 443, 443, "tcp")
    assert [rule["CidrIp"] for rule in group["Properties"]["SecurityGroupEgress"]] == ["255.255.255.255/32"]


def test_only_the_containers_groups_reach_them_where_these_are_known(synth: Synth, of_type: Of) -> None:
    network = {**NETWORK, "endpoints": ["logs"], "security_groups": ["sg-0abc0000"]}
    [group] = of_type(synth({}, {"network": network})["slipway-test-shared"], "EC2::SecurityGroup")
    [rule] = group["Properties"]["SecurityGroupIngress"]
    assert rule["SourceSecurityGroupId"] == "sg-0abc0000"
    assert "CidrIp" not in rule


def test_their_policies_let_this_account_do_what_hosting_needs(synth: Synth, of_type: Of) -> None:
    found = endpoints(synth({}, {"network": WHOLE})["slipway-test-shared"], of_type)
    for service, properties in found.items():
        for statement in properties["PolicyDocument"]["Statement"]:
            actions = statement["Action"] if isinstance(statement["Action"], list) else [statement["Action"]]
            assert [action for action in actions if "*" in action] == []
            layers = statement["Resource"] == "arn:aws:s3:::prod-eu-west-1-starport-layer-bucket/*"
            account = statement.get("Condition", {}).get("StringEquals", {}).get("aws:PrincipalAccount")
            assert account == "111122223333" or (service == "s3" and layers)
    [runtime] = found["sagemaker.runtime"]["PolicyDocument"]["Statement"]
    assert runtime["Resource"] == "arn:aws:sagemaker:eu-west-1:111122223333:endpoint/*"


def test_chinese_services_have_names_of_their_own(flags: dict[str, Any]) -> None:
    from aws_cdk import Environment, Stack

    from sagemaker_hosting import VpcEndpoints

    app = App(context=flags)
    stack = Stack(app, "It", env=Environment(account="111122223333", region="cn-north-1"))
    VpcEndpoints(stack, "VpcEndpoints", network=network_of(WHOLE))
    resources = app.synth().get_stack_by_name("It").template["Resources"].values()
    names = {entry["Properties"].get("ServiceName") for entry in resources}
    assert {"cn.com.amazonaws.cn-north-1.ecr.dkr", "com.amazonaws.cn-north-1.logs"} < names


def test_every_role_of_every_stack_keeps_within_the_boundary(synth: Synth, of_type: Of) -> None:
    front = {"path": "/it", "timeout_seconds": 5}
    templates = synth({"front": front}, {"permissions_boundary": BOUNDARY})
    roles = [role for template in templates.values() for role in of_type(template, "IAM::Role")]
    assert len(roles) == 3
    assert {role["Properties"]["PermissionsBoundary"] for role in roles} == {BOUNDARY}


def test_no_role_has_a_boundary_that_nobody_names(template: Callable[[str, str], Template], of_type: Of) -> None:
    roles = of_type(template("prod", "sentence-embedder"), "IAM::Role")
    assert roles
    assert [role for role in roles if "PermissionsBoundary" in role["Properties"]] == []


def test_a_key_that_is_brought_encrypts_everything(synth: Synth, of_type: Of) -> None:
    templates = synth({"capture": {"percent": 5}}, {"kms_key": KEY})
    shared = templates["slipway-test-shared"]
    assert of_type(shared, "KMS::Key") == []
    assert shared["Outputs"]["KeyArn"]["Value"] == KEY
    assert of_type(shared, "SNS::Topic")[0]["Properties"]["KmsMasterKeyId"] == KEY


@pytest.mark.parametrize("kept", [KEY, None])
def test_buckets_take_nothing_in_another_encryption(synth: Synth, of_type: Of, kept: str | None) -> None:
    shared = synth({}, {} if kept is None else {"kms_key": kept})["slipway-test-shared"]
    refused = {
        statement["Sid"]: statement
        for policy in of_type(shared, "S3::BucketPolicy")
        for statement in policy["Properties"]["PolicyDocument"]["Statement"]
        if statement.get("Action") == "s3:PutObject" and statement["Effect"] == "Deny"
    }
    header = "s3:x-amz-server-side-encryption"
    assert refused.keys() == {"NoOtherEncryption", "NoOtherKey"}
    assert refused["NoOtherEncryption"]["Condition"] == {
        "Null": {header: "false"},
        "StringNotEquals": {header: "aws:kms"},
    }
    key = refused["NoOtherKey"]["Condition"]["StringNotEquals"][f"{header}-aws-kms-key-id"]
    assert key == KEY if kept is not None else "Fn::GetAtt" in json.dumps(key)


def test_a_whole_network_has_no_finding(flags: dict[str, Any], project: Any, tmp_path: Any) -> None:
    from dataclasses import replace

    from slipway.specs import Project

    deployment = Project(project).deployment("prod")
    environment = deployment.environment.model_copy(update={"network": network_of(WHOLE)})
    app = App(context=flags, outdir=str(tmp_path / "cdk.out"))
    Validations.of(app).add_plugins(AwsSolutionsChecks(app), NIST80053R5Checks(app))
    SharedStack(app, deployment=replace(deployment, environment=environment))
    app.synth()
