"""What is asked of the cloud, and where its parts lie in the build stack's bucket."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.catalog import processing_types
from slipway.specs.request import EXPECTED_FILE, jobs_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.specs.build import Build
    from slipway.specs.request import Expected

RUN_LETTERS: Final = 6
DIGEST_LETTERS: Final = 10
LOCK_FILE: Final = "artifacts.lock"


@dataclass(frozen=True)
class Order:
    """One model to build.

    Args:
        expected: What is to come of it.
        build: On what, and what to keep.
        files: Everything that it is built from, by its path in the project.
        lock: An ``artifacts.lock`` that says which recipe an earlier build of the same digest kept.
            Default: there was none.
    """

    expected: Expected
    build: Build
    files: Mapping[str, Path]
    lock: str | None = None

    @property
    def name(self) -> str:
        """Of the model."""
        return self.expected.name

    @property
    def sources(self) -> str:
        """What the keys of its sources begin with."""
        return f"sources/{self.name}/{self.expected.digest}/"

    @property
    def artifact(self) -> str:
        """What the keys of its artifact begin with."""
        return f"artifacts/{self.name}/{self.expected.digest}/"

    @property
    def unpacked(self) -> bool:
        """Whether its artifact stays in the bucket, as files."""
        return self.build.keep == "files"

    @property
    def texts(self) -> dict[str, str]:
        """What lies beside its sources, by path."""
        lock = {} if self.lock is None else {LOCK_FILE: self.lock}
        return {**lock, EXPECTED_FILE: self.expected.model_dump_json()}

    def job(self, stack: str, run: str) -> dict[str, Any]:
        """Return its part of the workflow's input.

        Args:
            stack: Name of the build stack, which its jobs' names begin with.
            run: A few letters that no other build has.
        """
        assert self.build.instance_type is not None  # noqa: S101  refused by the spec otherwise
        return {
            "model": self.name,
            "digest": self.expected.digest,
            "job": job_name(stack, self.expected.digest, run),
            "instance_type": self.build.instance_type,
            "own_disk": bool(processing_types()[self.build.instance_type].nvme),
            "volume_gib": self.build.volume_gib,
            "max_runtime_seconds": 60 * self.build.max_runtime_minutes,
            "network_isolation": self.build.network_isolation,
            "unpacked": self.unpacked,
        }


def job_name(stack: str, digest: str, run: str) -> str:
    """Return what the names of a model's jobs begin with, in one build."""
    return f"{jobs_prefix(stack)}{digest[:DIGEST_LETTERS]}-{run}"
