"""What an optimization job is asked, in the words of CreateOptimizationJob."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final

from slipway.operations.cloud_orders import CloudOrder, Workplace

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from slipway.specs.optimize import Optimize

MEMBERS: Final = {
    "quantization": "ModelQuantizationConfig",
    "sharding": "ModelShardingConfig",
    "compilation": "ModelCompilationConfig",
}


@dataclass(frozen=True)
class Optimization(CloudOrder):
    """One artifact to optimise.

    Args:
        name: Of the model.
        digest: Of the artifact.
        asked: What is to become of its files.
        folder: Holds them.
    """

    resource: ClassVar[str] = "OptimizationJob"
    letter: ClassVar[str] = "o"
    doing: ClassVar[str] = "optimising in the cloud"
    done: ClassVar[str] = "optimised, unproved"

    asked: Optimize
    folder: Path

    @property
    def source(self) -> str:
        """What the keys of the artifact's files begin with."""
        return f"sources/{self.name}/{self.digest}/checkpoint/"

    def files(self) -> list[Path]:
        """Return the artifact's files."""
        return sorted(self.folder.iterdir())

    def request(self, place: Workplace, job: str) -> dict[str, Any]:
        """Return the parameters of CreateOptimizationJob."""
        technique, told = self.asked.technique
        config = {"OverrideEnvironment": told.variables} if told.variables else {}
        return {
            **self.common(place, job),
            "ModelSource": {"S3": {"S3Uri": place.uri(self.source)}},
            "DeploymentInstanceType": self.asked.instance_type,
            "OptimizationConfigs": [{MEMBERS[technique]: config}],
            "OutputConfig": {"KmsKeyId": place.key_arn, "S3OutputLocation": place.uri(self.output(job))},
        }

    def _facts(self, found: Mapping[str, Any]) -> dict[str, Any]:
        return {"image": found.get("OptimizationOutput", {}).get("RecommendedInferenceImage")}
