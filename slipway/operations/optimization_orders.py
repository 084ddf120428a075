"""What an optimization job is asked, in the words of CreateOptimizationJob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from slipway.specs.request import jobs_prefix

if TYPE_CHECKING:
    from pathlib import Path

    from slipway.specs.optimize import Optimize

SETTINGS_LETTERS: Final = 12
MEMBERS: Final = {
    "quantization": "ModelQuantizationConfig",
    "sharding": "ModelShardingConfig",
    "compilation": "ModelCompilationConfig",
}


@dataclass(frozen=True)
class Workplace:
    """Where a build stack's optimization jobs work.

    Args:
        stack: Its name, which its jobs' names begin with.
        bucket: Holds what they read and write.
        key_arn: Encrypts it.
        role_arn: Of the jobs.
        subnets: That they run in; none where they run in SageMaker's own network.
        security_groups: Likewise.
    """

    stack: str
    bucket: str
    key_arn: str
    role_arn: str
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()


@dataclass(frozen=True)
class Optimization:
    """One artifact to optimise.

    Args:
        name: Of the model.
        digest: Of the artifact.
        folder: Holds the artifact's files.
        asked: What is to become of them.
    """

    name: str
    digest: str
    folder: Path
    asked: Optimize

    @property
    def settings(self) -> str:
        """Hash of all that is asked for."""
        return self.asked.settings(self.digest)

    @property
    def source(self) -> str:
        """What the keys of the files that the job is given begin with; they expire there."""
        return f"sources/{self.name}/{self.digest}/checkpoint/"

    def jobs(self, stack: str) -> str:
        """Return what the names of its jobs begin with; behind it stands which attempt it is."""
        return f"{jobs_prefix(stack)}o{self.settings[:SETTINGS_LETTERS]}-"

    def output(self, job: str) -> str:
        """Return what the keys of a job's files begin with: what one that failed left is not among the next one's."""
        return f"artifacts/{self.name}/{self.digest}/{job}/"

    def request(self, place: Workplace, job: str) -> dict[str, Any]:
        """Return the parameters of CreateOptimizationJob."""
        technique, told = self.asked.technique
        config = {"OverrideEnvironment": told.variables} if told.variables else {}
        network = {"SecurityGroupIds": [*place.security_groups], "Subnets": [*place.subnets]}
        return {
            "OptimizationJobName": job,
            "RoleArn": place.role_arn,
            "ModelSource": {"S3": {"S3Uri": f"s3://{place.bucket}/{self.source}"}},
            "DeploymentInstanceType": self.asked.instance_type,
            "OptimizationConfigs": [{MEMBERS[technique]: config}],
            "OutputConfig": {
                "KmsKeyId": place.key_arn,
                "S3OutputLocation": f"s3://{place.bucket}/{self.output(job)}",
            },
            "StoppingCondition": {"MaxRuntimeInSeconds": 60 * self.asked.max_runtime_minutes},
            "Tags": [
                {"Key": "slipway:model", "Value": self.name},
                {"Key": "slipway:digest", "Value": self.digest},
            ],
            **({"VpcConfig": network} if place.subnets else {}),
        }
