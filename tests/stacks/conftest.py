"""A project with stand-in archives, and its templates, synthesised once for all tests."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")

from aws_cdk import App

from slipway.specs import Archive, Lock, LockedModel, Project, files_sha256
from slipway.specs.seen import seen_in
from stacks import define
from tests.servers.test_triton_repository import TEXTS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from slipway.specs import ModelSpec
    from slipway.specs.language_artifact import LockedLanguage

REPOSITORY = Path(__file__).parents[2]
ENVIRONMENTS = ("local", "dev", "staging", "prod")
BUILDS = {
    "local": "{image: slipway/model-build:local}",
    "dev": "{max_at_once: 8}",
    "prod": "{image: 444455556666.dkr.ecr.eu-west-1.amazonaws.com/model-build:1}",
}
VARIANT = {"name": "only", "model": "digits", "instance_type": "ml.c7i.xlarge"}

STAND_IN = b"{}"
"""A language model's file."""

Template = dict[str, Any]
Resources = list[dict[str, Any]]


def lock(root: Path, **changed: bytes) -> None:
    """Give every model of a project an archive and lock it; ``changed`` gives a model other bytes."""
    project = Project(root)
    models = {name: _build(project, name, changed.get(name) or stand_in(name)) for name in project.models}
    project.lock_file.write_text(Lock(models=models).text(), encoding="utf-8")


def _build(project: Project, name: str, content: bytes) -> LockedModel:
    digest = hashlib.sha256(content).hexdigest()
    folder = project.artifact_folder(name, digest)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.tar.gz").write_bytes(content)
    spec: ModelSpec = project.models[name]
    language = _language(folder / "model", name) if spec.target == "llm" else None
    archive = Archive(sha256=digest, size_bytes=len(content))
    if language is not None:
        listed = files_sha256(folder / "model", seen_in(project.root))
        archive = Archive(sha256=listed, size_bytes=len(STAND_IN) * len(language.files))
    return LockedModel(
        archive=archive,
        benchmark=(),
        digest=digest,
        language=language,
        layout=None if language is None else "prefix",
        metric=spec.verify.metric,
        recipe="none",
        reference_bytes=100,
        sources=project.sources_hash(name),
        target=spec.target,
        value=1.0,
    )


def _language(folder: Path, name: str) -> LockedLanguage | None:
    """Lay down stand-ins for a language model's files; what is known of it is known of the real one."""
    language = Project(REPOSITORY).lock.models[name].language
    folder.mkdir(exist_ok=True)
    for file in () if language is None else language.files:
        (folder / file).write_bytes(STAND_IN)
    return language


def stand_in(model: str) -> bytes:
    """Return a model's bytes; one that a server lays out anew is an archive with a manifest."""
    if model != "minilm-fp32":
        return model.encode()
    content, packed = json.dumps({**TEXTS, "name": model}).encode(), io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        for name, data in (("manifest.json", content), ("model.onnx", b"onnx"), ("tokenizer.json", b"{}")):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return packed.getvalue()


def source_root(root: Path) -> Path:
    """Lay out what the app uploads besides models: the real functions, a stand-in for the server's image."""
    shutil.copytree(REPOSITORY / "lambdas", root / "lambdas", ignore=shutil.ignore_patterns("__pycache__"))
    # No __init__.py of these two: what runs the app here is the real one.
    packages = ("model_build/stand-in.py", "serving/__init__.py", "slipway/stand-in.py")
    images = [f"containers/{name}/Dockerfile" for name in ("model-build", "onnxruntime", "triton")]
    for file in (*images, *packages):
        (root / file).parent.mkdir(parents=True)
        (root / file).write_text("# stand-in\n", encoding="utf-8")
    return root


def feature_flags() -> dict[str, Any]:
    flags: dict[str, Any] = json.loads((REPOSITORY / "cdk.json").read_text(encoding="utf-8"))["context"]
    return flags


