from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Template = dict[str, Any]
Of = Callable[[Template, str], list[dict[str, Any]]]
Get = Callable[[str, str], Template]


@pytest.fixture
def shared(template: Get) -> Template:
    return template("prod", "shared")


def test_key_rotates_and_serves_alarms_and_logs_of_this_account_alone(shared: Template, of_type: Of) -> None:
    [key] = of_type(shared, "KMS::Key")
    assert key["Properties"]["EnableKeyRotation"] is True
    statements = {
        entry["Principal"]["Service"]: entry["Condition"]
        for entry in key["Properties"]["KeyPolicy"]["Statement"]
        if "Service" in entry["Principal"]
    }
    assert statements == {
        "cloudwatch.amazonaws.com": {"StringEquals": {"aws:SourceAccount": "444455556666"}},
        # Not the account: with it EventBridge's notifications to an encrypted topic never arrive.
        "events.amazonaws.com": {
            "ArnLike": {"kms:EncryptionContext:aws:sns:topicArn": "arn:aws:sns:eu-west-1:444455556666:*"}
        },
        "logs.eu-west-1.amazonaws.com": {
            "ArnLike": {"kms:EncryptionContext:aws:logs:arn": "arn:aws:logs:eu-west-1:444455556666:log-group:*"}
        },
    }


def test_buckets_are_private_encrypted_versioned_and_forget(shared: Template, of_type: Of) -> None:
    buckets = of_type(shared, "S3::Bucket")
    assert len(buckets) == 2
    for bucket in buckets:
        properties = bucket["Properties"]
        assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
        [rule] = properties["LifecycleConfiguration"]["Rules"]
        assert (rule["Status"], rule["ExpirationInDays"]) == ("Enabled", 365)
    algorithms = [
        bucket["Properties"]["BucketEncryption"]["ServerSideEncryptionConfiguration"][0][
            "ServerSideEncryptionByDefault"
        ]["SSEAlgorithm"]
        for bucket in buckets
    ]
    assert sorted(algorithms) == ["AES256", "aws:kms"]


def test_everything_is_refused_without_tls(shared: Template, of_type: Of) -> None:
    policies = [*of_type(shared, "S3::BucketPolicy"), *of_type(shared, "SNS::TopicPolicy")]
    assert len(policies) == 3
    for policy in policies:
        refused = [
            entry
            for entry in policy["Properties"]["PolicyDocument"]["Statement"]
            if entry["Effect"] == "Deny" and entry["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}
        ]
        assert len(refused) == 1


def test_alarms_and_rules_of_this_account_may_publish_to_the_encrypted_topic(shared: Template, of_type: Of) -> None:
    [topic], [policy] = of_type(shared, "SNS::Topic"), of_type(shared, "SNS::TopicPolicy")
    assert "KmsMasterKeyId" in topic["Properties"]
    allowed = [entry for entry in policy["Properties"]["PolicyDocument"]["Statement"] if entry["Effect"] == "Allow"]
    sources = {
        "cloudwatch.amazonaws.com": "arn:aws:cloudwatch:eu-west-1:444455556666:alarm:*",
        "events.amazonaws.com": "arn:aws:events:eu-west-1:444455556666:rule/*",
    }
    assert [(entry["Principal"], entry["Action"], entry["Condition"]) for entry in allowed] == [
        (
            {"Service": service},
            "sns:Publish",
            {"ArnLike": {"aws:SourceArn": source}, "StringEquals": {"aws:SourceAccount": "444455556666"}},
        )
        for service, source in sources.items()
    ]


def test_somebody_hears_the_alarms_where_the_environment_names_one(template: Get, of_type: Of) -> None:
    [subscription] = of_type(template("prod", "shared"), "SNS::Subscription")
    assert subscription["Properties"]["Endpoint"] == "ml-oncall@example.com"
    assert of_type(template("dev", "shared"), "SNS::Subscription") == []


@pytest.mark.parametrize(("environment", "policy"), [("dev", "Delete"), ("prod", "RetainExceptOnCreate")])
def test_data_outlives_the_stack_only_where_it_is_kept(
    template: Get, of_type: Of, environment: str, policy: str
) -> None:
    shared = template(environment, "shared")
    kept = [*of_type(shared, "KMS::Key"), *of_type(shared, "S3::Bucket")]
    logs = of_type(template(environment, "digit-reader"), "Logs::LogGroup")
    assert {resource["DeletionPolicy"] for resource in [*kept, *logs]} == {policy}


def test_exports_carry_names_of_our_own_whether_used_or_not(template: Get) -> None:
    for environment in ("dev", "prod"):
        outputs = template(environment, "shared")["Outputs"]
        assert {output["Export"]["Name"] for output in outputs.values()} == {
            f"slipway-{environment}-shared-{name}" for name in ("AlarmTopicArn", "CaptureBucket", "KeyArn")
        }


def test_stacks_carry_tags_protection_and_their_order(assemblies: dict[str, tuple[Path, dict[str, Template]]]) -> None:
    import json

    for environment, protected in (("dev", False), ("prod", True)):
        out, _ = assemblies[environment]
        artifacts = json.loads((out / "manifest.json").read_text(encoding="utf-8"))["artifacts"]
        stacks = {name: entry for name, entry in artifacts.items() if entry["type"] == "aws:cloudformation:stack"}
        assert len(stacks) == len(list((Path(__file__).parents[2] / "endpoints").glob("*.yaml"))) + 2
        for name, entry in stacks.items():
            assert entry["properties"]["tags"] == {"environment": environment}
            assert entry["properties"].get("terminationProtection", False) is protected
            shared, build = f"slipway-{environment}-shared", f"slipway-{environment}-build"
            assert (shared in entry["dependencies"]) is (name not in (shared, build))
