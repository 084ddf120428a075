"""The tools, each run in its most economical way: as few processes as it allows, over many files."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from abc import ABC, abstractmethod
from collections import defaultdict
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from benchmarks.preflight_comparison.corpus import Case

CHECKOV: Final = "3.3.30"
CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "slipway" / f"checkov-{CHECKOV}"


@dataclass(frozen=True)
class Remark:
    """Something a tool says of a template; equal where it says the same of another."""

    rule: str
    place: str
    message: str
    error: bool


Remarks = dict[str, set[Remark]]


class ToolError(Exception):
    """A tool could not be run."""


class Tool(ABC):
    """One checker of templates."""

    name: ClassVar[str]
    how: ClassVar[str]
    """How it is run, in words."""

    @abstractmethod
    def version(self) -> str:
        """Return its version."""

    @abstractmethod
    def run(self, corpus: list[Case], paths: dict[str, Path], scratch: Path) -> Remarks:
        """Return what it says of each case, by the case's name."""


class Slipway(Tool):
    """Ours."""

    name = "slipway check"
    how = "one process a region, over all its files"

    def version(self) -> str:
        """Return the version of the package."""
        return version("slipway")

    def run(self, corpus: list[Case], paths: dict[str, Path], scratch: Path) -> Remarks:
        """Run the command line, as users do."""
        del scratch
        said: Remarks = defaultdict(set)
        for region, cases in _by_region(corpus).items():
            files = [word for case in cases for word in ("--template", str(paths[case.name]))]
            text = _output([_beside("slipway"), "check", *files, "--region", region, "--format", "json"], ok=(0, 1))
            for found in json.loads(text)["findings"]:
                if found["acknowledged"] is None:
                    error = found["severity"] == "error"
                    remark = Remark(found["rule"], f"{found['resource']}.{found['path']}", found["message"], error)
                    said[Path(found["file"]).stem].add(remark)
        return said


class CfnLint(Tool):
    """AWS's linter."""

    name = "cfn-lint"
    how = "one process a region, over all its files, default rules"

    def version(self) -> str:
        """Return the pinned version."""
        return version("cfn-lint")

    def run(self, corpus: list[Case], paths: dict[str, Path], scratch: Path) -> Remarks:
        """Run its command line; errors have rules that begin with E."""
        del scratch
        said: Remarks = defaultdict(set)
        for region, cases in _by_region(corpus).items():
            files = [str(paths[case.name]) for case in cases]
            done = [_beside("cfn-lint"), "--format", "json", "--regions", region, "--", *files]
            for found in json.loads(_output(done, ok=(0, 2, 4, 6, 8, 10, 12, 14)) or "[]"):
                place = ".".join(map(str, found["Location"].get("Path") or []))
                remark = Remark(found["Rule"]["Id"], place, found["Message"], found["Level"] == "Error")
                said[Path(found["Filename"]).stem].add(remark)
        return said


class Checkov(Tool):
    """Prisma's scanner, in an environment of its own."""

    name = "checkov"
    how = "one process over the folder, frameworks cloudformation and secrets; it knows no severities"

    def version(self) -> str:
        """Return the pinned version, installing it once."""
        if not (CACHE / "bin" / "checkov").exists():
            CACHE.parent.mkdir(parents=True, exist_ok=True)
            _output([sys.executable, "-m", "venv", "--clear", str(CACHE)])
            _output([str(CACHE / "bin" / "pip"), "install", "--quiet", "--retries", "1", f"checkov=={CHECKOV}"])
        return CHECKOV

    def run(self, corpus: list[Case], paths: dict[str, Path], scratch: Path) -> Remarks:
        """Run its command line; every failed check counts."""
        del corpus
        folder = str(next(iter(paths.values())).parents[1])
        words = ["-d", folder, "--framework", "cloudformation", "secrets", "-o", "json", "--compact"]
        text = _output(
            [str(CACHE / "bin" / "checkov"), *words, "--quiet", "--skip-download", "--soft-fail"], cwd=scratch
        )
        reports = json.loads(text)
        said: Remarks = defaultdict(set)
        for report in reports if isinstance(reports, list) else [reports]:
            for found in report.get("results", {}).get("failed_checks", []):
                place = found["resource"] if report["check_type"] == "cloudformation" else ""
                said[Path(found["file_path"]).stem].add(
                    Remark(found["check_id"], place, found["check_name"], error=True)
                )
        return said


class _Included(Tool):
    """A validator of the CDK, over stacks that include the templates."""

    mode: ClassVar[str]

    def run(self, corpus: list[Case], paths: dict[str, Path], scratch: Path) -> Remarks:
        """Synthesise one app of all; a template that cannot be included is a remark too."""
        manifest, out = scratch / f"{self.mode}.json", scratch / f"{self.mode}.out"
        manifest.write_text(json.dumps({case.name: (str(paths[case.name]), case.region) for case in corpus}))
        _output([sys.executable, str(Path(__file__).with_name("include.py")), self.mode, str(manifest), str(out)])
        said: Remarks = defaultdict(set)
        for name, remark in _reported(json.loads((out / "validation-report.json").read_text())):
            said[name].add(remark)
        for name, why in json.loads((out / "refused.json").read_text()).items():
            said[name].add(Remark("CfnInclude", "", why, error=True))
        return said


class CdkNag(_Included):
    """Five packs of policies."""

    name = "cdk-nag"
    how = "one app, CfnInclude after a trial of each: AwsSolutions, NIST 800-53 R5, HIPAA, PCI DSS 3.2.1, Serverless"
    mode = "nag"

    def version(self) -> str:
        """Return the pinned version."""
        return version("cdk-nag")


class CdkValidator(_Included):
    """What the CDK brings itself."""

    name = "CDK validator"
    how = "one app of all, through CfnInclude after a trial of each, @aws-cdk/core:validateAgainstDefaultRules"
    mode = "validator"

    def version(self) -> str:
        """Return that of the CDK."""
        return version("aws-cdk-lib")


TOOLS: Final = (Slipway(), CfnLint(), Checkov(), CdkNag(), CdkValidator())


def _reported(report: dict[str, Any]) -> Iterator[tuple[str, Remark]]:
    for plugin in report["pluginReports"]:
        for found in plugin["violations"]:
            error = found["severity"] in ("error", "fatal")
            for construct in found["violatingConstructs"]:
                name, _, place = str(construct.get("constructPath", "")).partition("/")
                where = construct.get("cloudFormationResource", {}).get("propertyPaths", [])
                yield name, Remark(found["ruleName"], " ".join([place, *where]), found["description"], error)


def _by_region(corpus: list[Case]) -> dict[str, list[Case]]:
    found: dict[str, list[Case]] = defaultdict(list)
    for case in corpus:
        found[case.region].append(case)
    return dict(sorted(found.items()))


def _beside(command: str) -> str:
    return str(Path(sys.executable).with_name(command))


def _output(command: list[str], *, ok: tuple[int, ...] = (0,), cwd: Path | None = None) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=cwd)  # noqa: S603  listed above
    if done.returncode not in ok:
        last = [line for line in done.stderr.splitlines() if line.strip()][-3:]
        message = f"{Path(command[0]).name} ended with {done.returncode}: {' '.join(last) or 'it said nothing'}"
        raise ToolError(message)
    return done.stdout