def synthesise(project: Path, sources: Path, environment: str, out: Path) -> dict[str, Template]:
    """Return the templates of an environment by stack name."""
    app = App(
        analytics_reporting=False, builtin_cloud_formation_validation=False, context=feature_flags(), outdir=str(out)
    )
    define(app, deployment=Project(project).deployment(environment), source_root=sources)
    app.synth()
    return templates_of(out)


def templates_of(assembly: Path) -> dict[str, Template]:
    """Return the templates of a cloud assembly by stack name."""
    return {
        path.name.removesuffix(".template.json"): json.loads(path.read_text(encoding="utf-8"))
        for path in sorted(assembly.glob("*.template.json"))
    }


@pytest.fixture(scope="session")
def flags() -> dict[str, Any]:
    """The feature flags of cdk.json, which the CLI hands to the app."""
    return feature_flags()


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return source_root(tmp_path_factory.mktemp("sources"))


@pytest.fixture(scope="session")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's own endpoints, environments and models, with stand-in archives; three build models too."""
    root = tmp_path_factory.mktemp("project")
    for folder in ("endpoints", "environments", "models"):
        shutil.copytree(REPOSITORY / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    for name, builds in BUILDS.items():
        with (root / "environments" / f"{name}.yaml").open("a", encoding="utf-8") as environment:
            environment.write(f"builds: {builds}\n")
    lock(root)
    return root


@pytest.fixture(scope="session")
def assemblies(
    project: Path, sources: Path, once: Callable[[str, Callable[[Path], object]], Path]
) -> dict[str, tuple[Path, dict[str, Template]]]:
    """For each environment of the repository: its cloud assembly, and the templates by stack name."""

    def fill(folder: Path) -> None:
        for environment in ENVIRONMENTS:
            synthesise(project, sources, environment, folder / environment)

    folder = once("assemblies", fill)
    return {environment: (folder / environment, templates_of(folder / environment)) for environment in ENVIRONMENTS}


@pytest.fixture(scope="session")
def template(assemblies: dict[str, tuple[Path, dict[str, Template]]]) -> Callable[[str, str], Template]:
    """Return a template of the repository's own, by environment and the end of the stack's name."""
    return lambda environment, name: assemblies[environment][1][f"slipway-{environment}-{name}"]


@pytest.fixture
def synth(
    tmp_path: Path, project: Path, sources: Path
) -> Callable[[Mapping[str, Any], Mapping[str, Any]], dict[str, Template]]:
    """Synthesise one endpoint of a test's own in an environment of its own; both are given as what differs."""

    def run(endpoint: Mapping[str, Any], environment: Mapping[str, Any]) -> dict[str, Template]:
        shutil.copytree(project / "models", tmp_path / "models")
        spec = {**({} if "kind" in endpoint else {"kind": "realtime", "variants": [VARIANT]}), **endpoint}
        place = {"account": "111122223333", "region": "eu-west-1", **environment}
        for file, content in (("endpoints/it.yaml", spec), ("environments/test.yaml", place)):
            (tmp_path / file).parent.mkdir()
            (tmp_path / file).write_text(yaml.safe_dump(content), encoding="utf-8")
        lock(tmp_path)
        return synthesise(tmp_path, sources, "test", tmp_path / "cdk.out")

    return run


@pytest.fixture
def synth_changed(tmp_path: Path, project: Path, sources: Path) -> Callable[..., dict[str, Template]]:
    """Synthesise the repository's own project with other bytes in some models' archives."""

    def run(environment: str, **changed: bytes) -> dict[str, Template]:
        root = shutil.copytree(project, tmp_path / "changed")
        lock(root, **changed)
        return synthesise(root, sources, environment, tmp_path / "changed.out")

    return run


@pytest.fixture(scope="session")
def of_type() -> Callable[[Template, str], Resources]:
    """Return a template's resources of one type."""
    return lambda template, kind: [
        resource for resource in template["Resources"].values() if resource["Type"] == f"AWS::{kind}"
    ]
