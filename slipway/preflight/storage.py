"""The buckets, topics and keys that serve hosting."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

from slipway.preflight.globs import S3
from slipway.preflight.roles import BUCKET, TOPIC, plain
from slipway.preflight.template import CONFIG, MODEL, containers
from slipway.preflight.values import LINK

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template

KEY: Final = "AWS::KMS::Key"
ALIAS: Final = "AWS::KMS::Alias"
CAPTURE: Final = ("DataCaptureConfig", "DestinationS3Uri")
OUTPUT: Final = ("AsyncInferenceConfig", "OutputConfig")
RESULTS: Final = ((*OUTPUT, "S3OutputPath"), (*OUTPUT, "S3FailurePath"))
TOPICS: Final = tuple((*OUTPUT, "NotificationConfig", key) for key in ("SuccessTopic", "ErrorTopic"))
ENCRYPTION: Final = ("BucketEncryption", "ServerSideEncryptionConfiguration")
KEYS: Final = (("KmsKeyId",), ("DataCaptureConfig", "KmsKeyId"), (*OUTPUT, "KmsKeyId"))


def archives(model: Resource) -> Iterator[tuple[Path, Any, bool]]:
    """Yield where a model's data lies: the property, the URI, and whether all below it is read."""
    for path, container in containers(model):
        yield (*path, "ModelDataUrl"), container.get("ModelDataUrl"), container.get("Mode") == "MultiModel"
        source = container.get("ModelDataSource")
        source = source.get("S3DataSource") if isinstance(source, dict) else None
        if isinstance(source, dict):
            place = (*path, "ModelDataSource", "S3DataSource", "S3Uri")
            yield place, source.get("S3Uri"), source.get("S3DataType") == "S3Prefix"


def in_s3(template: Template, uri: Any, *, below: bool) -> tuple[str, Resource | None] | None:
    """Return the ARN of what an S3 URI names, and its bucket if the template holds it; None for what is not known.

    Args:
        template: As given to rules.
        uri: Resolved.
        below: Whether all below it is meant.
    """
    name = plain(template, uri)
    if not isinstance(name, str) or not name.startswith("s3://") or name.startswith("s3://*"):
        return None
    name = name.removeprefix("s3://")
    bucket = template.named(BUCKET, name.partition("/")[0], key="BucketName")
    return S3 + (f"{name.rstrip('/')}/*" if below else name), bucket


@lru_cache(maxsize=1)
def hosting_buckets(template: Template) -> tuple[Resource, ...]:
    """Return the buckets of models, captured requests and asynchronous results that the template holds."""
    places = [in_s3(template, uri, below=False) for model in template.of_kind(MODEL) for _, uri, _ in archives(model)]
    configs = template.of_kind(CONFIG)
    places += [in_s3(template, config.at(*path), below=False) for config in configs for path in (CAPTURE, *RESULTS)]
    found = {place[1].logical_id: place[1] for place in places if place is not None and place[1] is not None}
    return tuple(found.values())


def hosting_topics(template: Template) -> list[Resource]:
    """Return the topics that the template holds and that asynchronous results are told to."""
    named = [topic_of(template, config.at(*path)) for config in template.of_kind(CONFIG) for path in TOPICS]
    return list({topic.logical_id: topic for topic in named if topic is not None}.values())


def topic_of(template: Template, name: Any) -> Resource | None:
    """Return the topic that a value names, if the template holds it."""
    return template.named(TOPIC, plain(template, name), key="TopicName")


def key_of(template: Template, name: Any) -> Resource | None:
    """Return the key that a value names, also by an alias, if the template holds it."""
    alias = template.named(ALIAS, name, key="AliasName")
    value = name if alias is None else alias.at("TargetKeyId")
    return template.named(KEY, value, key="KeyId")


def bucket_key(bucket: Resource) -> Any:
    """Return what names the key that a bucket encrypts with; None where S3's own does."""
    default = bucket.at(*ENCRYPTION, 0, "ServerSideEncryptionByDefault")
    return default.get("KMSMasterKeyID") if isinstance(default, dict) else None


def hosting_keys(template: Template) -> list[Resource]:
    """Return the keys that the template holds and that hosting encrypts with."""
    named = [config.at(*path) for config in template.of_kind(CONFIG) for path in KEYS]
    named += [bucket_key(bucket) for bucket in hosting_buckets(template)]
    named += [topic.at("KmsMasterKeyId") for topic in hosting_topics(template)]
    held = [key_of(template, name) for name in named if isinstance(name, str) and LINK.search(name)]
    return list({key.logical_id: key for key in held if key is not None}.values())
