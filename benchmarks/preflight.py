"""Time every rule over large templates, and the whole of preflight beside cfn-lint.

``python -m benchmarks.preflight [--resources 500] [--rounds 7]``. Each good template of the tests is laid out again and
again under other names until it has so many resources. Both tools get the template as a file, in one process that has
loaded them before, in turns; a ratio is the median over the rounds of cfn-lint / ours, with its 25th and 75th
percentile. Last, the slowest rules, each alone over the template on which it takes longest.
"""

from __future__ import annotations

import argparse
import json
import re
import statistics
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cfnlint import ManualArgs
from cfnlint import lint as cfn_lint

from slipway.preflight import Template, check, read_template, rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.preflight import Rule, Violation

ROOT = Path(__file__).resolve().parents[1]
REGION = "eu-west-1"
SLOWEST = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--resources", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    templates = {path.stem: laid_out(read_template(path), given.resources) for path in good()}
    print(f"{len(rules())} rules, {given.resources} resources")
    print(f"{'template':32} {'ours ms':>9} {'cfn-lint ms':>12} {'cfn-lint / ours':>22}")
    for name, template in templates.items():
        compare(name, template, given.rounds)
    print_slowest(templates, given.rounds)


def good() -> list[Path]:
    return sorted((ROOT / "tests" / "preflight" / "good").glob("*.yaml"))


def laid_out(template: dict[str, Any], count: int) -> dict[str, Any]:
    """Repeat the resources of a template until there are so many, each time under other ids and given names."""
    resources = template["Resources"]
    given = [
        value
        for resource in resources.values()
        for key, value in resource.get("Properties", {}).items()
        if key.endswith("Name") and isinstance(value, str)
    ]
    names = "|".join(sorted(map(re.escape, {*resources, *given}), key=len, reverse=True))
    pattern = re.compile(rf"(?<![\w:-])({names})(?![\w:-])")
    repeated = {
        f"{logical_id}{number}": {**renamed(resource, pattern, number), "Type": resource["Type"]}
        for number in range(-(-count // len(resources)))
        for logical_id, resource in resources.items()
    }
    return {**template, "Resources": repeated}


def renamed(value: Any, pattern: re.Pattern[str], number: int) -> Any:
    """Put a number behind every name inside of a value."""
    if isinstance(value, dict):
        return {key: renamed(inner, pattern, number) for key, inner in value.items()}
    if isinstance(value, list):
        return [renamed(item, pattern, number) for item in value]
    return pattern.sub(rf"\g<1>{number}", value) if isinstance(value, str) else value


def compare(name: str, template: dict[str, Any], rounds: int) -> None:
    """Print one line: this template, both tools in turns."""
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "template.json"
        file.write_text(json.dumps(template), encoding="utf-8")

        def ours() -> None:
            check(read_template(file), region=REGION)

        def theirs() -> None:
            cfn_lint(file.read_text(encoding="utf-8"), config=ManualArgs(regions=[REGION]))

        timed(ours)
        timed(theirs)
        pairs = [(timed(ours), timed(theirs)) for _ in range(rounds)]
    mine, other = (statistics.median(side) * 1000 for side in zip(*pairs, strict=True))
    low, middle, high = statistics.quantiles([theirs / ours for ours, theirs in pairs], n=4)
    spread = f"{middle:.0f} ({low:.0f} - {high:.0f})"
    print(f"{name:32} {mine:9.1f} {other:12.1f} {spread:>22}", flush=True)


def print_slowest(templates: dict[str, dict[str, Any]], rounds: int) -> None:
    """Print the rules that take longest, and what it takes to resolve a template before any of them."""
    resolved = {name: Template(template, region=REGION) for name, template in templates.items()}
    reading = max((median_of(partial(Template, template), rounds), name) for name, template in templates.items())
    print(f"\n{'resolving':32} {reading[0] * 1000:9.2f} ms on {reading[1]}")
    worst = [
        max((median_of(partial(applied, rule, template), rounds), name) for name, template in resolved.items())
        for rule in rules()
    ]
    ordered = sorted(zip(worst, rules(), strict=True), key=lambda each: each[0], reverse=True)
    for (seconds, name), rule in ordered[:SLOWEST]:
        print(f"{rule.id:32} {seconds * 1000:9.2f} ms on {name}")


def applied(rule: Rule, template: Template) -> list[Violation]:
    return list(rule.violations(template))


def median_of(call: Callable[[], object], rounds: int) -> float:
    return statistics.median(timed(call) for _ in range(rounds))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
