"""Compilation jobs of SageMaker Neo: what is asked is what botocore's model of SageMaker takes, and what is kept of it.

How jobs are found, waited for and fail is the same code as for optimization jobs, and tested there.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, get_args

import pytest
from botocore.validate import ParamValidator

from slipway.operations import Compilation
from slipway.specs import GateError, HostError
from slipway.specs.neo import Neo, NeoDevice
from tests.operations.test_optimizations import BUCKET, DIGEST, PLACE, House, check, cloud, shape

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from slipway import local_cloud

__all__ = ["cloud"]
SHAPES = {"input_ids": [1, 32], "attention_mask": [1, 32]}
NOT_YET: dict[str, Any] = {"FailureReason": "", "ModelArtifacts": {"S3ModelArtifacts": f"s3://{BUCKET}/none"}}


def asked(**more: Any) -> Neo:
    return Neo.model_validate({"where": "sagemaker", "device": "ml_c5", "sequence_length": 32, "unproved": True} | more)


@pytest.fixture
def wanted(tmp_path: Path) -> Compilation:
    archive = tmp_path / "model.tar.gz"
    archive.write_bytes(b"graph")
    return Compilation("embedder", DIGEST, asked(), lambda: (archive, SHAPES))


@pytest.fixture
def house(cloud: local_cloud.Cloud, wanted: Compilation) -> Iterator[House]:
    found = House(cloud, wanted)
    yield found
    found.jobs.assert_no_pending_responses()


@pytest.mark.parametrize("device", get_args(NeoDevice))
def test_request_is_one_that_sagemaker_takes(wanted: Compilation, device: str) -> None:
    order = Compilation("a" * 40, DIGEST, asked(device=device), wanted.write)
    request = order.request(PLACE, order.jobs("slipway-" + "e" * 40 + "-build") + "17")
    of = shape("CreateCompilationJob").input_shape
    assert ParamValidator().validate(request, of).generate_report() == ""
    check(request, of)
    source = f"s3://{BUCKET}/{order.source}model.tar.gz"
    given = {"S3Uri": source, "Framework": "ONNX", "DataInputConfig": json.dumps(SHAPES)}
    assert request["InputConfig"] == given
    assert request["OutputConfig"]["TargetDevice"] == device


def test_other_shapes_are_other_jobs_of_other_archives(wanted: Compilation) -> None:
    longer = Compilation(wanted.name, DIGEST, asked(sequence_length=64), wanted.write)
    slower = Compilation(wanted.name, DIGEST, asked(max_runtime_minutes=5), wanted.write)
    assert longer.jobs("it") != wanted.jobs("it") == slower.jobs("it")
    assert longer.source != wanted.source == slower.source


@pytest.mark.local_cloud
def test_job_is_begun_waited_for_and_told(house: House) -> None:
    house.lists()
    house.creates(1)
    house.describes(1, "STARTING", **NOT_YET)
    house.describes(1, "INPROGRESS", **NOT_YET)
    image = "301217895009.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-neo-onnx:1.5.0-cpu-py3"
    uri = f"s3://{BUCKET}/{house.wanted.output(house.job(1))}"
    left = {"ModelArtifacts": {"S3ModelArtifacts": f"{uri}model-ml_c5.tar.gz"}, "FailureReason": ""}
    house.describes(1, "COMPLETED", InferenceImage=image, **left)
    jobs = house.optimizations()
    job = jobs.begin(house.wanted, house.told)
    assert house.keys(house.wanted.source) == {"model.tar.gz"}
    house.leaves(1, **{"model-ml_c5.tar.gz": b"compiled"})
    made = jobs.wait(house.wanted, job, house.told)
    assert (made.archive, made.device, made.image, made.size_bytes) == ("model-ml_c5.tar.gz", "ml_c5", image, 8)
    assert (made.location.uri, made.settings, made.proof) == (uri, house.wanted.settings, "not made here")
    steps = ["upload", "waiting for a machine", "compiling in the cloud", "compiled by Neo, unproved"]
    assert house.told.steps == steps


@pytest.mark.local_cloud
def test_job_that_goes_on_is_found_again_and_the_model_is_not_written_again(
    cloud: local_cloud.Cloud,
) -> None:
    def never() -> tuple[Path, dict[str, list[int]]]:
        raise AssertionError

    house = House(cloud, Compilation("embedder", DIGEST, asked(), never))
    house.lists(_1="FAILED", _2="INPROGRESS")
    assert house.optimizations().begin(house.wanted, house.told) == house.job(2)


@pytest.mark.local_cloud
def test_operator_that_neo_does_not_know_is_its_reason(house: House) -> None:
    reason = "ClientError: OperatorNotImplemented: ScatterND"
    house.describes(1, "FAILED", **(NOT_YET | {"FailureReason": reason}))
    with pytest.raises(GateError, match=f"ended as FAILED: {reason}"):
        house.optimizations().wait(house.wanted, house.job(1), house.told)


@pytest.mark.local_cloud
def test_job_that_leaves_nothing_is_no_success(house: House) -> None:
    house.describes(1, "COMPLETED", **NOT_YET)
    with pytest.raises(HostError, match="ended well and left nothing"):
        house.optimizations().wait(house.wanted, house.job(1), house.told)
