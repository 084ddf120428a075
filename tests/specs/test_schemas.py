from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from slipway.specs import SpecError
from slipway.specs import schemas as schemas_module
from slipway.specs.reader import read

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FOLDER = ROOT / "docs" / "reference"
KINDS = ("endpoint", "environment", "model")
EXAMPLES = {
    "endpoint": sorted(ROOT.glob("endpoints/*.yaml")),
    "environment": sorted(ROOT.glob("environments/*.yaml")),
    "model": sorted(ROOT.glob("models/*/model.yaml")),
}
BEYOND_JSON_SCHEMA = {
    # Which machines run jobs, and what one key of a build asks of another.
    "build-here-on-a-machine",
    "build-in-the-cloud-on-no-machine",
    "build-on-an-unknown-machine",
    "build-on-another-gpu",
    "builds-with-an-image-of-another-region",
    # What a task has: shapes that are products of two lists, labels.
    "need-at-a-shape-that-is-not-timed",
    "top-k-for-texts",
    "gpu-and-smaller",
    "lossless-and-smaller",
    # What an environment's network, boundary and key mean together.
    "boundary-of-another-account",
    "image-in-another-region",
    "key-in-another-region",
    "range-beside-security-groups",
    "range-wider-than-a-vpc",
    "range-with-host-bits",
    "range-without-a-vpc-endpoint",
    "routes-without-a-vpc-endpoint",
    "vpc-endpoint-without-routes",
    "vpc-endpoints-that-nobody-may-reach",
    "async-off-hours-maximum-below-minimum",
    "async-off-hours-that-change-nothing",
    # Secrets.
    "variable-with-a-password",
    "variable-with-a-token",
    # One value against another.
    "async-burstable-and-scaled",
    "async-inferentia-with-a-canary",
    "async-instances-and-scaling",
    "async-maximum-below-minimum",
    "async-volume-on-nvme",
    "burstable-and-scaled",
    "container-with-a-name-given-twice",
    "component-larger-than-an-instance",
    "component-scaled-beyond-the-fleet",
    "component-that-keeps-a-sleeping-fleet-awake",
    "component-whose-bound-is-below-its-memory",
    "component-with-a-gpu-on-a-machine-without",
    "component-with-copies-and-scaling",
    "component-with-fewer-copies-than-the-minimum",
    "component-with-more-copies-than-fit",
    "components-named-alike",
    "components-whose-front-gives-up-before-the-alarm",
    "components-with-a-gpu-alarm-without-a-gpu",
    "components-that-do-not-fit-together",
    "components-with-a-volume-on-nvme",
    "components-without-a-copy",
    "data-for-images",
    "duplicate-variant",
    "every-weight-zero",
    "fallback-to-nvme-with-a-volume",
    "fallback-to-the-preferred-type",
    "generation-and-smaller",
    "generation-from-an-onnx-file",
    "generation-judged-by-direction",
    "generation-need-of-a-text",
    "generation-on-a-gpu",
    "generation-with-a-peer",
    "generation-with-calibration",
    "generation-without-prompts",
    "inferentia-with-a-canary",
    "inferentia-with-a-rolling-update",
    "instances-and-scaling",
    "left-out-and-overridden",
    "linear-too-slow",
    "maximum-below-minimum",
    "metric-of-another-task",
    "more-warm-than-let-in",
    "multi-container-burstable-and-scaled",
    "multi-container-inferentia-with-a-canary",
    "multi-container-instances-and-scaling",
    "multi-container-volume-on-nvme",
    "no-source",
    "off-hours-above-the-fleets-maximum",
    "off-hours-maximum-below-minimum",
    "off-hours-of-no-length",
    "off-hours-of-the-whole-week",
    "off-hours-on-a-day-given-twice",
    "off-hours-that-change-nothing",
    "off-hours-without-an-end",
    "packages-of-another-model",
    "production-that-forgets",
    "production-without-alarms",
    "rolling-too-slow",
    "multi-model-burstable-and-scaled",
    "multi-model-instances-and-scaling",
    "multi-model-on-a-gpu",
    "multi-model-on-graviton",
    "multi-model-on-inferentia",
    "multi-model-volume-on-nvme",
    "multi-model-with-a-key-without-prefix",
    "multi-model-with-models-and-prefix",
    "multi-model-without-models",
    "rolling-with-two-variants",
    "schedule-in-month-13",
    "schedule-with-a-name-given-twice",
    "sequence-length-for-images",
    "shadow-beside-inferentia",
    "shadow-beside-two-variants",
    "shadow-in-a-rolling-update",
    "shadow-on-inferentia",
    "shadow-with-the-variants-name",
    "steps-that-overlap",
    "text-without-data",
    "text-without-sequence-length",
    "too-many-rollback-alarms",
    "too-many-variables",
    "transformation-in-int8",
    "transformation-judged-by-direction",
    "two-sources",
    "variables-too-long-together",
    "volume-on-nvme",
    "warm-copies-and-scaling",
    "warm-copies-maximum-below-minimum",
    "warm-copies-scaled-beyond-the-concurrency",
    # The catalogue and the time zones, which are no part of the schema.
    "async-instance-type-without-ml",
    "components-on-a-burstable-type",
    "components-on-graviton",
    "components-on-inferentia",
    "fallback-from-a-gpu",
    "fallback-to-a-burstable-type-of-a-scaled-fleet",
    "fallback-to-a-gpu",
    "fallback-to-an-unknown-type",
    "fallback-to-graviton",
    "graviton-for-an-x86-image",
    "instance-type-sold-nowhere",
    "instance-type-without-ml",
    "multi-container-on-graviton",
    "off-hours-in-no-time-zone",
    "region-of-a-zone",
    "shadow-on-an-unknown-type",
    "unknown-instance-type",
    "unknown-region",
    # Keys of a front that contradict each other, what is around it, or a schema inside the schema.
    # What options of LMI ask of each other and of its version.
    "deepspeed-alpha-without-smoothquant",
    "deepspeed-masks-without-kernels",
    "deepspeed-quantised-from-bf16",
    "deepspeed-split-in-training-without-a-checkpoint",
    "lmi-adapters-fewer-in-memory-than-in-a-batch",
    "lmi-adapters-of-a-handler-without",
    "lmi-adapters-on-weights-made-smaller",
    "lmi-adapters-that-are-not-enabled",
    "lmi-batches-never",
    "lmi-batches-twice",
    "lmi-in-stages",
    "lmi-of-an-unknown-version",
    "lmi-option-of-a-later-version",
    "lmi-option-of-an-earlier-version",
    "lmi-parser-without-tools",
    "lmi-speculation-backwards",
    "lmi-speculation-of-another-method",
    "lmi-tools-without-a-parser",
    "chat-that-does-not-stream",
    "chat-with-a-schema-of-ones-own",
    "front-beyond-sagemakers-patience",
    "front-for-every-site-and-another",
    "front-for-every-site-with-an-identity",
    "front-gives-up-before-the-alarm",
    "front-keys-of-another-auth",
    "front-keys-that-differ-in-hyphens",
    "front-private-with-a-domain",
    "front-raised-limit-for-nothing",
    "front-reason-for-nothing",
    "front-schema-of-another-draft",
    "front-schema-that-is-none",
    "front-schema-that-points-away",
    "front-schema-with-half-a-bound",
    "front-stream-with-a-raised-limit",
    "front-tokens-without-a-pool",
    "front-waits-too-long",
    "front-web-acl-off-where-there-is-none",
    "front-with-two-web-acls",
    "front-without-auth",
    "multi-model-front-that-streams",
    "serverless-front-that-streams",
    # Bytes, prefixes and steps out of a folder, which would make the patterns unreadable; 4.0 is an integer to JSON.
    "async-gpu-alarm-without-a-gpu",
    "gpu-alarm-without-a-gpu",
    "container-with-a-port-of-its-own",
    "container-with-credentials",
    "components-with-a-reserved-variable",
    "decimal-for-whole-number",
    "multi-model-with-a-reserved-variable",
    "source-outside-the-folder",
    "archive-outside-the-folder",
    # What a source needs and what has no effect beside it, which takes the other keys and the task.
    "archive-in-s3-without-its-hash",
    "hash-of-nothing",
    "hub-at-a-branch",
    "labels-of-an-embedder",
    "onnx-beside-a-function",
    "pictures-in-a-text-file",
    "pictures-without-data",
    "pooling-beside-a-function",
    "pooling-of-pictures",
    "pruned-hub-model",
    "sentences-in-an-npz",
    "student-of-an-onnx-file",
    "transformation-from-a-folder",
    "trust-in-onnx",
    "variable-of-the-server",
    "variable-reserved-by-sagemaker",
    "variable-too-long-in-bytes",
    "variable-with-credentials",
    # Which GPU a machine has, and how two keys stand to each other.
    "optimize-an-archive",
    "optimize-by-quantising-for-neuron",
    "optimize-for-a-machine-of-no-job",
    "optimize-for-a-machine-without-ml",
    "optimize-in-fp8-on-a-g5",
    "optimize-into-nothing",
    "optimize-over-more-gpus-than-there-are",
    "optimize-that-denies-being-unproved",
    "optimize-that-is-not-acknowledged",
    "optimize-twice-in-one-job",
    "optimize-what-is-quantised-already",
    "optimize-with-a-variable-that-has-a-key",
    "handler-of-a-generator",
    "handler-of-an-llm",
    "neo-of-a-decoder",
    "neo-of-a-student",
    "neo-of-an-engine",
    "neo-of-an-onnx-file",
    "neo-of-pictures-with-a-length",
    "neo-of-texts-without-a-length",
    "neo-that-is-not-acknowledged",
    "llm-as-is-with-prompts",
    "llm-bf16-on-a-t4",
    "llm-calibrated",
    "llm-built-in-a-job-as-an-archive",
    "llm-for-a-cpu-target",
    "llm-fp8-on-a-g5",
    "llm-groups-of-fp8",
    "llm-in-awq",
    "llm-of-an-onnx-file",
    "llm-of-another-task",
    "llm-of-pickles",
    "llm-on-a-machine-without-a-gpu",
    "llm-pruned",
    "llm-quantised-without-prompts",
    "llm-that-is-timed",
    "fp8-on-a-g5",
    "fp8-on-a-t4",
    "gpu-for-a-cpu-target",
    "gpu-named-not-at-all",
    "gpu-named-twice",
    "gpu-of-a-machine-without-one",
    "gpu-target-without-a-gpu",
    "profile-of-lengths-for-images",
    "profile-shorter-than-a-benchmark",
    "profile-that-leaves-out-a-benchmark",
    "profile-tuned-beyond-its-end",
    "requests-that-wait-for-nobody",
    "workers-of-many-models",
    "triton-batch-beyond-the-largest",
    "triton-version-unpublished",
}


