from __future__ import annotations

from typing import TYPE_CHECKING

from slipway.preflight.rule import Rule, Severity, Violation
from slipway.preflight.storage import hosting_topics

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template


class TopicNotEncrypted(Rule):
    """Topics that asynchronous results are told to are encrypted."""

    id = "TopicNotEncrypted"
    severity = Severity.WARNING
    consequence = "Where answers lie, and why requests failed, waits on disks in the clear."
    mend = "set KmsMasterKeyId to a key whose policy lets the execution role use it"
    source = "Security Hub SNS.1, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find topics without a key."""
        for topic in hosting_topics(template):
            if topic.at("KmsMasterKeyId") is None:
                yield Violation(topic, ("KmsMasterKeyId",), "no key is given")
