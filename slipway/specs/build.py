"""Where a model is built: on the machine that asks, or in a processing job."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from slipway.catalog import instance_types, processing_types
from slipway.specs.base import Findings, Spec
from slipway.specs.gpu import sm_of
from slipway.specs.suggest import did_you_mean
from slipway.specs.text import refuse


def _known(name: str) -> str:
    if name not in processing_types():
        raise refuse(
            f"is not a type that runs processing jobs{did_you_mean(name, processing_types(), also=f'ml.{name}')}"
        )
    return name


JobType = Annotated[str, AfterValidator(_known), Field(examples=["ml.c7i.4xlarge"])]


class Build(Spec):
    """Where a model is built, and with what; never part of what it is, so that its digest is the same anywhere."""

    reasons: ClassVar[dict[str, str]] = {
        "volume_gib": "SageMaker gives a job's volume 1 to 16384 GiB",
        "max_runtime_minutes": "SageMaker ends a job after 777600 seconds at the latest",
    }

    where: Literal["here", "sagemaker"]
    """``here``: on the machine that ``slipway build`` runs on, as without this key. ``sagemaker``: in a processing job
    of the environment's build stack."""
    instance_type: JobType | None = None
    """Of the job; ``sagemaker`` only, which needs it. Latencies are measured on it."""
    volume_gib: Annotated[int, Field(ge=1, le=16384)] = 50
    """Disk of the job, for the source, every form that is tried and the artifact. Machines with a disk of their own
    take that."""
    max_runtime_minutes: Annotated[int, Field(ge=1, le=12960)] = 720
    """After so long the job is ended, and the build has failed."""
    network_isolation: bool = True
    """Whether the source is cut off from every network while it runs; one that downloads needs false."""
    keep: Literal["archive", "files"] = "archive"
    """``archive``: fetched, and deployed as if it were built here. ``files``: the artifact stays in the build stack's
    bucket, unpacked, and endpoints read it there; for models that are too large to be copied. Serverless and
    multi-model endpoints take none."""

    @property
    def in_cloud(self) -> bool:
        """Whether a processing job builds it."""
        return self.where == "sagemaker"

    @model_validator(mode="after")
    def _possible(self) -> Self:
        findings = Findings()
        if self.in_cloud and self.instance_type is None:
            findings.add((), "required key 'instance_type' is missing: name the job's machine, such as ml.c7i.4xlarge")
        for key in () if self.in_cloud else sorted(self.model_fields_set - {"where"}):
            findings.add((key,), "is for 'where: sagemaker': remove it, or build there")
        findings.refuse()
        return self


def check_build(findings: Findings, build: Build, architecture: int | None) -> None:
    """Find what a model's target cannot be proved on.

    Args:
        findings: Gets it.
        build: Of the model.
        architecture: Of the GPU that it is compiled for; None for the processor's targets.
    """
    name = build.instance_type
    if architecture is None or name is None:
        return
    has = sm_of(name) if name in instance_types() else None
    if has != architecture:
        owns = "no GPU" if has is None else f"a GPU of SM {has}"
        message = f"'{name}' has {owns}, and the engine is for SM {architecture}: it is proved where it is built"
        findings.add(("build", "instance_type"), message)
