from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import aws_iam as iam
from aws_cdk import aws_sns as sns
from constructs import Construct

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aws_cdk import aws_kms as kms


class ResultTopics(Construct):
    """Define the encrypted topics that announce the answers of an asynchronous endpoint.

    Args:
        key: Encrypts announcements.
        notify: Which of ``success`` and ``error`` is announced.
        publisher: The role that publishes; SageMaker takes it to do so.
    """

    def __init__(
        self, scope: Construct, construct_id: str, *, key: kms.IKey, notify: Sequence[str], publisher: iam.Role
    ) -> None:
        super().__init__(scope, construct_id)
        self.arns = {outcome: self._topic(outcome, key, publisher) for outcome in notify}

    def _topic(self, outcome: str, key: kms.IKey, publisher: iam.Role) -> str:
        topic = sns.Topic(self, outcome.capitalize(), enforce_ssl=True, master_key=key)
        publisher.add_to_policy(iam.PolicyStatement(actions=["sns:Publish"], resources=[topic.topic_arn]))
        return topic.topic_arn
