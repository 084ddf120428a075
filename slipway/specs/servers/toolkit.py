"""What the images with SageMaker's inference toolkit for PyTorch have in common: files under ``code/``."""

from __future__ import annotations

import ast
import tarfile
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Final

from slipway.specs.servers.serving_code import sources
from slipway.specs.text import Shape

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from slipway.catalog import InstanceType
    from slipway.specs.artifact import Artifact
    from slipway.specs.base import Keys
    from slipway.specs.servers.base import Layout

INFERENCE_PY: Final = '''"""What SageMaker's inference toolkit looks for."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # TorchServe puts the toolkit's own serving.py before it

from serving.toolkit import model_fn  # noqa: E402, F401
from serving.toolkit import {transform} as transform_fn  # noqa: E402, F401
'''

PACKAGES: Final = {
    "numpy": "2.4.6",
    "onnxruntime": "1.31.1",
    "openvino": "2026.4.1",
    "orjson": "3.13.0",
    "tokenizers": "0.23.3",
}
"""What our code imports and the images lack, or have older; as in the `serve` extra, to which a test holds it."""

RENAMED: Final = {"manifest.json": "slipway.json"}
"""multi-model-server takes any manifest.json, however deep, for its own."""

_PATH: Final = r"^(?!.*\.\.)(?!.*[^/]{201})(?!.{801})[A-Za-z0-9_][A-Za-z0-9_./-]*"
"""Relative, within the project, and no longer than file systems take."""

ScriptPath = Annotated[str, Shape(rf"{_PATH}\.py$", "a path of a Python file in the project")]
RequirementsPath = Annotated[str, Shape(rf"{_PATH}\.txt$", "a path of a .txt file in the project")]

# As many packages took 8 to 27 s from PyPI here, on a busy machine.
INSTALL_SECONDS: Final = 120

MEMORY_SHARE: Final = 0.9
"""Of a machine's memory, that the workers may take; the system and Java have the rest."""


def project_of(artifact: Artifact) -> Path:
    """Return the folder that the paths of a spec start from: above ``artifacts/<model>/<digest>/``."""
    return artifact.archive.parents[3]


def inference_py(transform: str) -> bytes:
    """Return our script, with the function of `serving.toolkit` that answers."""
    return INFERENCE_PY.format(transform=transform).encode()


def code(
    artifact: Artifact,
    ours: bytes,
    script: str | None,
    requirements: str | None,
    *,
    install: bool,
    present: frozenset[str] = frozenset(),
) -> Layout:
    """Return the files of the model folder: the artifact's own, and ``code/`` beside them.

    Args:
        artifact: The built model.
        ours: Our script.
        script: The user's own in its stead.
        requirements: What it needs.
        install: Whether the container installs what our code needs.
        present: Packages that the image has in versions of its own, which are not to be touched.
    """
    members = archived(artifact.archive)
    files: dict[str, bytes | str] = {RENAMED.get(name, name): name for name in members}
    files |= {f"code/serving/{name}": content for name, content in sources().items()}
    if script is not None:
        return files | _own(artifact, script, requirements)
    return (
        files | {"code/inference.py": ours} | ({"code/requirements.txt": _needed(members, present)} if install else {})
    )


def language_code(artifact: Artifact, script: str, requirements: str | None) -> Layout:
    """Return a language model's files with the user's script beside them."""
    files: dict[str, bytes | str] = {path.name: path.name for path in sorted(artifact.archive.iterdir())}
    return files | _own(artifact, script, requirements)


def _own(artifact: Artifact, script: str, requirements: str | None) -> dict[str, bytes | str]:
    root = project_of(artifact)
    files: dict[str, bytes | str] = {"code/inference.py": (root / script).read_bytes()}
    return files | ({} if requirements is None else {"code/requirements.txt": (root / requirements).read_bytes()})


@lru_cache(maxsize=64)
def archived(archive: Path) -> tuple[str, ...]:
    """Return the names of the files in an archive."""
    with tarfile.open(archive) as files:
        return tuple(files.getnames())


def _needed(members: tuple[str, ...], present: frozenset[str]) -> bytes:
    """Return the packages of the runtime that computes the model, and not those of the other."""
    spared = present | {"onnxruntime" if "model.xml" in members else "openvino"}
    return "".join(f"{name}=={version}\n" for name, version in PACKAGES.items() if name not in spared).encode()


