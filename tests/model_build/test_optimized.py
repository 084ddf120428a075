"""What becomes of `optimize` in the project: the lock, the command, and what synth refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from model_build.optimized import is_optimized, record
from model_build.progress import Silent
from slipway import local_cloud
from slipway.cli.cloud_optimize import CANNOT, optimize_in_cloud
from slipway.operations import Optimization
from slipway.specs import GateError, Project, SpecError
from slipway.specs.artifact import find_artifact
from slipway.specs.location import Location
from slipway.specs.optimized import Optimized
from tests.model_build.language import save_llama, write_llm
from tests.operations.test_optimizations import House

if TYPE_CHECKING:
    from collections.abc import Iterator

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
        [SLIPWAY, *words], cwd=root, env=os.environ, capture_output=True, text=True, check=False, timeout=300
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


@pytest.fixture
def house(root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """A build stack of `dev` whose SageMaker is botocore's stub and whose S3 is the local cloud's."""
    (root / "environments").mkdir(exist_ok=True)
    (root / "environments" / "dev.yaml").write_text('account: "111122223333"\nregion: eu-west-1\nbuilds: {}\n')
    project = Project(root)
    digest, asked = project.lock.models["tiny"].digest, project.models["tiny"].optimize
    assert asked is not None
    cloud = local_cloud.start(tmp_path, leash=True)
    found = House(cloud, Optimization("tiny", digest, asked, project.artifact_folder("tiny", digest) / "model"))
    monkeypatch.setattr("slipway.operations.Optimizations", lambda *_: found.optimizations())
    found.lists()
    found.creates(1)
    yield found
    found.jobs.assert_no_pending_responses()
    local_cloud.stop(cloud)


@pytest.mark.local_cloud
def test_command_uploads_the_artifact_waits_and_records(root: Path, house: House) -> None:
    house.describes(1, "INPROGRESS")
    house.describes(1, "COMPLETED")
    house.leaves(1, weights=b"fewer")
    optimize_in_cloud(Project(root), ["tiny"], "dev", Silent(), here=False, detach=False)
    recorded = Project(root).lock.models["tiny"].optimized
    assert recorded is not None
    assert (recorded.job, recorded.size_bytes, recorded.location.account) == (house.job(1), 5, "111122223333")
    assert found(root) == recorded.location.uri
    assert house.keys(house.wanted.source) == {file.name for file in house.wanted.files()}


@pytest.mark.local_cloud
def test_command_that_does_not_wait_records_nothing(root: Path, house: House) -> None:
    assert house.told.notices == []
    optimize_in_cloud(Project(root), ["tiny"], "dev", house.told, here=False, detach=True)  # type: ignore[arg-type]
    assert Project(root).lock.models["tiny"].optimized is None
    assert house.told.notices == ["begun in the cloud: the same command without --detach waits for what comes of it"]


@pytest.mark.local_cloud
def test_job_that_fails_leaves_the_artifact_as_it_is(root: Path, house: House) -> None:
    before = Project(root).lock
    house.describes(1, "FAILED", FailureReason="ClientError: the model is not one that AWQ knows")
    with pytest.raises(GateError, match="ended as FAILED: ClientError: the model is not one that AWQ knows"):
        optimize_in_cloud(Project(root), ["tiny"], "dev", Silent(), here=False, detach=False)
    assert Project(root).lock == before
