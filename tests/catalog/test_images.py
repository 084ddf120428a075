from __future__ import annotations

import datetime as dt
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from aws_cdk.region_info import Fact, FactName, RegionInfo

from slipway.catalog import end_of_life, hosting_images, image_accounts, image_repositories, publishers

ROOT = Path(__file__).parents[2]
FILE = ROOT / "slipway" / "catalog" / "images.json"


def test_file_names_its_sources_and_date_and_is_small() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    assert {end["source"] for end in content["ends"]} <= set(content["sources"])
    assert all(source["says"] for source in content["sources"].values())
    assert FILE.stat().st_size < 400_000


def test_file_is_what_the_pinned_version_gives() -> None:
    done = _check(ROOT)
    assert done.returncode == 0, done.stderr


def test_check_sees_a_changed_fact(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    assert _check(ROOT).returncode == 0  # the wheel is there from now on
    shutil.copytree(ROOT / ".cache" / "wheels", tmp_path / ".cache" / "wheels")
    (tmp_path / "slipway" / "catalog").mkdir(parents=True)
    changed = FILE.read_text(encoding="utf-8").replace("763104351884", "763104351885", 1)
    (tmp_path / "slipway" / "catalog" / FILE.name).write_text(changed, encoding="utf-8")
    done = _check(tmp_path)
    assert done.returncode == 1
    assert "images.json is not what the pinned version gives" in done.stderr


def test_accounts_of_deep_learning_containers_are_those_that_the_cdk_knows() -> None:
    regions = [region.name for region in RegionInfo.regions]
    known = {region: Fact.find(region, FactName.DLC_REPOSITORY_ACCOUNT) for region in regions}
    ours = {region: image_accounts("djl-inference", region) for region in regions}
    assert {region for region, account in known.items() if account and ours[region] != frozenset({account})} == set()
    assert len([account for account in known.values() if account]) > 20


@pytest.mark.parametrize(
    ("repository", "region", "accounts"),
    [
        # Source: the documentation of AWS's containers, region availability.
        ("djl-inference", "us-east-1", {"763104351884"}),
        ("djl-inference", "eu-south-1", {"692866216735"}),
        ("sagemaker-xgboost", "eu-west-1", {"141502667606"}),
        ("tei", "us-west-2", {"246618743249"}),
        ("djl-inference", "mars-north-1", set()),
        ("our-own", "us-east-1", None),
    ],
)
def test_accounts_are_those_of_the_region(repository: str, region: str, accounts: set[str] | None) -> None:
    assert image_accounts(repository, region) == accounts


@pytest.mark.parametrize(
    ("repository", "tag", "server", "accelerator", "architecture"),
    [
        ("djl-inference", "0.38.0-lmi29.0.0-cu130", "djl-lmi", "gpu", "x86_64"),
        ("djl-inference", "0.27.0-deepspeed0.12.6-cu121", "djl-deepspeed", "gpu", "x86_64"),
        ("djl-inference", "0.29.0-neuronx-sdk2.19.1", "djl-neuronx", "neuron", "x86_64"),
        ("sagemaker-tritonserver", "26.05-py3", "sagemaker-tritonserver", "gpu", "x86_64"),
        ("sagemaker-tritonserver", "26.05-py3-cpu", "sagemaker-tritonserver", "cpu", "x86_64"),
        ("pytorch-inference", "2.6.0-gpu-py312", "pytorch", "gpu", "x86_64"),
        ("pytorch-inference-arm64", "2.6.0-cpu-py312-ubuntu22.04", "pytorch", "cpu", "arm64"),
        (
            "huggingface-pytorch-inference",
            "2.6.0-transformers5.5.3-gpu-py312-cu124-ubuntu22.04",
            "huggingface",
            "gpu",
            "x86_64",
        ),
        ("sagemaker-xgboost", "1.5-1-arm64", "xgboost", "cpu", "arm64"),
    ],
)
def test_image_is_what_its_tag_says(
    repository: str, tag: str, server: str, accelerator: str, architecture: str
) -> None:
    [image] = [image for image in hosting_images()[repository] if image.tag == tag]
    assert (image.server, image.accelerator, image.architecture) == (server, accelerator, architecture)


@pytest.mark.parametrize(
    ("repository", "tag", "python", "cuda"),
    [
        ("djl-inference", "0.38.0-lmi29.0.0-cu130", None, "13.0"),
        ("pytorch-inference", "2.6.0-gpu-py312", "3.12", None),
        ("tei", "2.0.1-tei1.8.2-gpu-py310-cu122-ubuntu22.04", "3.10", "12.2"),
        ("sagemaker-tritonserver", "26.05-py3", None, None),
    ],
)
def test_versions_are_read_from_the_tag(repository: str, tag: str, python: str | None, cuda: str | None) -> None:
    [image] = [image for image in hosting_images()[repository] if image.tag == tag]
    assert (image.python, image.cuda) == (python, cuda)


def test_repositories_for_training_are_known_by_name_alone() -> None:
    assert {"pytorch-training", "pytorch-inference"} <= image_repositories()
    assert "pytorch-training" not in hosting_images()
    assert all(account.isdecimal() and len(account) == 12 for account in publishers())


@pytest.mark.parametrize(
    ("repository", "tag", "end"),
    [
        ("pytorch-inference", "2.6.0-cpu-py312-ubuntu22.04-sagemaker", "2026-06-30"),
        ("pytorch-inference", "1.13.1-cpu-py39", "2024-10-28"),
        ("tensorflow-inference", "2.1.0-cpu", "2024-09-26"),
        ("tensorflow-inference", "2.19.0-gpu", "2026-03-11"),
        ("mxnet-inference", "1.9.0-cpu-py38", "2023-10-01"),
        ("djl-inference", "0.38.0-lmi29.0.0-cu130", None),
    ],
)
def test_end_of_life_is_what_the_policy_says(repository: str, tag: str, end: str | None) -> None:
    assert end_of_life(repository, tag) == (None if end is None else dt.date.fromisoformat(end))


def _check(root: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "scripts/generate_images.py", "--check"]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
