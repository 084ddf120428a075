"""What becomes of `optimize` in the project: the lock, the command, and what synth refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from model_build.optimized import is_optimized, record
from slipway.cli.cloud_optimize import CANNOT
from slipway.specs import Project, SpecError
from slipway.specs.artifact import find_artifact
from slipway.specs.location import Location
from slipway.specs.optimized import Optimized
from tests.model_build.language import save_llama, write_llm

SLIPWAY = Path(sys.executable).with_name("slipway")
OPTIMIZE = """optimize:
  where: sagemaker
  instance_type: ml.g5.12xlarge
  quantization: {method: awq}
  unproved: true
"""
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"


def slipway(root: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SLIPWAY, *words], cwd=root, env=os.environ, capture_output=True, text=True, check=False, timeout=120
    )


def spec_of(root: Path) -> Path:
    return root / "models" / "tiny" / "model.yaml"


def made(project: Project) -> Optimized:
    """What a job would have left, for what the spec asks now."""
    digest, asked = project.lock.models["tiny"].digest, project.models["tiny"].optimize
    assert asked is not None
    uri = f"s3://artifacts/artifacts/tiny/{digest}/slipway-dev-build-o1-1/"
    place = Location(uri=uri, key_arn=KEY, account="111122223333", region="eu-west-1")
    return Optimized(job="slipway-dev-build-o1-1", settings=asked.settings(digest), location=place, size_bytes=7)


def found(root: Path) -> str | None:
    """Where endpoints read the model."""
    project = Project(root)
    locked, sources = project.lock.models["tiny"], project.sources_hash("tiny")
    asked = project.models["tiny"].optimize
    read_at = find_artifact("tiny", locked, sources, root / "artifacts" / "tiny", asked).locked.read_at
    return None if read_at is None else read_at.uri


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project whose one model was built, and nothing more: the local cloud cannot do the rest."""
    root = tmp_path_factory.mktemp("optimized")
    (root / "endpoints").mkdir()
    save_llama(write_llm(root) / "weights")
    spec_of(root).write_text(spec_of(root).read_text() + OPTIMIZE)
    done = slipway(root, "build")
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (3, f"tiny: {CANNOT}")
    return root


@pytest.fixture(autouse=True)
def as_it_was(root: Path) -> None:
    """Each test begins with the spec that asks for AWQ, and with nothing that was made of it."""
    text = spec_of(root).read_text()
    spec_of(root).write_text(text[: text.index("optimize:")] + OPTIMIZE if "optimize:" in text else text + OPTIMIZE)
    record(Project(root), "tiny", Project(root).lock.models["tiny"].digest, None)


def test_artifact_is_locked_all_the_same_and_no_endpoint_takes_it_so(root: Path) -> None:
    assert Project(root).lock.models["tiny"].optimized is None
    with pytest.raises(SpecError, match="was not yet optimised as its 'optimize' says: run `slipway build tiny`"):
        found(root)


def test_command_leaves_the_job_out_where_it_is_told_to(root: Path) -> None:
    done = slipway(root, "build", "--here")
    assert done.returncode == 0
    assert "tiny: not optimised, as --here has it: no endpoint takes it so" in done.stderr


def test_what_a_job_made_is_read_in_the_artifacts_stead_and_asked_for_once(root: Path) -> None:
    project = Project(root)
    before = project.lock.models["tiny"]
    record(project, "tiny", before.digest, made(project))
    assert is_optimized(project, "tiny")
    assert found(root) == made(project).location.uri
    assert "proof: not made here" in project.lock_file.read_text()
    again = slipway(root, "build")  # no cloud runs, and none is asked
    assert (again.returncode, Project(root).lock.models["tiny"].optimized) == (0, made(project)), again.stderr
    assert Project(root).lock.models["tiny"].model_copy(update={"optimized": None}) == before


def test_what_was_made_of_another_artifact_is_not_recorded(root: Path) -> None:
    project = Project(root)
    record(project, "tiny", "cd" * 32, made(project))
    assert Project(root).lock.models["tiny"].optimized is None


def test_other_settings_are_another_job_and_no_other_artifact(root: Path) -> None:
    project = Project(root)
    sources = project.sources_hash("tiny")
    record(project, "tiny", project.lock.models["tiny"].digest, made(project))
    spec_of(root).write_text(spec_of(root).read_text().replace("{method: awq}", "{method: awq, environment: {A: b}}"))
    assert Project(root).sources_hash("tiny") == sources
    with pytest.raises(SpecError, match="was optimised otherwise than its spec says: run `slipway build tiny`"):
        found(root)
    done = slipway(root, "build")
    assert (done.returncode, done.stderr.strip().splitlines()[-1]) == (3, f"tiny: {CANNOT}")
    assert Project(root).lock.models["tiny"].optimized is None


def test_what_is_no_longer_asked_for_is_taken_back(root: Path) -> None:
    project = Project(root)
    record(project, "tiny", project.lock.models["tiny"].digest, made(project))
    spec_of(root).write_text(spec_of(root).read_text().replace(OPTIMIZE, ""))
    with pytest.raises(SpecError, match="was optimised otherwise than its spec says"):
        found(root)
    assert slipway(root, "build").returncode == 0
    assert found(root) is None
