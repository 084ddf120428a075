from __future__ import annotations

import math
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from slipway.specs import Archive, Lock, LockedModel, Project, Proof, RealtimeEndpointSpec, SpecError, UsageError
from slipway.specs.location import Location
from slipway.specs.parts import AllAtOnce, Canary
from slipway.specs.reader import read
from slipway.specs.scaling import LoadScaling, StepScaling
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from pathlib import Path

ENVIRONMENT = 'account: "111122223333"\nregion: eu-west-1\n'


def realtime(project: Project, overrides: str) -> RealtimeEndpointSpec:
    (project.root / "environments" / "prod.yaml").write_text(f"{ENVIRONMENT}endpoints: {{fast: {overrides}}}\n")
    spec = project.deployment("prod").endpoints["fast"]
    assert isinstance(spec, RealtimeEndpointSpec)
    return spec


def test_override_changes_one_key_and_keeps_the_rest(project: Project) -> None:
    spec = realtime(project, "{scaling: {instances: {max: 9}}}")
    assert isinstance(spec.scaling, LoadScaling)
    assert (spec.scaling.instances.min, spec.scaling.instances.max, spec.scaling.target) == (1, 9, 4)


def test_override_with_another_thing_to_track_takes_none_of_the_old_keys(project: Project) -> None:
    metric = "{namespace: AWS/SageMaker, name: Load, statistic: sum}"
    steps = "grow: [{above: 9, add: 2}], shrink: [{below: 1, remove: 1}]"
    spec = realtime(project, f"{{scaling: {{track: step, instances: {{min: 1, max: 3}}, metric: {metric}, {steps}}}}}")
    assert isinstance(spec.scaling, StepScaling)
    assert spec.scaling.grow[0].add == 2


def test_override_of_null_removes_a_key(project: Project) -> None:
    assert realtime(project, "{capture: null, scaling: null}").capture is None
    assert realtime(project, "{capture: null, scaling: null}").scaling is None
    assert realtime(project, "{}").capture is not None


def test_override_of_a_variant_is_found_by_its_name(project: Project) -> None:
    spec = realtime(
        project, "{variants: [{name: b, model: digits, instance_type: ml.m7i.large}, {name: a, weight: 0}]}"
    )
    assert [(variant.name, variant.weight) for variant in spec.variants] == [("a", 0), ("b", 1)]
    assert spec.variants[0].instance_type == "ml.c7i.xlarge"


def test_override_with_another_strategy_takes_none_of_the_old_keys(project: Project) -> None:
    assert isinstance(realtime(project, "{}").rollout, Canary)
    assert isinstance(realtime(project, "{rollout: {strategy: all-at-once}}").rollout, AllAtOnce)


def test_left_out_endpoint_is_not_read(project: Project) -> None:
    (project.root / "endpoints" / "reader.yaml").write_text("broken: [")
    (project.root / "environments" / "prod.yaml").write_text(f"{ENVIRONMENT}leave_out: [reader]\n")
    assert list(project.deployment("prod").endpoints) == ["fast"]


def test_unknown_environment_is_bad_usage(project: Project) -> None:
    with pytest.raises(UsageError, match=r"environment 'prd' has no file, did you mean 'prod'\? \(known: prod\)"):
        project.deployment("prd")
    (project.root / "environments" / "prod.yaml").unlink()
    with pytest.raises(UsageError, match="write one under environments/"):
        project.environment("prod")


def test_names_outside_the_folder_are_no_environments(project: Project) -> None:
    with pytest.raises(UsageError):
        project.environment("../environments/prod")


def test_sources_hash_sees_what_shapes_the_model_and_nothing_else(project: Project) -> None:
    folder, before = project.root / "models" / "digits", project.sources_hash("digits")
    (folder / "__pycache__").mkdir()
    (folder / "__pycache__" / "source.pyc").write_bytes(b"compiled")
    (folder / ".notes").write_text("hidden")
    spec = folder / "model.yaml"
    spec.write_text(f"# a comment\n{spec.read_text()}")
    assert Project(project.root).sources_hash("digits") == before
    (folder / "lib").mkdir()
    (folder / "lib" / "model.yaml").write_text("data of the source, no spec")
    deeper = Project(project.root).sources_hash("digits")
    spec.write_text(spec.read_text().replace("0.9", "0.91"))
    gate = Project(project.root).sources_hash("digits")
    (folder / "source.py").write_text('"""Other."""\n')
    source = Project(project.root).sources_hash("digits")
    assert len({before, deeper, gate, source}) == 4


