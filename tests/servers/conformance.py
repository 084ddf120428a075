"""The whole suite against every server that runs here, and the page that says what came of it.

python -m tests.servers.conformance FOLDER [SERVER …]    runs, and keeps each server's report in FOLDER
python -m tests.servers.conformance FOLDER --page        writes docs/measurements from what FOLDER has
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from slipway.operations.conform import checks
from tests.servers.environments import PROJECT
from tests.servers.subjects import SUBJECTS

SLIPWAY = Path(sys.executable).with_name("slipway")
PAGE = PROJECT / "docs" / "measurements" / "2026-11-21-conform.md"
WORDS = {"passed": "yes", "departs": "**departs**", "failed": "**fails**", "not run": "-"}


def reported(server: str, folder: Path, *more: str) -> tuple[int, dict[str, Any]]:
    """Lay a server out, run ``slipway conform`` against it, and return its exit code and its report."""
    words = [str(SLIPWAY), *SUBJECTS[server](folder).asked(), *more, "--format", "json"]
    done = subprocess.run(words, cwd=PROJECT, stdout=subprocess.PIPE, check=False)
    return done.returncode, json.loads(done.stdout)


def main() -> None:
    kept, names = Path(sys.argv[1]), sys.argv[2:]
    if names == ["--page"]:
        files = {name: kept / f"{name}.json" for name in SUBJECTS}
        PAGE.write_text(page({name: json.loads(file.read_bytes()) for name, file in files.items() if file.is_file()}))
        return
    kept.mkdir(parents=True, exist_ok=True)
    for name in names or SUBJECTS:
        began, at = time.monotonic(), time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
        with tempfile.TemporaryDirectory(prefix="conform-") as folder:
            _, report = reported(name, Path(folder))
        whole = {**report, "seconds": round(time.monotonic() - began), "at": at}
        (kept / f"{name}.json").write_text(json.dumps(whole))
        failed = [one["check"] for one in report["checks"] if one["outcome"] == "failed"]
        sys.stderr.write(f"{name}: {report['passed']} passed, {report['departs']} depart, failed: {failed}\n")


def page(reports: dict[str, dict[str, Any]]) -> str:
    """Return which server passes what, and why where it departs."""
    outcomes = {name: {one["check"]: one for one in report["checks"]} for name, report in reports.items()}
    rows = [
        f"| {check.id} | {' | '.join(WORDS[found[check.id]['outcome']] for found in outcomes.values())} |"
        for check in checks()
    ]
    return TEXT.format(
        rows="\n".join([f"| check | {' | '.join(reports)} |", f"|---|{'---|' * len(reports)}", *rows]),
        told="\n".join(_told(name, one) for name, found in outcomes.items() for one in found.values() if _tells(one)),
        runs="\n".join(_ran(name, report) for name, report in reports.items()),
        missing=", ".join(f"`{name}`" for name in SUBJECTS if name not in reports) or "none",
        machine=f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
    )


def _tells(one: dict[str, Any]) -> bool:
    return one["outcome"] in {"departs", "failed"}


def _told(name: str, one: dict[str, Any]) -> str:
    why = f"; {one['why']}" if one["why"] else ""
    return f"- **{name}, {one['check']}** {WORDS[one['outcome']].strip('*')}: {one['saw']}{why}"


def _ran(name: str, report: dict[str, Any]) -> str:
    counts = " | ".join(str(report[word]) for word in ("passed", "departs", "failed", "not_run"))
    return f"| {name} | {report['at']} | {report['seconds']} s | {counts} |"


TEXT = """# Every server through the whole suite of `slipway conform`

```console
$ python -m tests.servers.conformance /tmp/reports
$ python -m tests.servers.conformance /tmp/reports --page
```

On {machine}, shared with other work, so that seconds say nothing. `yes`: passed.
**departs**: it does otherwise by its nature, which [the reference](../reference/conform.md) explains. `-`: not run,
because the server does not stream, or serves one model here.

{rows}

## What departs or fails, and what was seen

{told}

## The runs

| server | run at | took | passed | departs | failed | not run |
|---|---|---|---|---|---|---|
{runs}

- `onnxruntime` is our own server, with the 8-bit sentence embedder. `torchserve` is TorchServe 0.12 and `huggingface`
  multi-model-server 1.1.11, each with SageMaker's toolkit and one worker, on the same artifact.
- `triton` is tritonserver 2.51 in SageMaker mode with the ensemble of the sentence embedder; its ONNX backend is ours.
- `…-multi-model` is the same server, told to load two models and asked for each by name. Whether an answer is right is
  asked of one model alone.
- `lmi`, `djl-mpi` and `djl-deepspeed` are the clean-room host and **not DJL Serving**: the first with transformers in
  vLLM's place, the others with the real handlers on two ranks. Codes, stopping and callers who leave are the host's.
- Not run to the end for this page: {missing}.
- The right answers are the original's: of the embedder by `--model`, of the language models by transformers on one
  rank, without our handlers.
"""


if __name__ == "__main__":
    main()
