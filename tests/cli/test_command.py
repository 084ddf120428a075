"""The `slipway` command as its users meet it: a real process, its streams, its exit code."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.local_cloud.conftest import eventually

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")


def slipway(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLIPWAY, *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


@pytest.fixture
def broken_project(tmp_path: Path) -> Path:
    for folder in ("models", "endpoints", "environments"):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    spec = tmp_path / "endpoints" / "digit-reader.yaml"
    spec.write_text(spec.read_text().replace("max_concurrency", "max_concurency"))
    return tmp_path


def test_help_lists_every_command() -> None:
    shown = slipway("--help")
    assert shown.returncode == 0
    for command in ("build", "check", "conform", "demo", "fit", "images", "invoke", "local", "plan"):
        assert command in shown.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["biuld"], "no such command 'biuld', did you mean 'build'?"),
        (["build", "--froce"], "no such option: --froce"),
        (["build", "--format", "yaml"], "'--format': 'yaml' is not one of 'text', 'json'"),
        (["build", "--load-timeout", "soon"], "'--load-timeout': 'soon' is not a number"),
        (["build", "--load-timeout", "0"], "'--load-timeout': '0' is too small, at least 1 is accepted"),
        (["local", "up", "--port", "http"], "'--port': 'http' is not a whole number"),
        (["local", "up", "--port", "99999"], "'--port': '99999' is too large, at most 65535 is accepted"),
        (["invoke"], "missing argument 'endpoint'"),
        (
            ["plan", "-e", "dev", "digit-raeder"],
            "'digit-raeder' is not an endpoint of dev, did you mean 'digit-reader'?",
        ),
        (
            ["plan", "-e", "dev", "--assembly", "models"],
            "models is no cloud assembly: its manifest.json cannot be read",
        ),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(words: list[str], said: str) -> None:
    done = slipway(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["model-fleet"], "name the component to ask (known: sentences, digits)"),
        (["model-fleet", "--component", "digit"], "did you mean 'digits'? (known: sentences, digits)"),
        (["sentence-embedder", "--component", "digits"], "'sentence-embedder' hosts no inference components"),
    ],
)
def test_a_component_is_named_where_there_are_several_and_only_there(words: list[str], said: str) -> None:
    done = slipway("invoke", *words)
    assert done.returncode == 2
    assert said in done.stderr


@pytest.mark.parametrize("words", [[], ["local"]])
def test_a_missing_command_shows_what_there_is_and_exits_2(words: list[str]) -> None:
    done = slipway(*words)
    assert done.returncode == 2
    assert done.stderr.startswith("Usage: slipway")
    assert "--help lists" not in done.stderr
    assert "..." not in done.stderr.partition("Commands:")[2]


def test_a_folder_that_is_no_project_is_named(tmp_path: Path) -> None:
    done = slipway("build", cwd=tmp_path)
    assert done.returncode == 2
    assert str(tmp_path) in done.stderr


@pytest.mark.parametrize("words", [["invoke", "digit-reader"]])
def test_a_broken_spec_is_file_line_mend_and_exit_2(broken_project: Path, words: list[str]) -> None:
    done = slipway(*words, cwd=broken_project)
    assert done.returncode == 2
    assert "endpoints/digit-reader.yaml: " in done.stderr
    assert "max_concurency: unknown key, did you mean 'max_concurrency'?" in done.stderr
    assert "Traceback" not in done.stderr


def test_errors_as_json_are_one_document(broken_project: Path) -> None:
    done = slipway("invoke", "digit-reader", "--format", "json", cwd=broken_project)
    error = json.loads(done.stdout)["error"]
    assert done.returncode == error["exit_code"] == 2
    assert ("endpoints/digit-reader.yaml", "max_concurency") in [(p["file"], p["path"]) for p in error["problems"]]


def test_status_without_a_cloud_is_an_empty_list(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "endpoints").mkdir()
    done = slipway("local", "status", "--format", "json", "--project", str(tmp_path))
    assert done.returncode == 0
    assert json.loads(done.stdout) == {"clouds": []}


def test_a_package_that_synth_does_not_need_is_named_when_it_is_missing(tmp_path: Path) -> None:
    for folder in ("models", "endpoints"):
        (tmp_path / folder).mkdir()
    code = (
        "import sys; sys.modules['psutil'] = None; "
        "sys.argv = ['slipway', 'local', 'status']; from slipway.cli import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 3
    assert "the package 'psutil' is not installed: run `make setup`" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    done = slipway("build", "--debug", cwd=tmp_path)
    assert "Traceback" in done.stderr


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_interrupting_a_command_says_so_and_exits_4(tmp_path: Path, how: signal.Signals) -> None:
    (tmp_path / "endpoints").mkdir()
    slow = tmp_path / "models" / "slow"
    slow.mkdir(parents=True)
    loading = tmp_path / "loading"
    (slow / "source.py").write_text(
        f"import pathlib, time\ndef load():\n    pathlib.Path({str(loading)!r}).touch()\n    time.sleep(600)\n"
    )
    (slow / "model.yaml").write_text(
        "task: image-classification\nsource: {python: source.py:load}\ntarget: cpu-fp32\n"
        "verify: {metric: accuracy, at_least: 0.5}\n"
    )
    process = subprocess.Popen([SLIPWAY, "build"], cwd=tmp_path, stderr=subprocess.PIPE, text=True)
    eventually(lambda: loading.exists() or process.poll() is not None, seconds=240)
    process.send_signal(how)
    _, said = process.communicate(timeout=300)
    assert process.returncode == 4, said
    assert said.splitlines()[-1].startswith("interrupted")
    assert "Traceback" not in said
    assert not list((tmp_path / "artifacts").glob("*/*"))
