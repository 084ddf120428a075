from __future__ import annotations

from typing import Literal

import pytest

from slipway.catalog import NoImageError, hosting_images, image_uri, nearest_regions, partition_of

Accelerator = Literal["cpu", "gpu", "neuron"] | None


@pytest.mark.parametrize(
    ("server", "version", "region", "accelerator", "architecture", "uri"),
    [
        # Source: sagemaker-core's own answers for these, and AWS's list of available images.
        (
            *("djl-lmi", "0.38.0", "eu-west-1", None, "x86_64"),
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/djl-inference:0.38.0-lmi29.0.0-cu130",
        ),
        (
            *("djl-inference", "0.27.0-deepspeed", "cn-north-1", "gpu", "x86_64"),
            "727897471807.dkr.ecr.cn-north-1.amazonaws.com.cn/djl-inference:0.27.0-deepspeed0.12.6-cu121",
        ),
        (
            *("sagemaker-tritonserver", "26.05", "us-east-1", "cpu", "x86_64"),
            "763104351884.dkr.ecr.us-east-1.amazonaws.com/sagemaker-tritonserver:26.05-py3-cpu",
        ),
        (
            *("huggingface", "2.6.0", "eu-west-1", "cpu", "x86_64"),
            (
                "763104351884.dkr.ecr.eu-west-1.amazonaws.com/huggingface-pytorch-inference:"
                "2.6.0-transformers5.5.3-cpu-py312-ubuntu22.04"
            ),
        ),
        (
            *("pytorch", "2.6", "eu-west-1", "cpu", "arm64"),
            "763104351884.dkr.ecr.eu-west-1.amazonaws.com/pytorch-inference-arm64:2.6.0-cpu-py312-ubuntu22.04",
        ),
    ],
)
def test_uri_names_account_region_and_newest_tag(
    server: str,
    version: str,
    region: str,
    accelerator: Accelerator,
    architecture: Literal["x86_64", "arm64"],
    uri: str,
) -> None:
    assert image_uri(server, version, region, accelerator, architecture) == uri


@pytest.mark.parametrize(
    ("server", "version", "region", "accelerator", "message"),
    [
        (
            *("djl-lmii", "0.38.0", "eu-west-1", None),
            "'djl-lmii' is no server and no repository of AWS's hosting images, did you mean 'djl-lmi'?",
        ),
        (
            *("djl-lmi", "0.3", "eu-west-1", None),
            (
                "djl-lmi has no version '0.3': among its tags are 0.38.0-lmi29.0.0-cu130, 0.36.0-lmi27.0.0-cu130, "
                "0.35.0-lmi17.0.0-cu128, 0.34.0-lmi16.0.0-cu128 …"
            ),
        ),
        (
            *("djl-lmi", "0.38.0", "eu-west-1", "cpu"),
            "djl-lmi 0.38.0 is not built for x86_64 cpu: it is built for x86_64 gpu",
        ),
        (
            *("djl-inference", "0.27.0", "eu-west-1", "gpu"),
            "djl-inference 0.27.0 holds several servers: name one of djl-deepspeed, djl-tensorrtllm",
        ),
        (
            *("sagemaker-tritonserver", "26.05", "us-east-1", None),
            "sagemaker-tritonserver 26.05 is built for cpu, gpu: say which accelerator",
        ),
        (
            *("djl-lmi", "0.38.0", "sa-west-1", None),
            (
                "'djl-inference:0.38.0-lmi29.0.0-cu130' is not published in sa-west-1: "
                "the nearest regions that have it: sa-east-1"
            ),
        ),
        (
            *("sagemaker-tritonserver", "26.05", "cn-north-1", "cpu"),
            "'sagemaker-tritonserver:26.05-py3-cpu' is not published in cn-north-1: the newest there is 25.04-py3-cpu",
        ),
        (
            *("djl-tensorrtllm", "0.25.0", "us-iso-east-1", "gpu"),
            (
                "'djl-inference:0.25.0-tensorrtllm0.5.0-cu122' is not published in us-iso-east-1: "
                "no region of its partition has it"
            ),
        ),
    ],
)
def test_refusal_says_what_there_is(
    server: str, version: str, region: str, accelerator: Accelerator, message: str
) -> None:
    with pytest.raises(NoImageError) as caught:
        image_uri(server, version, region, accelerator)
    assert str(caught.value) == message


def test_every_image_has_a_name_in_each_of_its_regions() -> None:
    for images in hosting_images().values():
        for image in images:
            for region in image.regions:
                uri = image_uri(image.repository, image.tag, region, image.accelerator, image.architecture)
                assert uri.endswith(f".{partition_of(region)[1]}/{image.repository}:{image.tag}")


def test_near_regions_are_of_the_same_partition_and_part_of_the_world() -> None:
    assert nearest_regions("eu-west-4", ["us-east-1", "eu-north-1", "eu-west-1", "eusc-de-east-1"]) == [
        "eu-west-1",
        "eu-north-1",
    ]
    assert nearest_regions("cn-north-1", ["us-east-1"]) == []
