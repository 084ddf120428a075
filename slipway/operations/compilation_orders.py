"""What SageMaker Neo is asked, in the words of CreateCompilationJob. Legacy, as Neo is."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from slipway.operations.cloud_orders import SETTINGS_LETTERS, CloudOrder, Workplace

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.specs.neo import Neo


@dataclass(frozen=True)
class Compilation(CloudOrder):
    """One model to compile.

    Args:
        name: Of the model.
        digest: Of its artifact.
        asked: The device and the shape.
        write: Returns the archive that Neo is given and each input's shape, in the graph's order; it takes a while, and
            is asked only where a job is begun.
    """

    resource: ClassVar[str] = "CompilationJob"
    letter: ClassVar[str] = "n"
    doing: ClassVar[str] = "compiling in the cloud"
    done: ClassVar[str] = "compiled by Neo, unproved"

    asked: Neo
    write: Callable[[], tuple[Path, dict[str, list[int]]]]

    @cached_property
    def given(self) -> tuple[Path, dict[str, list[int]]]:
        """What is written for Neo."""
        return self.write()

    @property
    def source(self) -> str:
        """What the key of the archive begins with; another shape is another archive."""
        return f"sources/{self.name}/{self.digest}/neo-{self.settings[:SETTINGS_LETTERS]}/"

    def files(self) -> list[Path]:
        """Return the archive."""
        return [self.given[0]]

    def request(self, place: Workplace, job: str) -> dict[str, Any]:
        """Return the parameters of CreateCompilationJob."""
        archive, shapes = self.given
        return {
            **self.common(place, job),
            "InputConfig": {
                "DataInputConfig": json.dumps(shapes),
                "Framework": "ONNX",
                "S3Uri": place.uri(self.source + archive.name),
            },
            "OutputConfig": {
                "KmsKeyId": place.key_arn,
                "S3OutputLocation": place.uri(self.output(job)),
                "TargetDevice": self.asked.device,
            },
        }

    def _facts(self, found: Mapping[str, Any]) -> dict[str, Any]:
        archive = Path(found["ModelArtifacts"]["S3ModelArtifacts"]).name
        return {"archive": archive, "device": self.asked.device, "image": found.get("InferenceImage")}
