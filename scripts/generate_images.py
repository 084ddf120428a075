"""Write ``slipway/catalog/images.json`` from the image tables of sagemaker-core.

``python scripts/generate_images.py`` writes; ``--check`` only says whether the file needs it. The package is read and
never installed, because it brings half a gigabyte of others; its wheel is kept under ``.cache/`` by its digest.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from generated import write_or_check

if TYPE_CHECKING:
    from collections.abc import Iterator

TAKEN = "2026-11-21"
"""When the sources were last looked at by a person; to be set by whoever runs this with newer ones."""
PACKAGE = "sagemaker-core"
VERSION = "2.27.0"
SHA256 = "62e5b4e2296dd26c042f28d26b9292501cdcf0c83a02656e280d61f132114312"
WHEEL = f"sagemaker_core-{VERSION}-py3-none-any.whl"
ROOT = Path(__file__).parent.parent
TARGET = ROOT / "slipway" / "catalog" / "images.json"
CACHE = ROOT / ".cache" / "wheels"
TABLES = "sagemaker/core/image_uri_config/"
HOSTING = ("inference", "inference_graviton", "eia")
ACCELERATORS = {"cpu": "cpu", "gpu": "gpu", "inf": "neuron", "inf2": "neuron", "trn": "neuron", "neuronx": "neuron"}
ONLY_GPU = {"djl-deepspeed", "djl-fastertransformer", "djl-lmi", "djl-tensorrtllm"}
ARM64_TAGS = {("xgboost", "1.3-1"), ("xgboost", "1.5-1"), ("sklearn", "1.0-1")}

POLICY = "https://docs.aws.amazon.com/deep-learning-containers/latest/devguide/support-policy.html"
POLICY_DATA = "https://github.com/aws/deep-learning-containers/tree/main/docs/src/data"
PYTORCH = ("pytorch-inference", "pytorch-inference-graviton", "pytorch-inference-arm64")
TENSORFLOW = ("tensorflow-inference", "tensorflow-inference-graviton")
MXNET = ("mxnet-inference", "mxnet-inference-eia", "pytorch-inference-eia", "tensorflow-inference-eia")
ENDS: tuple[tuple[tuple[str, ...], dict[str, str], str], ...] = (
    (
        PYTORCH,
        {
            "2.6": "2026-06-30",
            "2.5": "2025-10-29",
            "2.4": "2025-07-24",
            "2.3": "2025-04-24",
            "2.2": "2025-01-30",
            "2.1": "2024-10-04",
            "2.0": "2024-03-15",
            "1": "2024-10-28",
        },
        "policy",
    ),
    (
        TENSORFLOW,
        {
            "2.19": "2026-03-11",
            "2.18": "2025-10-24",
            "2.16": "2025-03-07",
            "2.14": "2024-09-26",
            **dict.fromkeys(("1", *(f"2.{minor}" for minor in range(14))), "2024-09-26"),
        },
        "policy",
    ),
    (MXNET, {"": "2023-10-01"}, "policy"),
    (("sagemaker-xgboost",), {"3.0-5": "2026-11-17", "3.2-0": "2027-05-13"}, "policy-data"),
    (("sagemaker-scikit-learn",), {"1.4-2": "2026-10-30", "1.9-0": "2027-07-16"}, "policy-data"),
)
"""End of patches by how tags begin; a version older than the oldest listed ended no later than that one."""
ALSO = (
    *("huggingface-tei", "pytorch-inference-neuron", "pytorch-inference-neuronx", "pytorch-training-arm64", "ray-llm"),
    *("ray-train", "tensorflow-inference-arm64", "tensorflow-inference-neuron", "tensorflow-inference-neuronx"),
    *("base", "vllm-arm64"),
)
"""Repositories that AWS's documentation of its containers has and the package does not."""


def wheel() -> Path:
    """The package's wheel, fetched once."""
    kept = CACHE / WHEEL
    if kept.is_file() and hashlib.sha256(kept.read_bytes()).hexdigest() == SHA256:
        return kept
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as pins:
        pins.write(f"{PACKAGE}=={VERSION} --hash=sha256:{SHA256}\n")
        pins.flush()
        options = ("--no-deps", "--only-binary=:all:", "--require-hashes", "-qqq", "--disable-pip-version-check")
        command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(CACHE), "--requirement", pins.name]
        subprocess.run(command, check=True)  # noqa: S603  pip, with words of our own
    return kept


def tables() -> dict[str, dict[str, Any]]:
    """Every table of the package by family, such as ``djl-lmi``."""
    with zipfile.ZipFile(wheel()) as archive:
        names = [name for name in archive.namelist() if name.startswith(TABLES) and name.endswith(".json")]
        return {Path(name).stem: json.loads(archive.read(name)) for name in sorted(names)}