def unreadable(artifact: Artifact, server: str) -> Iterator[tuple[Keys, str]]:
    """Say why an artifact cannot be laid out for an image with the toolkit."""
    name = f"the artifact of '{artifact.model}'"
    if artifact.locked.target == "llm":
        yield (), f"{name} is a language model's files, which '{server}' does not read: use 'server: lmi'"
    elif artifact.locked.target == "gpu":
        yield (), f"{name} is an engine for TensorRT, which '{server}' does not run: use 'server: triton'"
    elif artifact.locked.read_at is not None:
        yield (), f"{name} stays in S3, where nothing can be laid beside it: use 'server: onnxruntime'"


def script_problems(artifact: Artifact, script: str | None, requirements: str | None) -> Iterator[tuple[Keys, str]]:
    """Say what is wrong with the user's own files."""
    for key, path in (("script", script), ("requirements", requirements)):
        if path is not None and not (project_of(artifact) / path).is_file():
            yield (key,), f"'{path}' is no file of the project"
            return
    if script is None and requirements is not None:
        yield ("requirements",), "are of a script of your own, and there is none: add 'script', or remove the key"
    if script is not None:
        yield from ((("script",), message) for message in _script_problems(project_of(artifact) / script))


def _script_problems(path: Path) -> Iterator[str]:
    try:
        tree = ast.parse(path.read_bytes())
    except SyntaxError as error:
        place = "it" if error.lineno is None else f"line {error.lineno} of it"
        yield f"{place} is not Python: {error.msg}"
        return
    except (MemoryError, RecursionError):  # what Python itself says of a file that is nested too deeply
        yield "it is nested more deeply than Python reads"
        return
    named = set(_named(tree.body))
    if not named & {"model_fn", "*"}:
        yield "defines no 'model_fn', and the toolkit's own loads TorchScript alone: define model_fn(model_dir)"
    if "transform_fn" in named and (parts := named & {"input_fn", "predict_fn", "output_fn"}):
        yield f"defines transform_fn and {min(parts)}, which the toolkit refuses together: keep one of them"


def _named(body: Iterable[ast.stmt]) -> Iterator[str]:
    """Yield what a module's statements give names to; ``*`` for all that another module holds."""
    for node in body:
        if isinstance(node, ast.FunctionDef):
            yield node.name
        elif isinstance(node, ast.ImportFrom | ast.Import):
            yield from (alias.asname or alias.name for alias in node.names)
        elif isinstance(node, ast.Assign):
            yield from (target.id for target in node.targets if isinstance(target, ast.Name))
        elif isinstance(node, ast.If | ast.Try | ast.With):
            handlers = [each.body for each in getattr(node, "handlers", [])]
            for inner in (node.body, getattr(node, "orelse", []), getattr(node, "finalbody", []), *handlers):
                yield from _named(inner)


def worker_problems(
    artifact: Artifact, workers: int | None, machine: InstanceType | None
) -> Iterator[tuple[Keys, str]]:
    """Say why so many processes, each with the whole model, do not go onto a machine."""
    if machine is None or machine.vcpus is None or machine.memory_mib is None:
        return
    if workers is not None and workers > machine.vcpus:
        yield (
            ("workers",),
            f"{workers} would share the {machine.vcpus} vCPUs of '{machine.name}': write at most as many",
        )
    count, peak = workers or machine.vcpus, artifact.locked.peak_memory_bytes
    if peak is None:
        return
    most = int(machine.memory_mib * 2**20 * MEMORY_SHARE / peak)
    if count > most:
        each = f"each takes {peak / 2**20:,.0f} MiB and '{machine.name}' has {machine.memory_mib:,}"
        mend = f"write 'workers: {most}'" if most > 0 else "use a machine with more memory"
        yield ("workers",), f"{count} do not fit, {each}: {mend}"


def threads_of(workers: int | None, machine: InstanceType | None) -> dict[str, str]:
    """Return the variable that divides a machine's vCPUs between its workers."""
    if machine is None or machine.vcpus is None:
        return {}
    return {"SLIPWAY_THREADS": str(max(1, machine.vcpus // (workers or machine.vcpus)))}
