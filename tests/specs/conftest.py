"""The corpus of refusals: one small file, or folder, for each defect, with the exact message beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from slipway.specs import Archive, Lock, LockedModel, ModelSpec, Project
from slipway.specs.endpoint import EndpointSpec
from slipway.specs.environment import EnvironmentSpec
from slipway.specs.language_artifact import LanguageFacts, LockedLanguage
from slipway.specs.location import Location
from slipway.specs.optimized import Optimized
from slipway.specs.reader import read
from slipway.specs.validate import validate

if TYPE_CHECKING:
    from collections.abc import Callable

    from slipway.specs.neo import Neo

HERE = Path(__file__).parent
KINDS: dict[str, Any] = {"endpoint": EndpointSpec, "environment": EnvironmentSpec, "model": ModelSpec}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite-messages", action="store_true", help="write what is said now; then read the diff")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    for name, paths in (
        ("invalid_file", sorted(path for kind in KINDS for path in HERE.glob(f"invalid/{kind}/*.yaml"))),
        ("invalid_project", sorted(HERE.glob("invalid/project/*"))),
        ("valid_file", sorted(HERE.glob("valid/*/*.yaml"))),
    ):
        if name in metafunc.fixturenames:
            metafunc.parametrize(name, paths, ids=[f"{path.parent.name}-{path.stem}" for path in paths])


@pytest.fixture
def expect(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """Compare a message with the one beside its case."""

    def compare(file: Path, message: str) -> None:
        if request.config.getoption("--rewrite-messages", default=False):
            file.write_text(f"{message}\n", encoding="utf-8")
        assert file.read_text(encoding="utf-8") == f"{message}\n"

    return compare


@pytest.fixture
def read_spec() -> Callable[[Path], Any]:
    """Read a file of the corpus as what its folder says."""
    return lambda path: validate(read(path, f"{path.parent.name}s/{path.name}"), KINDS[path.parent.name])


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A small project in which all is well and everything is built."""
    shutil.copytree(HERE / "project", tmp_path / "project")
    name_sources(tmp_path / "project")
    build(tmp_path / "project", {})
    return Project(tmp_path / "project")


@pytest.fixture
def broken_project(tmp_path: Path) -> Callable[[Path], Project]:
    """Lay a case over the small project, build what it can, and lay ``after/`` over that."""

    def lay(case: Path) -> Project:
        root = tmp_path / "project"
        shutil.copytree(HERE / "project", root)
        shutil.copytree(case, root, dirs_exist_ok=True)
        name_sources(root)
        built = root / "built.json"
        build(root, json.loads(built.read_text()) if built.exists() else {})
        if (root / "after").exists():
            shutil.copytree(root / "after", root, dirs_exist_ok=True)
            name_sources(root)
        return Project(root)

    return lay


def name_sources(root: Path) -> None:
    """Give the sources their names; in the corpus they end in .txt, so that no tool takes them for code of ours."""
    for file in root.glob("models/*/*.py.txt"):
        file.rename(file.with_suffix(""))


def build(root: Path, wanted: dict[str, Any]) -> None:
    """Write a lock and artifacts as a build would; the archives are holes of the right size."""
    project, locked = Project(root), {}
    specs, _ = project._models  # noqa: SLF001  the broken ones of a case are not built
    for name in specs if "digits" in specs else ():
        how = wanted.get(name, 1000)
        if how is None or not name.islower() or specs[name].source.model not in (None, "digits"):
            continue
        size = how if isinstance(how, int) else 1000
        locked[name] = _locked(project, name, size)
        if how != "elsewhere":
            folder = project.artifact_folder(name, locked[name].digest)
            file = "model.tar.gz" if specs[name].target != "llm" else "model/model.safetensors"
            (folder / file).parent.mkdir(parents=True)
            with (folder / file).open("wb") as archive:
                archive.truncate(size - (how == "cut short"))
    project.lock_file.write_text(Lock(models=locked).text())


def _locked(project: Project, name: str, size: int) -> LockedModel:
    from slipway.specs.sources import sources_hash

    spec = project._models[0][name]  # noqa: SLF001  see above
    gpu, llm = spec.gpu, spec.target == "llm"
    neo = None if spec.neo is None else _compiled(spec.neo)
    return LockedModel(
        optimized=neo,
        digest="ab" * 32,
        sources=sources_hash(project.root, project._models[0], name),  # noqa: SLF001  see above
        target="llm" if llm else "cpu-int8" if gpu is None else "gpu",
        layout="prefix" if llm else None,
        sm=None if gpu is None else gpu.architecture,
        archive=Archive(sha256="cd" * 32, size_bytes=size),
        reference_bytes=4000,
        metric="accuracy",
        value=0.98,
        recipe="none",
        benchmark=(),
        language=_language() if llm else None,
    )


def _language() -> LockedLanguage:
    """What a lock tells of a small model, eight-bit already, that fits one GPU of some machines."""
    return LockedLanguage(
        architecture="LlamaForCausalLM",
        precision="fp8",
        facts=LanguageFacts(attention_heads=12, kv_heads=12, layers=2, max_tokens=2048, quantization="fp8"),
        degrees={"ml.g5.12xlarge": 1, "ml.g5.48xlarge": 1, "ml.g6.12xlarge": 2, "ml.c7i.xlarge": 1},
        files=("config.json", "model.safetensors"),
    )


def _compiled(neo: Neo) -> Optimized:
    place = Location(
        uri="s3://built/artifacts/digits/slipway-prod-build-n1-1/",
        key_arn="arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809",
        account="111122223333",
        region="eu-west-1",
    )
    return Optimized(
        job="slipway-prod-build-n1-1",
        settings=neo.settings("ab" * 32),
        location=place,
        size_bytes=500,
        archive="model-ml_c5.tar.gz",
        device=neo.device,
        image="301217895009.dkr.ecr.eu-west-1.amazonaws.com/sagemaker-neo-onnx:1.5.0-cpu-py3",
    )
