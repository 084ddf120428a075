"""What the names of AWS's regions say of where they lie."""

from __future__ import annotations

from itertools import takewhile
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable

# aws-cdk-lib 2.275.0, region-info: partition and DNS suffix by the beginning of a region's name, 2026-11.
PARTITIONS: Final = {
    "cn-": ("aws-cn", "amazonaws.com.cn"),
    "us-gov-": ("aws-us-gov", "amazonaws.com"),
    "us-iso-": ("aws-iso", "c2s.ic.gov"),
    "us-isob-": ("aws-iso-b", "sc2s.sgov.gov"),
    "us-isof-": ("aws-iso-f", "csp.hci.ic.gov"),
    "eu-isoe-": ("aws-iso-e", "cloud.adc-e.uk"),
    "eusc-": ("aws-eusc", "amazonaws.eu"),
}


def partition_of(region: str) -> tuple[str, str]:
    """Return a region's partition and the end of its hosts' names: ``aws`` and ``amazonaws.com`` for most."""
    found = (ends for start, ends in PARTITIONS.items() if region.startswith(start))
    return next(found, ("aws", "amazonaws.com"))


def nearest_regions(region: str, among: Iterable[str], *, most: int = 3) -> list[str]:
    """Return regions of the same partition by how much of their names is alike: nothing crosses into another.

    Where some lie in the same part of the world, as ``eu-…`` does with ``eu-…``, the others are left out.
    """
    same = sorted(other for other in among if partition_of(other) == partition_of(region))
    near = [other for other in same if other.partition("-")[0] == region.partition("-")[0]]
    return sorted(near or same, key=lambda other: -_alike(region, other))[:most]


def _alike(one: str, other: str) -> int:
    return len([*takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False))])
