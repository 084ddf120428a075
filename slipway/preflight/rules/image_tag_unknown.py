from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from slipway.catalog import hosting_images
from slipway.preflight.images import in_ecr
from slipway.preflight.rule import Rule, Severity, Violation
from slipway.specs.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

COMPLETE: Final = {
    *("djl-inference", "huggingface-pytorch-inference", "pytorch-inference", "pytorch-inference-graviton"),
    *("sagemaker-tritonserver", "sagemaker-xgboost", "tensorflow-inference", "tensorflow-inference-graviton"),
}
"""Repositories of which every version is in the tables."""


class ImageTagUnknown(Rule):
    """The tag of an image of AWS is one that AWS published."""

    id = "ImageTagUnknown"
    severity = Severity.WARNING
    consequence = "CreateModel is refused where the repository has no such tag."
    mend = "write a tag that the repository has"
    source = "sagemaker-core 2.27.0, image tables, 2026-11: AWS may have published others"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find versions between those that are known."""
        for container, image in in_ecr(template):
            if (
                image.published
                and image.tag is not None
                and image.repository in COMPLETE
                and _is_unknown(image.repository, image.tag)
            ):
                tags = [row.tag for row in hosting_images()[image.repository]]
                message = f"'{image.tag}' is not a known tag of '{image.repository}'{did_you_mean(image.tag, tags)}"
                yield Violation(container.resource, container.at("Image"), message)


def _is_unknown(repository: str, tag: str) -> bool:
    received = _version(repository, tag)
    known = {_version(repository, row.tag) for row in hosting_images()[repository]}
    if not _numbers(received) or _numbers(received) > max(_numbers(each) for each in known):
        return False  # newer than the tables
    return not any(each == received or _shortens(received, each) for each in known)


def _version(repository: str, tag: str) -> str:
    """Return what stands before the accelerator; LMI has many releases of one version, so of it the first word."""
    return tag.partition("-")[0] if repository == "djl-inference" else re.split(r"-(?:cpu|gpu|py3)", tag)[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(digits[:9]) for digits in re.findall(r"[0-9]+", version))


def _shortens(received: str, known: str) -> bool:
    """Tell whether each word is one of AWS's shorter tags, such as 2.6 for 2.6.0."""
    short, long = received.split("-"), known.split("-")
    return len(short) == len(long) and all(f"{a}.".startswith(f"{b}.") for a, b in zip(long, short, strict=True))
