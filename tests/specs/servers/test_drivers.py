"""The driver of the machine is as new as the CUDA of the image."""

from __future__ import annotations

import pytest

from slipway.catalog import DRIVERS, cuda_of, hosting_images, instance_types
from slipway.specs.servers.drivers import CUDA_12, CUDA_13, newest
from slipway.specs.servers.triton import REPOSITORY, Triton


@pytest.mark.parametrize(
    ("version", "machine", "ami"),
    [
        ("26.05", "ml.g5.xlarge", CUDA_13),
        ("26.05", "ml.g6e.2xlarge", CUDA_13),
        ("25.09", "ml.g4dn.xlarge", CUDA_13),
        ("25.04", "ml.g5.xlarge", CUDA_12),  # its driver is 470 otherwise, with which 25.04 was seen not to start
        ("25.04", "ml.g6.xlarge", None),
        ("23.12", "ml.p4d.24xlarge", CUDA_12),
        ("26.05", "ml.c7i.xlarge", None),
        ("26.05", None, None),
    ],
)
def test_triton_names_a_driver_that_its_cuda_runs_on(version: str, machine: str | None, ami: str | None) -> None:
    found = None if machine is None else instance_types()[machine]
    assert Triton(version=version).ami("eu-west-1", found) == ami


def test_every_version_of_triton_is_told_apart_by_its_name() -> None:
    versions = {image.tag.partition("-")[0] for image in hosting_images()[REPOSITORY]}
    assert all(len(version) == 5 and version[2] == "." for version in versions)  # so that they compare as texts do


def test_fleet_of_several_has_the_newest_driver() -> None:
    assert newest([CUDA_12, None, CUDA_13]) == CUDA_13
    assert newest([None, CUDA_12]) == CUDA_12
    assert newest([None]) is None
    assert DRIVERS[CUDA_12] < DRIVERS[CUDA_13]


@pytest.mark.parametrize(
    ("repository", "tag", "cuda"),
    [
        (REPOSITORY, "26.05-py3", 13),
        (REPOSITORY, "25.08-py3", 13),
        (REPOSITORY, "24.09-py3", 12),
        (REPOSITORY, "22.12-py3", 11),
        (REPOSITORY, "24.09-py3-cpu", None),
        (REPOSITORY, "mine", None),
        ("djl-inference", "0.38.0-lmi29.0.0-cu130", 13),
        ("djl-inference", "0.36.0-cpu-full", None),
        ("team-server", "26.05-py3", None),
    ],
)
def test_cuda_of_an_image_is_told_by_its_tag(repository: str, tag: str, cuda: int | None) -> None:
    assert cuda_of(repository, tag) == cuda


def test_every_published_triton_for_gpus_tells_its_cuda() -> None:
    for image in hosting_images()[REPOSITORY]:
        assert (cuda_of(REPOSITORY, image.tag) is None) == (image.accelerator == "cpu")
