"""What `python -m model_build` does besides in a processing job, run as the job runs it."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from model_build import build
from model_build.digest import digest, versions
from model_build.processing_job import MOST_MESSAGE_BYTES, write_message, write_results
from serving.model import Model
from slipway.specs import Project
from slipway.specs.location import Location
from slipway.specs.request import Expected, Result

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Make = Callable[..., Project]

KEY = "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"


def job(project: Project, folder: Path, expected: Expected, *words: str) -> subprocess.CompletedProcess[str]:
    file = folder / "expected.json"
    file.write_text(expected.model_dump_json())
    command = [sys.executable, "-m", "model_build", "--project", str(project.root), "--expect", str(file)]
    command += ["--results", str(folder / "out"), "--message", str(folder / "message"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


@pytest.fixture
def expected(scaler: Make) -> tuple[Project, Expected]:
    project = scaler()
    return project, Expected(name="halver", digest=digest(project, "halver"), versions=versions(project, "halver"))


def test_results_are_the_files_that_the_server_reads(expected: tuple[Project, Expected], tmp_path: Path) -> None:
    project, asked = expected
    done = job(project, tmp_path, asked, "--unpacked")
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    result = Result.model_validate_json((out / "result.json").read_text())
    assert {"manifest.json", "report.html", "files/manifest.json"} < set(result.files)
    assert "model.tar.gz" not in result.files
    assert {name: (out / name).stat().st_size for name in result.files} == result.files
    Model.load(out / "files", threads=1).prove()
    assert not (tmp_path / "message").exists()


def test_artifact_that_stays_in_s3_is_locked_with_its_place(expected: tuple[Project, Expected], tmp_path: Path) -> None:
    project, asked = expected
    assert job(project, tmp_path, asked).returncode == 0
    folder = project.artifact_folder("halver", asked.digest)
    (folder / "model.tar.gz").unlink()
    place = Location(uri="s3://bucket/halver/", key_arn=KEY, account="111122223333", region="eu-west-1")
    (folder / "location.json").write_text(place.model_dump_json())
    (result,) = build(Project(project.root), ["halver"])
    assert not result.built
    assert Project(project.root).lock.models["halver"].location == place


def test_another_artifact_than_was_asked_for_is_not_built(expected: tuple[Project, Expected], tmp_path: Path) -> None:
    project, asked = expected
    other = asked.model_copy(update={"digest": "0" * 64, "versions": {**asked.versions, "onnx": "0.9"}})
    done = job(project, tmp_path, other)
    assert done.returncode == 3
    assert f"(onnx is {asked.versions['onnx']} here and 0.9 there)" in done.stderr
    assert (tmp_path / "message").read_text() == done.stderr.strip()
    assert not (tmp_path / "out").exists()


def test_code_that_differs_is_named_when_all_versions_are_the_same(
    expected: tuple[Project, Expected], tmp_path: Path
) -> None:
    project, asked = expected
    done = job(project, tmp_path, asked.model_copy(update={"digest": "0" * 64}))
    assert (done.returncode, "(its build code is another)" in done.stderr) == (3, True)


def test_request_that_cannot_be_read_is_the_machines_trouble(scaler: Make, tmp_path: Path) -> None:
    project = scaler()
    command = [sys.executable, "-m", "model_build", "--project", str(project.root), "--expect", str(tmp_path / "none")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert (done.returncode, done.stdout) == (3, "")
    assert "does not say what to build" in done.stderr


def test_message_is_no_longer_than_sagemaker_takes(tmp_path: Path) -> None:
    write_message(tmp_path / "message", "ü" * 2000)
    written = (tmp_path / "message").read_bytes()
    assert len(written) <= MOST_MESSAGE_BYTES
    assert set(written.decode()) == {"ü"}


def test_language_models_files_are_laid_out_where_an_archives_would_be(tmp_path: Path) -> None:
    (tmp_path / "project").mkdir()
    project, asked = Project(tmp_path / "project"), Expected(name="writer", digest="ab" * 32, versions={})
    folder = project.artifact_folder("writer", asked.digest)
    (folder / "model").mkdir(parents=True)
    (folder / "manifest.json").write_text("{}")
    for name in ("config.json", "model.safetensors"):
        (folder / "model" / name).write_text(name)
    write_results(project, asked, tmp_path / "out", unpacked=True)
    result = Result.model_validate_json((tmp_path / "out" / "result.json").read_text())
    assert result.files == {"files/config.json": 11, "files/model.safetensors": 17, "manifest.json": 2}
    assert (tmp_path / "out" / "files" / "model.safetensors").samefile(folder / "model" / "model.safetensors")
