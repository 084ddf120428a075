"""Optimization jobs: what is asked is what botocore's model of SageMaker takes, and every way that a job may end.

SageMaker's answers are botocore's own stubs, which check requests and answers against the model of the service: no
machine of ours runs such a job. S3 is the local cloud's.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.stub import Stubber
from botocore.validate import ParamValidator

from slipway import local_cloud
from slipway.operations import CloudOrder, Optimization, Optimizations, Workplace
from slipway.operations.build_place import reaching
from slipway.specs import Deployment, EnvironmentSpec, GateError, HostError, InterruptedByUser, UsageError
from slipway.specs.optimize import Optimize

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

AT = ("111122223333", "eu-west-1")
DIGEST, BUCKET, ROLE = "ab" * 32, "artifacts", "arn:aws:iam::111122223333:role/optimising"
KEY = "arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809"
OUTPUTS = {
    "ArtifactBucketName": BUCKET,
    "BuildKeyArn": KEY,
    "BuildMachineArn": "arn:aws:states:eu-west-1:111122223333:stateMachine:it",
    "OptimizationRoleArn": ROLE,
}
TECHNIQUES: dict[str, dict[str, Any]] = {
    "awq": {"quantization": {"method": "awq", "environment": {"OPTION_DTYPE": "fp16"}}},
    "fp8": {"instance_type": "ml.g6.12xlarge", "quantization": {"method": "fp8", "tensor_parallel_degree": 4}},
    "sharding": {"sharding": {"tensor_parallel_degree": 4}},
    "neuron": {
        "instance_type": "ml.inf2.48xlarge",
        "compilation": {"tensor_parallel_degree": 24, "environment": {"OPTION_N_POSITIONS": "8192"}},
    },
}


MORE_LISTED: dict[str, dict[str, Any]] = {
    "CompilationJob": {},
    "OptimizationJob": {"DeploymentInstanceType": "ml.g5.12xlarge", "OptimizationTypes": ["Quantization"]},
}
PLACE = Workplace("slipway-dev-build", BUCKET, KEY, ROLE, *AT)


def asked(technique: str = "awq", **more: Any) -> Optimize:
    base = {"where": "sagemaker", "instance_type": "ml.g5.12xlarge", "unproved": True}
    return Optimize.model_validate(base | TECHNIQUES[technique] | more)


def shape(operation: str) -> Any:
    return (
        boto3.session.Session()
        .client("sagemaker", region_name="eu-west-1")
        .meta.service_model.operation_model(operation)
    )


def check(value: Any, of: Any) -> None:
    """Hold every text to its enum, its pattern and its length: botocore leaves those to SageMaker."""
    if of.type_name == "structure":
        for name, item in value.items():
            check(item, of.members[name])
    elif of.type_name == "list":
        for item in value:
            check(item, of.member)
    elif of.type_name == "map":
        for name, item in value.items():
            check(name, of.key)
            check(item, of.value)
    elif of.type_name == "string":
        assert value in (of.enum or [value]), (of.name, value)
        pattern = of.metadata.get("pattern", ".*").replace(r"\p{L}\p{Z}\p{N}", r"\w ")
        assert re.fullmatch(pattern, value), (of.name, value)
        assert len(value) <= of.metadata.get("max", len(value)), (of.name, value)


@pytest.fixture
def wanted(tmp_path: Path) -> Optimization:
    folder = tmp_path / "model"
    folder.mkdir()
    for name, content in (("config.json", b"{}"), ("model.safetensors", b"weights")):
        (folder / name).write_bytes(content)
    return Optimization("counter", DIGEST, asked(), folder)


@pytest.mark.parametrize("technique", list(TECHNIQUES))
@pytest.mark.parametrize("network", [False, True])
def test_request_is_one_that_sagemaker_takes(wanted: Optimization, technique: str, network: bool) -> None:  # noqa: FBT001  a parameter of the test
    order = Optimization("a" * 40, DIGEST, asked(technique), wanted.folder)
    place = Workplace("slipway-" + "e" * 40 + "-build", BUCKET, KEY, ROLE, *AT)
    if network:
        place = Workplace(place.stack, BUCKET, KEY, ROLE, *AT, ("subnet-0a1b2c3d",), ("sg-0a1b2c3d",))
    request = order.request(place, order.jobs(place.stack) + "17")
    of = shape("CreateOptimizationJob").input_shape
    assert ParamValidator().validate(request, of).generate_report() == ""
    check(request, of)
    assert ("VpcConfig" in request) == network
    [config] = request["OptimizationConfigs"]
    assert len(config) == 1


def test_request_says_what_the_spec_says(wanted: Optimization) -> None:
    request = wanted.request(PLACE, "slipway-dev-build-o1-1")
    told = {"OPTION_DTYPE": "fp16", "OPTION_QUANTIZE": "awq"}
    assert request["OptimizationConfigs"] == [{"ModelQuantizationConfig": {"OverrideEnvironment": told}}]
    assert request["ModelSource"] == {"S3": {"S3Uri": f"s3://{BUCKET}/sources/counter/{DIGEST}/checkpoint/"}}
    assert request["OutputConfig"]["S3OutputLocation"].startswith(f"s3://{BUCKET}/artifacts/counter/{DIGEST}/")
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 43200}


def test_jobs_are_found_by_what_is_asked_and_not_by_how_long_it_may_take() -> None:
    same = {asked().settings(DIGEST), asked(max_runtime_minutes=5).settings(DIGEST)}
    others = {asked(name).settings(DIGEST) for name in TECHNIQUES} | {asked().settings("cd" * 32)}
    assert len(same) == 1
    assert len(others | same) == len(TECHNIQUES) + 1


class Told:
    """Keeps what was told."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.notices: list[str] = []

    def begin(self, model: str, steps: int) -> None:
        """Nothing that is asked about."""

    def step(self, model: str, name: str) -> None:  # noqa: ARG002  theirs
        self.steps.append(name)

    def finish(self, model: str, outcome: str) -> None:  # noqa: ARG002  theirs
        self.steps.append(outcome)

    def notice(self, text: str) -> None:
        self.notices.append(text)


