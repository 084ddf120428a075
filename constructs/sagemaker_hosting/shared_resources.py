from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SharedResources:
    """What all endpoints of one environment use together.

    Args:
        key_arn: Of the key that encrypts volumes, captured data, notifications and logs.
        capture_bucket: Name of the bucket that holds captured requests and answers, a folder for each endpoint.
        alarm_topic_arn: Of the topic that hears every alarm.
    """

    key_arn: str
    capture_bucket: str
    alarm_topic_arn: str
