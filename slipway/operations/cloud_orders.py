"""One job that SageMaker is to do over a built model, in the words that its operations have in common."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from slipway.specs.location import Location
from slipway.specs.optimized import Optimized
from slipway.specs.request import jobs_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.specs.cloud_job import CloudJob

SETTINGS_LETTERS: Final = 12


@dataclass(frozen=True)
class Workplace:
    """Where a build stack's jobs work.

    Args:
        stack: Its name, which its jobs' names begin with.
        bucket: Holds what they read and write.
        key_arn: Encrypts it.
        role_arn: Of the jobs.
        account: Whose the bucket is.
        region: Where it is.
        subnets: That they run in; none where they run in SageMaker's own network.
        security_groups: Likewise.
    """

    stack: str
    bucket: str
    key_arn: str
    role_arn: str
    account: str
    region: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()

    def uri(self, key: str) -> str:
        """Return where a key lies."""
        return f"s3://{self.bucket}/{key}"


@dataclass(frozen=True)
class CloudOrder(ABC):
    """One job to ask for.

    Args:
        name: Of the model.
        digest: Of its artifact.
        asked: What the spec says.
    """

    resource: ClassVar[str]
    """What SageMaker calls such a job: its operations and answers are named so."""
    letter: ClassVar[str]
    """Tells its jobs from the build stack's others."""
    doing: ClassVar[str]
    """What is told while it runs."""
    done: ClassVar[str]
    """What is told when it has ended well."""

    name: str
    digest: str
    asked: CloudJob

    @property
    def operation(self) -> str:
        """What boto3's methods end in."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", self.resource).lower()

    @property
    def settings(self) -> str:
        """Hash of all that is asked for."""
        return self.asked.settings(self.digest)

    def jobs(self, stack: str) -> str:
        """Return what the names of its jobs begin with; behind it stands which attempt it is."""
        return f"{jobs_prefix(stack)}{self.letter}{self.settings[:SETTINGS_LETTERS]}-"

    def output(self, job: str) -> str:
        """Return what the keys of a job's files begin with: what one that failed left is not among the next one's."""
        return f"artifacts/{self.name}/{self.digest}/{job}/"

    @property
    @abstractmethod
    def source(self) -> str:
        """What the keys of the files that the job is given begin with; they expire there."""

    @abstractmethod
    def files(self) -> list[Path]:
        """Return what the job is given."""

    @abstractmethod
    def request(self, place: Workplace, job: str) -> dict[str, Any]:
        """Return the parameters of the operation that begins it."""

    def made(self, place: Workplace, job: str, files: Mapping[str, int], found: Mapping[str, Any]) -> Optimized | None:
        """Return what a job made that ended well; None where it left nothing.

        Args:
            place: Where it worked.
            job: Its name.
            files: What it left, with sizes.
            found: What SageMaker tells of it.
        """
        if not files:
            return None
        # That files lie right under S3OutputLocation is how SageMaker's own SDK reads them; not seen on AWS.
        uri = place.uri(self.output(job))
        location = Location(account=place.account, key_arn=place.key_arn, region=place.region, uri=uri)
        size, facts = sum(files.values()), self._facts(found)
        return Optimized(job=job, settings=self.settings, location=location, size_bytes=size, **facts)

    @abstractmethod
    def _facts(self, found: Mapping[str, Any]) -> dict[str, Any]:
        """Return what else the lock should say."""

    def common(self, place: Workplace, job: str) -> dict[str, Any]:
        """Return the parameters that every kind has."""
        network = {"SecurityGroupIds": [*place.security_groups], "Subnets": [*place.subnets]}
        return {
            f"{self.resource}Name": job,
            "RoleArn": place.role_arn,
            "StoppingCondition": {"MaxRuntimeInSeconds": 60 * self.asked.max_runtime_minutes},
            "Tags": [
                {"Key": "slipway:model", "Value": self.name},
                {"Key": "slipway:digest", "Value": self.digest},
            ],
            **({"VpcConfig": network} if place.subnets else {}),
        }
