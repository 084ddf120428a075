"""The container images that AWS publishes for hosting."""

from __future__ import annotations

import datetime as dt
import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal


@dataclass(frozen=True)
class HostingImage:
    """One image, from ``images.json`` (which names its sources).

    Args:
        repository: Its name in ECR, such as ``djl-inference``.
        tag: What its tags begin with: AWS appends the system, CUDA and a release to some.
        server: What answers in it, in sagemaker-core's words: ``djl-lmi``, ``huggingface-llm``, ``pytorch``.
        accelerator: What it is built for; None where it does without or takes what there is.
        architecture: Of the processor.
        not_in: Regions that have the repository and not this image.
    """

    repository: str
    tag: str
    server: str
    accelerator: Literal["cpu", "gpu", "neuron"] | None = None
    architecture: Literal["x86_64", "arm64"] = "x86_64"
    not_in: tuple[str, ...] = ()

    @property
    def python(self) -> str | None:
        """Its Python, such as ``3.12``; None where the tag does not say."""
        match = re.search(r"(?:^|-)py(\d)(\d+)(?:-|$)", self.tag)
        return None if match is None else f"{match[1]}.{match[2]}"

    @property
    def cuda(self) -> str | None:
        """Its CUDA, such as ``12.4``; None where the tag does not say."""
        match = re.search(r"(?:^|-)cu(\d{2})(\d)(?:-|$)", self.tag)
        return None if match is None else f"{match[1]}.{match[2]}"

    @property
    def regions(self) -> frozenset[str]:
        """Where it is published, as far as the catalogue knows."""
        return frozenset(_accounts(self.repository).keys() - set(self.not_in))


def image_accounts(repository: str, region: str) -> frozenset[str] | None:
    """Return the accounts that AWS publishes a hosting repository from in a region.

    Returns:
        None for a repository that the catalogue does not have, nothing where it is not published.
    """
    if repository not in _content()["repositories"]:
        return None
    return frozenset(_accounts(repository).get(region, ()))


@cache
def hosting_images() -> dict[str, tuple[HostingImage, ...]]:
    """Every hosting image by repository."""
    return {
        name: tuple(HostingImage(name, **{**row, "not_in": tuple(row.get("not_in", ()))}) for row in found["images"])
        for name, found in _content()["repositories"].items()
    }


@cache
def image_repositories() -> frozenset[str]:
    """The name of every repository of AWS, those for training and processing too."""
    return frozenset({*_content()["repositories"], *_content()["others"]})


@cache
def publishers() -> frozenset[str]:
    """Every account that AWS publishes hosting images from."""
    return frozenset(
        account for group in _content()["accounts"].values() for accounts in group.values() for account in accounts
    )


@cache
def publishing_regions() -> frozenset[str]:
    """Every region that AWS publishes a hosting image to."""
    return frozenset(region for group in _content()["accounts"].values() for region in group)


def end_of_life(repository: str, tag: str) -> dt.date | None:
    """Return the day on which an image gets its last patch; None where AWS names none."""
    for end in _content()["ends"]:
        begins: str = end["begins"]
        if end["repository"] == repository and (
            not begins or tag == begins or tag.startswith((f"{begins}.", f"{begins}-"))
        ):
            return dt.date.fromisoformat(end["date"])
    return None


def images_taken() -> dt.date:
    """Return the day on which the catalogue was last looked at, which is as late as it can tell what has ended."""
    return dt.date.fromisoformat(_content()["taken"])


def _accounts(repository: str) -> dict[str, list[str]]:
    accounts: dict[str, list[str]] = _content()["accounts"][_content()["repositories"][repository]["accounts"]]
    return accounts


@cache
def _content() -> dict[str, Any]:
    content: dict[str, Any] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return content
