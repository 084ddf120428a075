from __future__ import annotations

import shutil
from pathlib import Path


def require_whole(copy: str, original: Path) -> None:
    """Copy a file into the cloud assembly once more where a synth that was killed left half of it.

    CDK takes a file that is there for the whole one. What it uploads is named by what went into the original, so half
    of it would lie under that name in S3, and no later deployment would look at it again.
    """
    file = Path(copy)
    if file.stat().st_size == original.stat().st_size:
        return
    part = file.with_name(f".{file.name}")
    shutil.copyfile(original, part)
    part.replace(file)
