from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from slipway.preflight import Rule, rules
from tests.preflight.command import run
from tests.preflight.conftest import HERE, defects
from tests.preflight.sarif import SARIF

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight import Template, Violation
    from tests.preflight.command import Run

__all__ = ["run"]

SLIPWAY = Path(sys.executable).with_name("slipway")
GOOD = str(HERE / "good" / "realtime.yaml")
ROUTING = "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration"


def broken() -> dict[str, Any]:
    return next(each.template for each in defects() if each.name == "canary-of-most")


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return write(tmp_path, broken())


def write(folder: Path, template: dict[str, Any]) -> str:
    file = folder / "bad.template.json"
    file.write_text(json.dumps(template, indent=1), encoding="utf-8")
    return str(file)


def test_good_template_exits_0() -> None:
    words = [str(SLIPWAY), "check", "--template", GOOD, "--region", "eu-west-1"]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=300)
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "nothing found", "")


def test_error_exits_1_and_is_one_json_document(run: Run, bad: str) -> None:
    done = run("--template", GOOD, "--template", bad, "--format", "json")
    assert done.returncode == 1
    [finding] = json.loads(done.stdout)["findings"]
    line = finding.pop("line")
    assert '"Value": 60' in Path(bad).read_text(encoding="utf-8").splitlines()[line - 1]
    assert finding == {
        "rule": "CanaryTooLarge",
        "severity": "error",
        "resource": "Endpoint",
        "path": f"{ROUTING}.CanarySize.Value",
        "message": "60 percent are given and 1 to 50 are accepted",
        "mend": "write at most 50 percent, for a linear step at least 10",
        "acknowledged": None,
        "construct": None,
        "file": bad,
        "environment": None,
        "stack": None,
    }


def test_templates_may_follow_each_other(run: Run, bad: str) -> None:
    assert run("--template", GOOD, bad).returncode == 1
    assert run(bad, GOOD).returncode == 1


def test_template_comes_from_standard_input(run: Run) -> None:
    done = run("--template", "-", stdin=json.dumps(broken()))
    assert done.returncode == 1
    assert done.stdout.startswith("standard input\n")
    assert f"CanaryTooLarge  Endpoint.{ROUTING}.CanarySize.Value" in done.stdout


def test_sarif_is_valid_and_names_rule_file_line_and_place(run: Run, bad: str) -> None:
    done = run("--template", bad, "--format", "sarif")
    assert done.returncode == 1
    log = json.loads(done.stdout)
    jsonschema.validate(log, SARIF)
    [sarif] = log["runs"]
    [result] = sarif["results"]
    assert result["ruleId"] in {rule["id"] for rule in sarif["tool"]["driver"]["rules"]}
    assert result["level"] == "error"
    [location] = result["locations"]
    assert location["physicalLocation"]["artifactLocation"]["uri"] == bad
    line = location["physicalLocation"]["region"]["startLine"]
    assert '"Value": 60' in Path(bad).read_text(encoding="utf-8").splitlines()[line - 1]


def test_acknowledged_finding_is_shown_and_exits_0(run: Run, tmp_path: Path) -> None:
    template = broken()
    reason = "the whole fleet is two machines"
    template["Resources"]["Endpoint"]["Metadata"] = {"slipway": {"acknowledge": {"CanaryTooLarge": reason}}}
    done = run("--template", write(tmp_path, template))
    assert done.returncode == 0
    assert reason in done.stdout
    assert "0 errors, 0 warnings, 1 accepted" in done.stdout
    sarif = json.loads(run("--template", write(tmp_path, template), "--format", "sarif").stdout)
    jsonschema.validate(sarif, SARIF)
    assert sarif["runs"][0]["results"][0]["suppressions"] == [{"kind": "inSource", "justification": reason}]


def test_rule_that_breaks_takes_no_finding_along_and_exits_3(
    run: Run, bad: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    [victim] = [rule for rule in rules() if rule.id == "VolumeOnNvme"]

    def broken_rule(self: Rule, template: Template) -> Iterator[Violation]:  # noqa: ARG001  as it is called
        raise LookupError("no such key")

    monkeypatch.setattr(type(victim), "violations", broken_rule)
    for form in ("text", "json", "sarif"):
        done = run("--template", bad, "--format", form)
        assert done.returncode == 3
        assert "CanaryTooLarge" in done.stdout
        assert "rule VolumeOnNvme: LookupError: no such key" in done.stderr
    document = json.loads(run("--template", bad, "--format", "json").stdout)
    assert document["faults"] == [{"rule": "VolumeOnNvme", "error": "LookupError: no such key"}]
    sarif = json.loads(run("--template", bad, "--format", "sarif").stdout)
    jsonschema.validate(sarif, SARIF)
    assert sarif["runs"][0]["invocations"][0]["executionSuccessful"] is False


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Resources: [", "is not YAML"),
        ("{", "is not JSON"),
        ("a: 1", "has no mapping 'Resources'"),
        ("Resources: {A: &a {Type: X}, B: *a}", "CloudFormation takes no aliases"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 100_000, "nested too deeply"),
        ('{"a":' * 100_000, "nested too deeply"),
        ("Resources: {A: !!python/object:os.system x}", "is not YAML"),
        ("Resources: {? [a] : b}", "is not YAML"),
    ],
)
def test_text_that_is_no_template_is_one_refusal_and_exit_2(run: Run, tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(content, encoding="utf-8")
    done = run("--template", str(file))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_file_of_50_mb_is_refused_at_once(run: Run, tmp_path: Path) -> None:
    file = tmp_path / "t.json"
    with file.open("wb") as stream:
        stream.truncate(50 << 20)
    done = run("--template", str(file))
    assert done.returncode == 2
    assert "is larger than 16 MiB" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--template", "/nowhere.json"], "cannot be read: No such file"),
        (["--template", "/"], "is no cloud assembly"),
        (["--template", GOOD, "--region", "mars-1"], "'mars-1' is not a region that sells SageMaker hosting"),
        (["--template", GOOD, "--environment", "prod"], "give one of them"),
        (["--region", "eu-west-1"], "an environment of this project says so itself"),
        (["--project", "/"], "'/' is no slipway project"),
    ],
)
def test_bad_usage_is_refused(run: Run, words: list[str], said: str) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert said in done.stderr
