"""What the how-to says, done."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "how-to" / "check.md").read_text(encoding="utf-8")
BIN = Path(sys.executable).parent
STACK = """
from aws_cdk import Environment, Stack
from aws_cdk import aws_sagemaker as sagemaker

stack = Stack(app, "Theirs", env=Environment(account="111122223333", region="eu-west-1"))
variant = {"variantName": "a", "modelName": "m", "initialVariantWeight": 1, "initialInstanceCount": 2}
sagemaker.CfnEndpointConfig(
    stack, "Config", kms_key_id="k", production_variants=[{**variant, "instanceType": "ml.m5.huge"}]
)
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def commands(block: int) -> list[str]:
    return [line.removeprefix("$ ") for line in blocks("console")[block].splitlines()]


def shell(command: str, folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def python(program: str, folder: Path) -> subprocess.CompletedProcess[str]:
    (folder / "program.py").write_text(program, encoding="utf-8")
    return shell(
        "CDK_OUTDIR=cdk.out CDK_VALIDATION=false JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION=20 python program.py",
        folder,
    )


@pytest.mark.slow
@pytest.mark.parametrize("command", commands(0))
def test_own_project_has_no_error_and_names_its_files(built_models: Path, command: str) -> None:
    done = shell(f"{command} --format json", built_models)
    assert done.returncode == 0, done.stdout + done.stderr
    findings = json.loads(done.stdout)["findings"]
    words = shlex.split(command)
    wanted = {words[-1]} if "--environment" in words else {"dev", "local", "prod", "staging"}
    assert {each["environment"] for each in findings} <= wanted
    assert all((built_models / each["file"]).is_file() and each["construct"] for each in findings)


def test_accepted_finding_stops_nothing_and_is_listed(tmp_path: Path) -> None:
    template = blocks("yaml")[0]
    (tmp_path / "template.yaml").write_text(template, encoding="utf-8")
    [reason] = yaml.safe_load(template)["Resources"]["Config"]["Metadata"]["slipway"]["acknowledge"].values()
    of_file, _, of_input = commands(1)
    for command in (of_file, of_input):
        done = shell(command, tmp_path)
        assert done.returncode == 0, done.stdout + done.stderr
        assert "accepted" in done.stdout
        assert reason in done.stdout


def test_app_is_stopped_and_its_assembly_is_checked(tmp_path: Path) -> None:
    app = blocks("python")[0]
    assert python(app, tmp_path).returncode == 0
    stopped = python(app.replace("app.synth()", f"{STACK}\napp.synth()"), tmp_path)
    assert stopped.returncode == 1
    assert "'ml.m5.huge' is not a hosting type" in stopped.stderr
    done = shell(commands(1)[1], tmp_path)
    assert done.returncode == 1
    assert {each["rule"] for each in json.loads(done.stdout)["findings"]} >= {"UnknownInstanceType"}


def test_step_of_code_scanning_writes_its_file(tmp_path: Path) -> None:
    workflow = yaml.safe_load(blocks("yaml")[1])
    steps = workflow["jobs"]["preflight"]["steps"]
    [command] = [step["run"] for step in steps if "slipway check" in step.get("run", "")]
    [upload] = [step["with"]["sarif_file"] for step in steps if "upload-sarif" in step.get("uses", "")]
    (tmp_path / "templates").mkdir()
    for name in ("one", "two"):
        (tmp_path / "templates" / f"{name}.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    done = shell(command.replace(".venv/bin/", ""), tmp_path)
    assert done.returncode == 0, done.stderr
    [run] = json.loads((tmp_path / upload).read_text(encoding="utf-8"))["runs"]
    files = {
        place["physicalLocation"]["artifactLocation"]["uri"] for each in run["results"] for place in each["locations"]
    }
    assert files == {"templates/one.yaml", "templates/two.yaml"}


def test_hook_takes_the_files_that_pre_commit_adds(tmp_path: Path) -> None:
    [repository] = yaml.safe_load(blocks("yaml")[2])["repos"]
    [hook] = repository["hooks"]
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "a.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    assert re.search(hook["files"], "templates/a.yaml")
    assert shell(f"{hook['entry']} templates/a.yaml templates/a.yaml", tmp_path).returncode == 0


def test_rule_finds_its_defect_and_nothing_else(tmp_path: Path) -> None:
    defect = yaml.safe_load(blocks("yaml")[3])
    (tmp_path / "rule.py").write_text(blocks("python")[1], encoding="utf-8")
    [(place, _)] = defect["set"].items()
    *way, last = place.split(".")
    done = python(
        "import pathlib, functools\n"
        "from slipway.preflight import Template, read_template\n"
        f"from rule import {defect['rule']} as Rule\n"
        f"document = read_template(pathlib.Path({str(ROOT / 'tests/preflight/good')!r}) / '{defect['from']}.yaml')\n"
        "found = lambda: [each.message for each in Rule().violations(Template(document))]\n"
        "assert found() == []\n"
        f"holder = functools.reduce(lambda at, key: at[int(key) if key.isdecimal() else key], {way!r}, document)\n"
        f"del holder[{last!r}]\n"
        "assert found() == ['no weight is given']\n",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