@pytest.fixture(scope="module")
def cloud(tmp_path_factory: pytest.TempPathFactory) -> Iterator[local_cloud.Cloud]:
    started = local_cloud.start(tmp_path_factory.mktemp("cloud"), leash=True)
    yield started
    local_cloud.stop(started)


class House:
    """A build stack that stubs tell of, and jobs that end as a test says."""

    def __init__(self, cloud: local_cloud.Cloud, wanted: CloudOrder, outputs: dict[str, str] | None = None) -> None:
        self.wanted, self.told = wanted, Told()
        keys = {"aws_access_key_id": "111122223333", "aws_secret_access_key": "it", "region_name": "us-east-1"}
        self.s3 = boto3.client("s3", endpoint_url=cloud.url, **keys)
        self.s3.create_bucket(Bucket=BUCKET)
        self.empty()
        self.sagemaker, formation = boto3.client("sagemaker", **keys), boto3.client("cloudformation", **keys)
        self.jobs = Stubber(self.sagemaker)
        self.jobs.activate()
        self.stack = Stubber(formation)
        told = [{"OutputKey": key, "OutputValue": value} for key, value in (outputs or OUTPUTS).items()]
        stack = {"StackName": "it", "CreationTime": datetime.now(UTC), "StackStatus": "CREATE_COMPLETE"}
        self.stack.add_response("describe_stacks", {"Stacks": [{**stack, "Outputs": told}]})
        self.stack.activate()
        self._clients = {"s3": self.s3, "sagemaker": self.sagemaker, "cloudformation": formation}

    def empty(self) -> None:
        for one in self.s3.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            self.s3.delete_object(Bucket=BUCKET, Key=one["Key"])

    def optimizations(self) -> Optimizations:
        environment = EnvironmentSpec(account="111122223333", region="eu-west-1", builds={})  # type: ignore[arg-type]
        deployment = Deployment("dev", environment, {}, {})
        return Optimizations(deployment, client=self._clients.__getitem__, pause_seconds=0)

    def job(self, attempt: int) -> str:
        return f"{self.wanted.jobs('slipway-dev-build')}{attempt}"

    def lists(self, **statuses: str) -> None:
        resource = self.wanted.resource
        summaries = [
            {
                f"{resource}Name": self.job(int(attempt[1:])),
                f"{resource}Arn": self._arn(attempt),
                "CreationTime": datetime.now(UTC),
                f"{resource}Status": status,
                **MORE_LISTED[resource],
            }
            for attempt, status in statuses.items()
        ]
        asked = {"NameContains": self.wanted.jobs("slipway-dev-build")}
        self.jobs.add_response(f"list_{self.wanted.operation}s", {f"{resource}Summaries": summaries}, asked)

    def creates(self, attempt: int) -> None:
        answer = {f"{self.wanted.resource}Arn": self._arn("it")}
        self.jobs.add_response(f"create_{self.wanted.operation}", answer, self.wanted.request(PLACE, self.job(attempt)))

    def describes(self, attempt: int, status: str, **more: Any) -> None:
        now, resource = datetime.now(UTC), self.wanted.resource
        request = self.wanted.request(PLACE, self.job(attempt))
        del request["Tags"]
        answer = {
            **request,
            f"{resource}Arn": self._arn("it"),
            f"{resource}Status": status,
            "CreationTime": now,
            "LastModifiedTime": now,
            **more,
        }
        asked = {f"{resource}Name": self.job(attempt)}
        self.jobs.add_response(f"describe_{self.wanted.operation}", answer, asked)

    def _arn(self, job: str) -> str:
        kind = self.wanted.operation.replace("_", "-")
        return f"arn:aws:sagemaker:eu-west-1:111122223333:{kind}/{job}"

    def leaves(self, attempt: int, **files: bytes) -> None:
        for name, content in files.items():
            self.s3.put_object(Bucket=BUCKET, Key=self.wanted.output(self.job(attempt)) + name, Body=content)

    def keys(self, prefix: str) -> set[str]:
        found = self.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix).get("Contents", [])
        return {one["Key"].removeprefix(prefix) for one in found}


