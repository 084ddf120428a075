"""What a role may do: yes, no, or that only a deployment knows."""

from __future__ import annotations

import time
from typing import Any

import pytest

from slipway.preflight import Template, check
from slipway.preflight.globs import covers
from slipway.preflight.roles import rights_of
from slipway.preflight.values import UNKNOWN, link

OBJECT = "arn:aws:s3:::models/embedder/model.tar.gz"
READ = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::models/*"}


def answer(*statements: Any, action: str = "s3:GetObject", resource: str = OBJECT, **role: Any) -> bool | None:
    """What a role with these statements may do."""
    policies = [{"PolicyName": "one", "PolicyDocument": {"Statement": list(statements)}}]
    resources = {"Role": {"Type": "AWS::IAM::Role", "Properties": {"Policies": policies, **role}}}
    template = Template({"Resources": resources}, region="eu-west-1")
    return rights_of(template, template.resources["Role"]).allows(action, resource)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", OBJECT, True),
        ("arn:aws:s3:::models/*", OBJECT, True),
        ("arn:aws:s3:::model?/embedder/*", OBJECT, True),
        ("arn:aws:s3:::models", OBJECT, False),
        ("arn:aws:s3:::other/*", OBJECT, False),
        ("arn:aws:s3:::models/[a-z]*", OBJECT, False),
        ("arn:aws:s3:::models/embedder/*", "arn:aws:s3:::models/*", None),
        ("arn:aws:s3:::models/*/a.gz", "arn:aws:s3:::models/*/b.gz", False),
        ("arn:aws:s3:::models/${aws:username}/*", OBJECT, None),
        (UNKNOWN, OBJECT, None),
        ("arn:aws:s3:::models/*", UNKNOWN, None),
        (["*"], OBJECT, None),
        (f"arn:aws:s3:::{link('Bucket')}/*", f"arn:aws:s3:::{link('Bucket')}/a", True),
        (f"arn:aws:s3:::{link('Bucket')}/*", f"arn:aws:s3:::{link('Other')}/a", False),
        (f"arn:aws:s3:::{link('Bucket')}/*", OBJECT, False),
        (f"arn:aws:s3:::{link('Bucket')}/b/*", f"arn:aws:s3:::{link('Bucket')}/a", False),
        ("arn:aws:s3:::stack-*", f"arn:aws:s3:::{link('Bucket')}/a", None),
        (f"arn:aws:s3:::models-{link('AWS::AccountId')}/*", "arn:aws:s3:::models-111122223333/a", None),
        (link("Key", "Arn"), link("Other", "Arn"), False),
        (f"arn:aws:kms:eu-west-1:{link('AWS::AccountId')}:key/{link('Key')}", link("Key", "Arn"), None),
    ],
)
def test_pattern_covers_name(pattern: Any, name: Any, expected: object) -> None:
    assert covers(pattern, name) is expected


@pytest.mark.parametrize(
    ("statements", "expected"),
    [
        ([READ], True),
        ([{**READ, "Action": ["s3:Get*"]}], True),
        ([{**READ, "Action": "S3:getobject"}], True),
        ([{**READ, "Action": "*", "Resource": "*"}], True),
        ([{**READ, "Resource": "arn:aws:s3:::models/other/*"}], False),
        ([{**READ, "Action": "s3:PutObject"}], False),
        ([], False),
        ([{**READ, "Condition": {"StringEquals": {"aws:ResourceAccount": "1"}}}], None),
        ([{"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}], True),
        ([{"Effect": "Allow", "NotAction": "s3:*", "Resource": "*"}], False),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::models/*"}], False),
        ([{"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::other/*"}], True),
        ([{"Effect": "Allow", "Action": "s3:*"}], None),
        ([READ, {**READ, "Effect": "Deny"}], False),
        ([READ, {**READ, "Effect": "Deny", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}], None),
        ([READ, {**READ, "Effect": "Deny", "Action": "s3:DeleteObject"}], True),
        ([{"Fn::ImportValue": "statement"}], None),
        ([{**READ, "Resource": {"Fn::ImportValue": "bucket"}}], None),
        (["nonsense", 7, None], None),
    ],
)
def test_statements_answer(statements: list[Any], expected: object) -> None:
    assert answer(*statements) is expected


@pytest.mark.parametrize(
    ("role", "expected"),
    [
        ({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"]}, True),
        ({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/AmazonSNSFullAccess"]}, False),
        ({"ManagedPolicyArns": ["arn:aws:iam::aws:policy/SomethingNewAccess"]}, None),
        ({"ManagedPolicyArns": ["arn:aws:iam::111122223333:policy/ours"]}, None),
        ({"ManagedPolicyArns": {"Fn::ImportValue": "policies"}}, None),
        ({"Policies": {"Fn::ImportValue": "policies"}}, None),
        ({"PermissionsBoundary": "arn:aws:iam::111122223333:policy/bound"}, False),
    ],
)
def test_policies_of_others_are_unknown(role: dict[str, Any], expected: object) -> None:
    assert answer(**role) is expected


def test_policy_of_an_unknown_role_leaves_every_right_open() -> None:
    role = {"Type": "AWS::IAM::Role", "Properties": {}}
    policy = {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Fn::ImportValue": "role"}]}}
    template = Template({"Resources": {"Role": role, "Policy": policy}}, region="eu-west-1")
    assert rights_of(template, template.resources["Role"]).allows("s3:GetObject", OBJECT) is None


def test_boundary_leaves_what_is_allowed_open() -> None:
    assert answer(READ, PermissionsBoundary="arn:aws:iam::111122223333:policy/bound") is None


def test_hundred_endpoints_with_roles_are_checked_in_a_second() -> None:
    resources: dict[str, Any] = {}
    for n in range(100):
        role = {"Policies": [{"PolicyDocument": {"Statement": [{**READ, "Resource": f"arn:aws:s3:::m{n}/*"}] * 10}}]}
        image = {"Image": "x", "ModelDataUrl": {"Fn::Sub": f"s3://${{Bucket{n}}}/a.tar.gz"}}
        model = {"ExecutionRoleArn": {"Fn::GetAtt": [f"Role{n}", "Arn"]}, "PrimaryContainer": image}
        resources |= {
            f"Bucket{n}": {"Type": "AWS::S3::Bucket"},
            f"Role{n}": {"Type": "AWS::IAM::Role", "Properties": role},
            f"Model{n}": {"Type": "AWS::SageMaker::Model", "Properties": model},
            f"Key{n}": {"Type": "AWS::KMS::Key"},
            f"Policy{n}": {"Type": "AWS::IAM::Policy", "Properties": {"Roles": [{"Ref": f"Role{n}"}]}},
        }
    start = time.process_time()
    found = check({"Resources": resources}, region="eu-west-1")
    assert time.process_time() - start < 5
    assert sum(each.rule == "ModelNotReadable" for each in found) == 100