def scopes(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """What a table is for, each with its versions."""
    if "versions" in table:
        for scope in table.get("scope", ["training"]):
            yield scope, table
    else:
        yield from ((scope, inner) for scope, inner in table.items() if "versions" in inner)


def releases(scope: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Version, version of the framework below (Hugging Face's images have two), and what is written of them."""
    for version, release in scope["versions"].items():
        if "registries" in release:
            yield version, "", release
            continue
        for base, inner in release.items():
            if "registries" in inner:
                yield version, base, inner


def tags(family: str, scope: str, table: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str, str | None]]:
    """Release, tag or what it begins with, and accelerator."""
    for version, base, release in releases(table):
        processors = table.get("processors") or release.get("processors") or [None]
        for processor in processors:
            for python in release.get("py_versions") or [None]:
                for sdk in release.get("sdk_versions") or [None]:
                    tag = _tag(family, version, base, release, (processor, python, sdk))
                    yield release, tag, _runs_on(family, processor)
        if scope == "inference_graviton" and (family, version) in ARM64_TAGS:
            yield release, f"{version}-arm64" + ("-cpu-py3" if family == "sklearn" else ""), "cpu"


def _tag(
    family: str, version: str, base: str, release: dict[str, Any], parts: tuple[str | None, str | None, str | None]
) -> str:
    processor, python, sdk = parts
    prefix = release.get("tag_prefix", version)
    if base.startswith(("pytorch", "tensorflow")):
        prefix = f"{base.removeprefix('pytorch').removeprefix('tensorflow')}-transformers{version}"
    shown: str | None = processor if release.get("processor_in_tag", True) else None
    if family == "sagemaker-tritonserver" and processor == "gpu":
        shown = None
    if family.startswith("huggingface-neuron"):
        shown = family.removeprefix("huggingface-")
    system = release.get("container_version", {}).get(processor)
    return "-".join(part for part in (prefix, shown, python, sdk, system) if part)


def _runs_on(family: str, processor: str | None) -> str | None:
    if family in ONLY_GPU:
        return "gpu"
    if family == "djl-neuronx":
        return "neuron"
    return None if processor is None else ACCELERATORS[processor]


Row = dict[str, "str | list[str]"]


def collect() -> tuple[dict[str, dict[str, list[str]]], dict[str, list[Row]], set[str]]:
    """Accounts by repository and region, hosting images by repository, and the repositories of other images."""
    accounts: dict[str, dict[str, set[str]]] = {}
    images: dict[str, dict[str, Row]] = {}
    regions: dict[tuple[str, str], set[str]] = {}
    others: set[str] = set()
    for family, table in tables().items():
        for scope, inner in scopes(table):
            if scope not in HOSTING:
                others |= {release["repository"] for _, _, release in releases(inner)}
                continue
            for release, tag, accelerator in tags(family, scope, inner):
                repository = release["repository"]
                arm64 = "arm64" if "arm64" in tag or repository.endswith(("-graviton", "-arm64")) else None
                row = {"tag": tag, "server": family, "accelerator": accelerator, "architecture": arm64}
                images.setdefault(repository, {})[tag] = {key: value for key, value in row.items() if value is not None}
                regions.setdefault((repository, tag), set()).update(release["registries"])
                for region, account in release["registries"].items():
                    accounts.setdefault(repository, {}).setdefault(region, set()).add(account)
    for (repository, tag), held in regions.items():
        if missing := sorted(accounts[repository].keys() - held):
            images[repository][tag]["not_in"] = missing
    known = {name: {region: sorted(held) for region, held in sorted(by.items())} for name, by in accounts.items()}
    rows = {name: [by_tag[tag] for tag in sorted(by_tag)] for name, by_tag in sorted(images.items())}
    return known, rows, others - images.keys()


def catalogue() -> str:
    """The file's text, one image a line so that a diff reads well."""
    accounts, images, others = collect()
    groups: dict[str, dict[str, list[str]]] = {}
    names: dict[str, str] = {}
    for repository in sorted(accounts):
        text = json.dumps(accounts[repository])
        groups.setdefault(names.setdefault(text, repository), accounts[repository])
    rows = ",\n".join(
        f"    {json.dumps(name)}: {{\n"
        f'      "accounts": {json.dumps(names[json.dumps(accounts[name])])},\n'
        '      "images": [\n' + ",\n".join(f"        {json.dumps(row)}" for row in listed) + "\n      ]\n    }"
        for name, listed in images.items()
    )
    ends = [
        {"repository": repository, "begins": begins, "date": date, "source": source}
        for repositories, dates, source in ENDS
        for repository in repositories
        for begins, date in dates.items()
    ]
    sources = {
        PACKAGE: {"version": VERSION, "says": "accounts, repositories and tags (Apache-2.0)"},
        "policy": {"page": POLICY, "says": "until when frameworks are patched"},
        "policy-data": {"page": POLICY_DATA, "says": "until when images of algorithms are patched (Apache-2.0)"},
    }
    lines = [f"    {json.dumps(name)}: {json.dumps(held)}" for name, held in groups.items()]
    return (
        f'{{\n  "taken": "{TAKEN}",\n  "sources": {json.dumps(sources)},\n'
        '  "accounts": {\n' + ",\n".join(lines) + "\n  },\n"
        '  "repositories": {\n' + rows + "\n  },\n"
        '  "ends": [\n' + ",\n".join(f"    {json.dumps(end)}" for end in ends) + "\n  ],\n"
        f'  "others": {json.dumps(sorted(others.union(ALSO) - images.keys()))}\n}}\n'
    )


if __name__ == "__main__":
    sys.exit(write_or_check(TARGET, catalogue, source="the pinned version gives"))