@pytest.fixture
def house(cloud: local_cloud.Cloud, wanted: Optimization) -> Iterator[House]:
    found = House(cloud, wanted)
    yield found
    found.jobs.assert_no_pending_responses()


@pytest.mark.local_cloud
def test_job_is_begun_waited_for_and_told(house: House) -> None:
    house.lists()
    house.creates(1)
    for status in ("STARTING", "INPROGRESS", "INPROGRESS"):
        house.describes(1, status)
    image = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.36.0-lmi18.0.0-cu128"
    house.describes(1, "COMPLETED", OptimizationOutput={"RecommendedInferenceImage": image})
    jobs = house.optimizations()
    job = jobs.begin(house.wanted, house.told)
    assert house.keys(house.wanted.source) == {"config.json", "model.safetensors"}
    house.leaves(1, config=b"{}", weights=b"fewer")
    made = jobs.wait(house.wanted, job, house.told)
    assert (made.job, made.size_bytes, made.image, made.proof) == (house.job(1), 7, image, "not made here")
    assert made.location.uri == f"s3://{BUCKET}/artifacts/counter/{DIGEST}/{job}/"
    assert made.settings == house.wanted.settings
    assert house.told.steps == ["upload", "waiting for a machine", "optimising in the cloud", "optimised, unproved"]


@pytest.mark.local_cloud
@pytest.mark.parametrize("status", ["STARTING", "INPROGRESS", "STOPPING"])
def test_job_that_goes_on_is_found_again(house: House, status: str) -> None:
    house.lists(_1="FAILED", _2=status)
    assert house.optimizations().begin(house.wanted, house.told) == house.job(2)
    assert house.told.notices == [f"counter: the job {house.job(2)} was begun before"]
    assert not house.keys("sources/")


@pytest.mark.local_cloud
def test_job_that_ended_well_is_not_paid_for_twice_while_its_files_are_there(house: House) -> None:
    house.leaves(1, weights=b"fewer")
    house.lists(_1="COMPLETED")
    jobs = house.optimizations()
    assert jobs.begin(house.wanted, house.told) == house.job(1)
    house.empty()
    house.lists(_1="COMPLETED")
    house.creates(2)
    assert jobs.begin(house.wanted, house.told) == house.job(2)


@pytest.mark.local_cloud
@pytest.mark.parametrize("status", ["FAILED", "STOPPED"])
def test_job_that_failed_is_begun_anew_under_a_name_of_its_own(house: House, status: str) -> None:
    house.lists(_9=status, _10=status)
    house.creates(11)
    assert house.optimizations().begin(house.wanted, house.told) == house.job(11)


@pytest.mark.local_cloud
def test_job_that_somebody_began_meanwhile_is_waited_for(house: House) -> None:
    house.lists()
    house.jobs.add_client_error("create_optimization_job", "ResourceInUse", "it exists")
    assert house.optimizations().begin(house.wanted, house.told) == house.job(1)


