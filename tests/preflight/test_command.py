from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.preflight.conftest import HERE, defects

SLIPWAY = Path(sys.executable).with_name("slipway")
GOOD = str(HERE / "good" / "realtime.yaml")


def check(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLIPWAY, "check", *words], capture_output=True, text=True, check=False, timeout=60)


@pytest.fixture
def bad(tmp_path: Path) -> str:
    return write(tmp_path, next(each.template for each in defects() if each.name == "canary-of-most"))


def write(folder: Path, template: dict[str, Any]) -> str:
    file = folder / "bad.template.json"
    file.write_text(json.dumps(template), encoding="utf-8")
    return str(file)


def test_good_template_exits_0() -> None:
    done = check("--template", GOOD, "--region", "eu-west-1")
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, "nothing found", "")


def test_error_exits_1_and_is_one_json_document(bad: str) -> None:
    done = check("--template", GOOD, "--template", bad, "--format", "json")
    assert done.returncode == 1
    [finding] = json.loads(done.stdout)["findings"]
    assert finding == {
        "rule": "CanaryTooLarge",
        "severity": "error",
        "resource": "Endpoint",
        "path": "DeploymentConfig.BlueGreenUpdatePolicy.TrafficRoutingConfiguration.CanarySize.Value",
        "message": "60 percent are given and 1 to 50 are accepted",
        "mend": "write at most 50 percent, for a linear step at least 10",
        "acknowledged": None,
        "file": bad,
    }


def test_sarif_names_rule_file_and_place(bad: str) -> None:
    done = check("--template", bad, "--format", "sarif")
    assert done.returncode == 1
    [run] = json.loads(done.stdout)["runs"]
    [result] = run["results"]
    assert result["ruleId"] in {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    assert result["level"] == "error"
    assert result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] == bad


def test_acknowledged_finding_is_shown_and_exits_0(tmp_path: Path) -> None:
    template = next(each.template for each in defects() if each.name == "canary-of-most")
    reason = "the whole fleet is two machines"
    template["Resources"]["Endpoint"]["Metadata"] = {"slipway": {"acknowledge": {"CanaryTooLarge": reason}}}
    done = check("--template", write(tmp_path, template))
    assert done.returncode == 0
    assert reason in done.stdout
    assert "0 errors, 0 warnings, 1 accepted" in done.stdout


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("Resources: [", "is not YAML"),
        ("{", "is not JSON"),
        ("a: 1", "has no mapping 'Resources'"),
        ("Resources: {A: &a {Type: X}, B: *a}", "CloudFormation takes no aliases"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_file_that_is_no_template_is_one_refusal_and_exit_2(tmp_path: Path, content: str, said: str) -> None:
    file = tmp_path / "t.yaml"
    file.write_text(content, encoding="utf-8")
    done = check("--template", str(file))
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no template is given"),
        (["--template", "/nowhere.json"], "cannot be read: No such file"),
        (["--template", GOOD, "--region", "mars-1"], "'mars-1' is not a region that sells SageMaker hosting"),
    ],
)
def test_bad_usage_is_refused(words: list[str], said: str) -> None:
    done = check(*words)
    assert done.returncode == 2
    assert said in done.stderr
