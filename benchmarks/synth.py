"""Time a synth of many endpoints against a bare app that writes the very same resources with L1s alone.

``python -m benchmarks.synth [--endpoints 50 100 200] [--rounds 5]``, after ``slipway build``. Both sides run in a
process of their own, once a round, in turns; each reads its input, defines its stacks and writes the cloud assembly,
without the validators, which cost both the same. The bare app gets the finished templates as data and defines every
resource as an L1, so that it spends nothing on reading specs, on decisions, or on uploads: it is the least that a CDK
app in Python can do. A ratio is the median over the rounds of ours / bare, with its 25th and 75th percentile.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import cycle, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
ENVIRONMENT = "dev"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--endpoints", type=int, nargs="+", default=[50, 100, 200])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--side", choices=["ours", "bare"], help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.side is not None:
        print({"ours": ours, "bare": bare}[given.side]())
        return
    print(f"{'endpoints':>9} {'resources':>9} {'ours s':>8} {'bare s':>8} {'ours / bare':>22} {'ms an endpoint':>15}")
    for count in given.endpoints:
        with tempfile.TemporaryDirectory() as scratch:
            compare(Path(scratch), count, given.rounds)


def compare(scratch: Path, count: int, rounds: int) -> None:
    """Print one line: this many endpoints, both sides in turns."""
    lay_out(scratch, count)
    timed("ours", scratch)
    templates = {path.name.split(".")[0]: json.loads(path.read_text()) for path in templates_of(scratch)}
    (scratch / "templates.json").write_text(json.dumps(templates))
    resources = sum(len(template["Resources"]) for template in templates.values())
    pairs = [(timed("ours", scratch), timed("bare", scratch)) for _ in range(rounds)]
    first, second = (statistics.median(side) for side in zip(*pairs, strict=True))
    low, middle, high = statistics.quantiles([mine / theirs for mine, theirs in pairs], n=4)
    spread = f"{middle:.2f} ({low:.2f} - {high:.2f})"
    print(f"{count:9} {resources:9} {first:8.2f} {second:8.2f} {spread:>22} {first / count * 1000:15.1f}", flush=True)


def lay_out(scratch: Path, count: int) -> None:
    """Make a project with the repository's own endpoints, again and again under other names."""
    for name in ("models", "artifacts"):
        (scratch / name).symlink_to(ROOT / name)
    shutil.copy(ROOT / "artifacts.lock", scratch)
    for name in ("endpoints", "environments"):
        (scratch / name).mkdir()
    place = {"account": "111122223333", "region": "eu-west-1"}
    (scratch / "environments" / f"{ENVIRONMENT}.yaml").write_text(json.dumps(place))
    examples = sorted((ROOT / "endpoints").glob("*.yaml"))
    for number, example in enumerate(islice(cycle(examples), count)):
        shutil.copy(example, scratch / "endpoints" / f"{example.stem}-{number}.yaml")


def timed(side: str, scratch: Path) -> float:
    """Run one side in a process of its own; seconds from before its first import of the CDK."""
    shutil.rmtree(scratch / "cdk.out", ignore_errors=True)
    environment = {**os.environ, "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20"}
    done = subprocess.run(  # noqa: S603  this very script
        [sys.executable, "-m", "benchmarks.synth", "--side", side],
        cwd=scratch,
        env={**environment, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return float(done.stdout.split()[-1])


def ours() -> float:
    """Do what app.py does."""
    start = time.monotonic()
    from aws_cdk import App  # its import is part of what is timed

    from slipway.specs import Project
    from stacks import define

    app = App(**settings())
    define(app, deployment=Project(Path.cwd()).deployment(ENVIRONMENT), source_root=ROOT)
    app.synth()
    return time.monotonic() - start


def bare() -> float:
    """Define the same resources one by one."""
    start = time.monotonic()
    from aws_cdk import App, CfnResource, Stack  # its import is part of what is timed

    app = App(**settings())
    for name, template in json.loads(Path("templates.json").read_text()).items():
        stack = Stack(app, name)
        for logical_id, resource in template["Resources"].items():
            CfnResource(stack, logical_id, type=resource["Type"], properties=resource.get("Properties"))
    app.synth()
    return time.monotonic() - start


def settings() -> dict[str, Any]:
    return {
        "analytics_reporting": False,
        "builtin_cloud_formation_validation": False,
        "context": json.loads((ROOT / "cdk.json").read_text())["context"],
        "outdir": "cdk.out",
    }


def templates_of(scratch: Path) -> Iterator[Path]:
    yield from sorted((scratch / "cdk.out").glob("*.template.json"))


if __name__ == "__main__":
    main()