@pytest.mark.local_cloud
def test_refusal_of_sagemaker_is_one_line(house: House) -> None:
    house.lists()
    house.jobs.add_client_error("create_optimization_job", "ResourceLimitExceeded", "no quota for ml.g5.12xlarge")
    with pytest.raises(HostError) as refused:
        house.optimizations().begin(house.wanted, house.told)
    assert str(refused.value) == "slipway-dev-build: CreateOptimizationJob: no quota for ml.g5.12xlarge"


@pytest.mark.local_cloud
def test_upload_that_s3_refuses_is_one_line(house: House) -> None:
    with (
        pytest.raises(HostError, match=r"^slipway-dev-build: Failed to upload .*NoSuchBucket"),
        reaching("slipway-dev-build"),
    ):
        house.s3.upload_file(str(house.wanted.files()[0]), "not-there", "config.json")


@pytest.mark.local_cloud
@pytest.mark.parametrize(
    ("status", "more", "said"),
    [
        ("FAILED", {"FailureReason": "ClientError: no such type"}, "ended as FAILED: ClientError: no such type"),
        ("FAILED", {}, "ended as FAILED: SageMaker gives no reason"),
        ("STOPPED", {}, "was stopped, by somebody or after 'max_runtime_minutes': SageMaker gives no reason"),
    ],
)
def test_job_that_fails_says_why_once(house: House, status: str, more: dict[str, str], said: str) -> None:
    house.describes(1, "INPROGRESS")
    house.describes(1, status, **more)
    with pytest.raises(GateError) as refused:
        house.optimizations().wait(house.wanted, house.job(1), house.told)
    assert str(refused.value) == f"counter: the job {house.job(1)} {said}"


@pytest.mark.local_cloud
def test_job_that_leaves_nothing_is_no_success(house: House) -> None:
    house.describes(1, "COMPLETED")
    with pytest.raises(HostError, match="ended well and left nothing in s3://artifacts/artifacts/counter/"):
        house.optimizations().wait(house.wanted, house.job(1), house.told)


@pytest.mark.local_cloud
def test_interrupted_command_leaves_the_job_and_says_so(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    house.describes(1, "INPROGRESS")
    monkeypatch.setattr("slipway.operations.optimizations.time.sleep", interrupt)
    with pytest.raises(InterruptedByUser, match=f"the job {house.job(1)} goes on: the same command waits"):
        house.optimizations().wait(house.wanted, house.job(1), house.told)


@pytest.mark.local_cloud
def test_stack_without_the_role_is_to_be_deployed_again(cloud: local_cloud.Cloud, wanted: Optimization) -> None:
    old = {key: value for key, value in OUTPUTS.items() if key != "OptimizationRoleArn"}
    with pytest.raises(HostError, match="older than its optimization jobs: run `npx cdk deploy slipway-dev-build"):
        House(cloud, wanted, old).optimizations()


def test_environment_that_builds_nothing_optimises_nothing() -> None:
    deployment = Deployment("bare", EnvironmentSpec(account="111122223333", region="eu-west-1"), {}, {})
    with pytest.raises(UsageError, match=r"environments/bare\.yaml has no 'builds': no model is optimised there"):
        Optimizations(deployment)


@pytest.mark.local_cloud
@pytest.mark.parametrize("kind", ["compilation", "optimization"])
def test_local_cloud_refuses_such_jobs_in_one_line(cloud: local_cloud.Cloud, wanted: Optimization, kind: str) -> None:
    client = boto3.client(
        "sagemaker",
        endpoint_url=cloud.url,
        region_name="us-east-1",
        aws_access_key_id="1",
        aws_secret_access_key="1",  # noqa: S106  no password
    )
    calls: dict[str, Callable[[], Any]] = {
        "optimization": lambda: client.create_optimization_job(
            **wanted.request(Workplace("slipway-dev-build", BUCKET, KEY, ROLE, *AT), "it")
        ),
        "compilation": lambda: client.create_compilation_job(
            CompilationJobName="it",
            RoleArn=ROLE,
            InputConfig={"S3Uri": "s3://a/b", "Framework": "PYTORCH"},
            OutputConfig={"S3OutputLocation": "s3://a/c", "TargetDevice": "ml_c5"},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
        ),
    }
    with pytest.raises(client.exceptions.ClientError) as refused:
        calls[kind]()
    assert refused.value.response["Error"] == {
        "Code": "ValidationException",
        "Message": f"the local cloud cannot run {kind} jobs: what they do is SageMaker's own",
    }