def test_place_that_builds_a_model_is_no_part_of_what_it_is(project: Project) -> None:
    spec, before = project.root / "models" / "digits" / "model.yaml", project.sources_hash("digits")
    spec.write_text(f"{spec.read_text()}\nbuild: {{where: sagemaker, instance_type: ml.c7i.xlarge}}\n")
    moved = Project(project.root)
    assert moved.models["digits"].in_cloud
    assert moved.sources_hash("digits") == before


@pytest.mark.parametrize(
    ("region", "endpoint", "words"),
    [
        ("eu-west-1", "fast", None),
        ("us-east-1", "fast", "lies in us-east-1, and the endpoint is in eu-west-1"),
        ("eu-west-1", "reader", "lies unpacked in S3, where serverless reads none"),
    ],
)
def test_artifact_that_stays_in_s3_is_hosted_where_it_can_be_read(
    project: Project, region: str, endpoint: str, words: str | None
) -> None:
    environment = project.environment("prod")
    key = f"arn:aws:kms:{region}:{environment.account}:key/{'0' * 8}-0000-0000-0000-{'0' * 12}"
    place = Location(uri="s3://built/digits/", key_arn=key, account=environment.account, region=region)
    locked = project.lock.models["digits"].model_copy(update={"location": place})
    project.lock_file.write_text(Lock(models={"digits": locked}).text())
    shutil.rmtree(project.root / "artifacts")
    other = {"fast": "reader", "reader": "fast"}[endpoint]
    (project.root / "endpoints" / f"{other}.yaml").unlink()
    if words is None:
        assert Project(project.root).deployment("prod").artifacts["digits"].locked.location == place
        return
    with pytest.raises(SpecError, match=words):
        Project(project.root).deployment("prod")


def test_models_are_refused_all_at_once(project: Project) -> None:
    for name in ("one", "two"):
        (project.root / "models" / name).mkdir()
        (project.root / "models" / name / "model.yaml").write_text("task: x\n")
    with pytest.raises(SpecError) as refused:
        _ = Project(project.root).models
    assert {problem.file for problem in refused.value.problems} == {"models/one/model.yaml", "models/two/model.yaml"}


@settings(max_examples=100, deadline=None)
@given(
    digits=st.text(alphabet="0123456789e", min_size=64, max_size=64), recipe=st.text(max_size=30), value=st.floats(0, 1)
)
def test_lock_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, digits: str, recipe: str, value: float
) -> None:
    facts: dict[str, Any] = {"target": "cpu-int8", "metric": "accuracy", "reference_bytes": 1, "benchmark": ()}
    printable = "".join(letter for letter in recipe if letter.isprintable())
    model = LockedModel(
        digest=digits,
        sources="0" * 64,
        archive=Archive(sha256=f"{'1' * 62}e5", size_bytes=1),
        recipe=printable,
        value=value,
        **facts,
    )
    lock, file = (
        Lock(models={"a": model, "1e5": model, "123": model, "true": model}),
        tmp_path_factory.getbasetemp() / "lock",
    )
    file.write_text(lock.text(), encoding="utf-8")
    assert validate(read(file, "artifacts.lock"), Lock) == lock


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_proof_that_is_no_number_is_no_proof(value: float) -> None:
    with pytest.raises(ValidationError, match="finite number"):
        Proof(metric="accuracy", value=value, at_least=0.9, samples=10)


def test_rollout_at_its_bounds_ends_before_sagemaker_gives_up() -> None:
    rollout = Canary(strategy="canary", bake_minutes=60, terminate_after_seconds=3600)
    assert 2 * 60 * rollout.bake_minutes + rollout.terminate_after_seconds < 28_800


def test_small_copy_is_untouched(project: Project, tmp_path: Path) -> None:
    assert project.root == tmp_path / "project"
    assert project.artifact_folder("digits", "ab") == project.root / "artifacts" / "digits" / "ab"


@pytest.mark.parametrize(
    ("name", "what"), [("shared", "that all endpoints use"), ("build", "that models are built by")]
)
def test_endpoint_is_refused_when_its_stack_would_be_one_of_the_environments_own(
    project: Project, name: str, what: str
) -> None:
    endpoints = project.root / "endpoints"
    (endpoints / "fast.yaml").rename(endpoints / f"{name}.yaml")
    with pytest.raises(SpecError, match=f"'{name}' is the name of the stack {what}: choose another"):
        project.deployment("prod")
