"""A deployment that fails is announced, in a sentence, on the environment's topic; one that goes well is not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from aws_cdk import App, DefaultStackSynthesizer, Environment, Stack

from sagemaker_hosting import SharedResources, Site
from sagemaker_hosting.endpoint_watch import EndpointWatch
from sagemaker_hosting.rollout_announcement import RolloutAnnouncement
from slipway.specs import EnvironmentSpec
from tests.local_cloud.conftest import eventually

if TYPE_CHECKING:
    from tests.local_cloud.conftest import Aws

pytestmark = pytest.mark.local_cloud

ACCOUNT: Final = "000000000000"
REGION: Final = "us-east-1"
TOPIC: Final = f"arn:aws:sns:{REGION}:{ACCOUNT}:rollouts"


def announcement(endpoint: str) -> str:
    app = App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    stack = Stack(app, "announced", env=Environment(account=ACCOUNT, region=REGION))
    site = Site(
        environment=EnvironmentSpec(account=ACCOUNT, region=REGION),
        shared=SharedResources(alarm_topic_arn=TOPIC, capture_bucket="capture", key_arn="key"),
        source_root=Path(),
        uploads=DefaultStackSynthesizer(),
    )
    watch = EndpointWatch(endpoint_name=endpoint, fleets={"main": "ml.c7i.xlarge"}, kind="realtime", site=site)
    RolloutAnnouncement(stack, "Announcement", watch=watch)
    made: dict[str, Any] = app.synth().get_stack_by_name("announced").template
    return json.dumps({"Resources": {k: v for k, v in made["Resources"].items() if v["Type"] == "AWS::Events::Rule"}})


def test_failed_deployment_is_announced_and_a_good_one_is_not(aws: Aws) -> None:
    sqs, sns = aws.client("sqs"), aws.client("sns")
    queue = sqs.create_queue(QueueName="rollouts")["QueueUrl"]
    sns.create_topic(Name="rollouts")
    sns.subscribe(TopicArn=TOPIC, Protocol="sqs", Endpoint=f"arn:aws:sqs:{REGION}:{ACCOUNT}:rollouts")
    aws.cloudformation.create_stack(StackName="announced", TemplateBody=announcement("it"))
    stacks = aws.cloudformation.describe_stacks
    eventually(lambda: stacks(StackName="announced")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE")
    heard: list[str] = []

    def listen() -> list[str]:
        found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        heard.extend(json.loads(message["Body"])["Message"] for message in found)
        return heard

    aws.model("good", 1)
    aws.model("broken", content=b"no archive")
    aws.config("first", {"ModelName": "good", "VariantName": "main"})
    aws.config("second", {"ModelName": "good", "VariantName": "main"})
    aws.config("third", {"ModelName": "broken", "VariantName": "main"})
    aws.endpoint("it", "first")
    aws.sagemaker.update_endpoint(EndpointName="it", EndpointConfigName="second")
    aws.settled("it")
    assert listen() == []
    aws.sagemaker.update_endpoint(EndpointName="it", EndpointConfigName="third")
    aws.settled("it")
    eventually(lambda: bool(listen()))
    assert "it: a deployment failed or was rolled back at " in heard[0]
    assert "The endpoint is IN_SERVICE with config second." in heard[0]
    assert "Runbook: docs/runbooks/rollback.md" in heard[0]
    aws.cloudformation.delete_stack(StackName="announced")
