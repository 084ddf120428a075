"""What SageMaker Neo is given of a model: the original once more, as ONNX was in 2020."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from model_build.child import Child
from model_build.endings import interruptible
from model_build.job import LOAD_TIMEOUT_SECONDS, Job, log_file
from model_build.machine import cores

if TYPE_CHECKING:
    from model_build.progress import Progress
    from slipway.specs import Project


def for_neo(project: Project, name: str, digest: str, progress: Progress) -> tuple[Path, dict[str, list[int]]]:
    """Write the archive that Neo is given, in a process of its own.

    Args:
        project: Where the model is.
        name: Which.
        digest: Of its artifact.
        progress: Hears what is done.

    Returns:
        The archive, and the shape of each input in the graph's order.

    Raises:
        GateError: If the model cannot be said in ONNX so old; with the operator.
        SlipwayError: As from ``build``.
    """
    from model_build.passes.compile_neo import ARCHIVE, INPUTS

    target = project.root / ".slipway" / "neo" / name / ARCHIVE
    with interruptible(), tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        job = Job(
            root=str(project.root),
            name=name,
            digest=digest,
            scratch=scratch,
            load_timeout_seconds=LOAD_TIMEOUT_SECONDS,
            neo=True,
        )
        child = Child(job, log_file(project, name, "neo"), threads=cores())
        try:
            made = Path(child.until("done", lambda step: progress.step(name, step)).text)
        finally:
            child.end()
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(made / ARCHIVE, target)
        return target, json.loads((made / INPUTS).read_bytes())
