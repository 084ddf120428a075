from __future__ import annotations

import json
from pathlib import Path

import pytest

from slipway.specs import Archive, Artifact, AsyncEndpointSpec, LockedModel, PipelineEndpointSpec
from slipway.specs.parts import Variant
from slipway.specs.timeouts import download_timeout_seconds, startup_timeout_seconds

MIB = 1 << 20


def artifact(size_bytes: int) -> Artifact:
    locked = LockedModel(
        archive=Archive(sha256="cd" * 32, size_bytes=size_bytes),
        benchmark=(),
        digest="ab" * 32,
        metric="accuracy",
        recipe="none",
        reference_bytes=4000,
        sources="ef" * 32,
        target="cpu-int8",
        value=0.98,
    )
    return Artifact("digits", locked, Path("model.tar.gz"))


def variant(**more: int) -> Variant:
    return Variant.model_validate({"name": "a", "model": "digits", "instance_type": "ml.c7i.xlarge", **more})


@pytest.mark.parametrize(
    ("size_bytes", "download", "startup"),
    [
        (1, 300, 600),
        (600 * MIB - 1, 300, 600),
        (600 * MIB, 360, 600),
        (1200 * MIB, 420, 660),
        (10 << 30, 1320, 1080),
        (33 << 30, 3600, 2280),
        (1 << 40, 3600, 3600),
    ],
)
def test_timeouts_grow_with_the_archive_up_to_an_hour(size_bytes: int, download: int, startup: int) -> None:
    assert download_timeout_seconds(variant(), artifact(size_bytes)) == download
    assert startup_timeout_seconds(variant(), artifact(size_bytes)) == startup


def test_variants_own_timeouts_win_over_the_archives_size() -> None:
    own = variant(startup_timeout_seconds=60, download_timeout_seconds=90)
    assert download_timeout_seconds(own, artifact(1 << 40)) == 90
    assert startup_timeout_seconds(own, artifact(1 << 40)) == 60


def test_timeouts_of_asynchronous_endpoints_follow_the_archive_as_well() -> None:
    written = {"kind": "async", "model": "digits", "instance_type": "ml.c7i.xlarge"}
    derived = AsyncEndpointSpec.model_validate(written)
    own = AsyncEndpointSpec.model_validate({**written, "download_timeout_seconds": 90})
    assert startup_timeout_seconds(derived, artifact(10 << 30)) == 1080
    assert download_timeout_seconds(derived, artifact(10 << 30)) == 1320
    assert download_timeout_seconds(own, artifact(10 << 30)) == 90


def test_timeouts_of_several_containers_follow_all_archives_together() -> None:
    containers = [{"name": name, "model": "digits"} for name in ("one", "two")]
    written = {"kind": "pipeline", "containers": containers, "instance_type": "ml.c7i.xlarge"}
    spec = PipelineEndpointSpec.model_validate_json(json.dumps(written))
    halves, all_of_it = [artifact(5 << 30), artifact(5 << 30)], [artifact((10 << 30) - 1), artifact(1)]
    assert startup_timeout_seconds(spec, *halves) == startup_timeout_seconds(spec, *all_of_it) == 1080
    assert download_timeout_seconds(spec, *halves) == 1320
