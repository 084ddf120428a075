"""The full name of an image that AWS publishes, in the region that pulls it."""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import chain
from typing import TYPE_CHECKING, Literal

from slipway.catalog.images import HostingImage, hosting_images, image_accounts
from slipway.catalog.partitions import nearest_regions, partition_of

if TYPE_CHECKING:
    from collections.abc import Sequence

MOST_NAMED = 4


class NoImageError(LookupError):
    """AWS publishes no such image; its text says what was asked for and what there is."""


def image_uri(
    server: str,
    version: str,
    region: str,
    accelerator: Literal["cpu", "gpu", "neuron"] | None = None,
    architecture: Literal["x86_64", "arm64"] = "x86_64",
) -> str:
    """Return an image's name as ECR wants it, such as ``….dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.38.0-…``.

    Args:
        server: What answers in it, such as ``djl-lmi``, or its repository, such as ``djl-inference``.
        version: What its tag begins with, ``0.38.0`` or ``2.6.0-transformers5.5.3``; of several, the newest is taken.
        region: That pulls it.
        accelerator: What it is built for. Default: the only one that there is.
        architecture: Of the processor.

    Raises:
        NoImageError: If the catalogue has none, or several servers, or the region lacks it.
    """
    image = find_image(server, version, accelerator, architecture)
    accounts = image_accounts(image.repository, region)
    if not accounts or region in image.not_in:
        raise NoImageError(_elsewhere(image, region))
    return f"{min(accounts)}.dkr.ecr.{region}.{partition_of(region)[1]}/{image.repository}:{image.tag}"


def find_image(
    server: str,
    version: str,
    accelerator: Literal["cpu", "gpu", "neuron"] | None = None,
    architecture: Literal["x86_64", "arm64"] = "x86_64",
) -> HostingImage:
    """Return the one image of the catalogue that is asked for; arguments and errors as of `image_uri`."""
    of_server = _of_server(server)
    of_version = [image for image in of_server if _begins(image.tag, version)]
    if not of_version:
        newest = dict.fromkeys(image.tag for image in sorted(of_server, key=newness, reverse=True))
        raise NoImageError(f"{server} has no version '{version}': among its tags are {_listed([*newest])}")
    built = [
        image
        for image in of_version
        if image.architecture == architecture and accelerator in (None, image.accelerator or accelerator)
    ]
    if not built:
        others = dict.fromkeys(f"{image.architecture} {image.accelerator or 'any'}" for image in of_version)
        wanted = f"{architecture} {accelerator or 'any'}"
        raise NoImageError(f"{server} {version} is not built for {wanted}: it is built for {_listed([*others])}")
    exact = [image for image in built if image.tag == version]
    _refuse_several(server, version, exact or built)
    return max(exact or built, key=newness)


def newness(image: HostingImage) -> tuple[tuple[int, int, str], ...]:
    """Return what sorts tags as people count: 0.9 before 0.10."""
    parts = re.findall(r"\d+|[^\d.-]+", image.tag)
    return tuple((1, int(part), "") if part.isdecimal() else (0, 0, part) for part in parts)


def _elsewhere(image: HostingImage, region: str) -> str:
    kind = (image.server, image.accelerator, image.architecture)
    rows = hosting_images()[image.repository]
    here = [row for row in rows if (row.server, row.accelerator, row.architecture) == kind and region in row.regions]
    said = [f"'{image.repository}:{image.tag}' is not published in {region}"]
    if here:
        said.append(f"the newest there is {max(here, key=newness).tag}")
    if near := nearest_regions(region, image.regions):
        said.append(f"the nearest regions that have it: {', '.join(near)}")
    elif not here:
        said.append("no region of its partition has it")
    return f"{said[0]}: {'; '.join(said[1:])}"


def _of_server(server: str) -> Sequence[HostingImage]:
    images = hosting_images()
    found = images.get(server) or [image for image in chain(*images.values()) if image.server == server]
    if not found:
        known = {*images, *(image.server for image in chain(*images.values()))}
        near = get_close_matches(server, sorted(known), n=1)
        mend = f", did you mean '{near[0]}'?" if near else ": `slipway images` lists them"
        raise NoImageError(f"'{server}' is no server and no repository of AWS's hosting images{mend}")
    return found


def _begins(tag: str, version: str) -> bool:
    """Tell whether a tag begins with a version, and not with a longer number or word."""
    longer = r"\d" if version[-1:].isdecimal() else "[a-z]"
    return re.match(rf"{re.escape(version)}(?!{longer})", tag) is not None


def _refuse_several(server: str, version: str, images: Sequence[HostingImage]) -> None:
    if len(servers := {image.server for image in images}) > 1:
        raise NoImageError(f"{server} {version} holds several servers: name one of {_listed(sorted(servers))}")
    if len(repositories := {image.repository for image in images}) > 1:
        raise NoImageError(
            f"{server} {version} lies in several repositories: name one of {_listed(sorted(repositories))}"
        )
    if len(built_for := {str(image.accelerator) for image in images}) > 1:
        raise NoImageError(f"{server} {version} is built for {_listed(sorted(built_for))}: say which accelerator")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:MOST_NAMED]) + (" …" if len(words) > MOST_NAMED else "")