@pytest.fixture(scope="module")
def schemas() -> dict[str, Draft202012Validator]:
    texts = {kind: json.loads((FOLDER / f"{kind}.schema.json").read_text()) for kind in KINDS}
    for text in texts.values():
        Draft202012Validator.check_schema(text)
    return {kind: Draft202012Validator(text) for kind, text in texts.items()}


@pytest.mark.parametrize("kind", KINDS)
def test_example_passes_and_names_its_schema(schemas: dict[str, Draft202012Validator], kind: str) -> None:
    assert EXAMPLES[kind]
    for path in EXAMPLES[kind]:
        schemas[kind].validate(read(path, path.name).data)
        schema = os.path.relpath(FOLDER / f"{kind}.schema.json", path.parent)
        assert path.read_text().splitlines()[0] == f"# yaml-language-server: $schema={schema}"


def test_valid_file_passes(schemas: dict[str, Draft202012Validator], valid_file: Path) -> None:
    schemas[valid_file.parent.name].validate(read(valid_file, valid_file.name).data)


def test_invalid_files_fail_where_json_schema_can_say_so(schemas: dict[str, Draft202012Validator]) -> None:
    readable = [path for path in (HERE / "invalid").glob("*/*.yaml") if _readable(path)]
    assert len(readable) > 90
    passing = {path.stem for path in readable if schemas[path.parent.name].is_valid(read(path, path.name).data)}
    assert passing == BEYOND_JSON_SCHEMA


