from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.alarming import ALARM, COMPOSITE, actions, linked
from slipway.preflight.policies import admits, allowing
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Resource, Template

CLOUDWATCH: Final = "cloudwatch.amazonaws.com"
TOPIC: Final = "AWS::SNS::Topic"
PUBLISH: Final = "sns:publish"
USE_KEY: Final = "kms:generatedatakey"


class TopicShutsOutAlarms(Rule):
    """CloudWatch may publish to the topics that alarms call: by their policy and with their key."""

    id = "TopicShutsOutAlarms"
    severity = Severity.ERROR
    consequence = "The alarm fires and its action fails: CloudWatch may not publish, or not use the topic's key."
    mend = "encrypt with a key of your own, and let cloudwatch.amazonaws.com use it and publish to the topic"
    source = "AWS re:Post knowledge center, CloudWatch alarms and SNS topics that are encrypted, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find keys and policies that leave CloudWatch out."""
        called = {linked(action) for alarm in template.of_kind(ALARM, COMPOSITE) for action in actions(alarm)}
        for topic in template.of_kind(TOPIC):
            if topic.logical_id in called:
                yield from _by_key(template, topic)
        for policy in template.of_kind("AWS::SNS::TopicPolicy"):
            listed = policy.at("Topics")
            topics = {linked(topic) for topic in listed} if isinstance(listed, list) else set()
            if topics & called - {None} and _leaves_out(policy.at("PolicyDocument"), PUBLISH):
                yield Violation(policy, ("PolicyDocument",), f"no statement lets {CLOUDWATCH} publish")


def _by_key(template: Template, topic: Resource) -> Iterator[Violation]:
    given = topic.at("KmsMasterKeyId")
    if isinstance(given, str) and given.endswith("alias/aws/sns"):
        message = f"'{given}' is a key of AWS, whose policy lets no CloudWatch use it"
        yield Violation(topic, ("KmsMasterKeyId",), message)
    key = template.resources.get(linked(given) or "")
    if key is None or key.kind != "AWS::KMS::Key":
        return
    if key.at("KeyPolicy") is not None and _leaves_out(key.at("KeyPolicy"), USE_KEY):
        message = f"the policy of '{key.logical_id}' does not let {CLOUDWATCH} use it"
        yield Violation(topic, ("KmsMasterKeyId",), message)


def _leaves_out(document: Any, action: str) -> bool:
    """Return whether it is certain that no statement lets CloudWatch do something."""
    return admits(allowing(document, action), CLOUDWATCH, accounts=action == PUBLISH) is False