def test_every_key_is_described_and_every_mapping_closed(schemas: dict[str, Draft202012Validator]) -> None:
    for validator in schemas.values():
        for place, schema in _mappings(validator.schema, ""):
            assert "additionalProperties" in schema, place
            for key, described in schema.get("properties", {}).items():
                assert "description" in described or "$ref" in described, f"{place}.{key}"


def test_every_default_is_accepted(schemas: dict[str, Draft202012Validator]) -> None:
    for validator in schemas.values():
        for place, schema in _mappings(validator.schema, ""):
            for key, described in schema.get("properties", {}).items():
                if "default" in described:
                    assert validator.evolve(schema=described).is_valid(described["default"]), f"{place}.{key}"


def test_schemas_are_what_the_specs_give(capsys: pytest.CaptureFixture[str]) -> None:
    assert schemas_module.main(["--check"]) == 0
    assert capsys.readouterr() == ("", "")


def test_check_names_the_schema_that_was_edited(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schemas_module.main([], tmp_path)
    file = tmp_path / "model.schema.json"
    file.write_text(file.read_text().replace("additionalProperties", "additional"))
    assert schemas_module.main(["--check"], tmp_path) == 1
    assert capsys.readouterr().err.startswith("model.schema.json: not what the specs give")


def test_schemas_are_written_by_the_module() -> None:
    command = [sys.executable, "-m", "slipway.specs.schemas", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _readable(path: Path) -> bool:
    try:
        return not read(path, path.name).problems
    except SpecError:
        return False


def _mappings(schema: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield place, schema
        for key, value in schema.items():
            yield from _mappings(value, f"{place}.{key}")
