from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

from model_build.sources import hub, pretrained
from model_build.sources.unpack import unpack
from model_build.sources.weights import require_weights
from slipway.specs import HostError
from slipway.specs.source import fetched_file

if TYPE_CHECKING:
    from pathlib import Path

    from model_build.source import Original
    from model_build.sources.origin import Origin


def read(origin: Origin) -> Original:
    """Return the original that files hold.

    Raises:
        SpecError: If they are not what they should be; with the mend.
        HostError: If they cannot be had here and now.
    """
    from model_build.sources import onnx_file  # which imports torch

    if origin.source.onnx is not None:
        return onnx_file.read(origin, origin.folder / origin.source.onnx)
    folder = weights_folder(origin)
    graphs = sorted(folder.glob("*.onnx"))
    if (folder / "config.json").is_file():
        return pretrained.read(origin, folder)
    if len(graphs) == 1:
        return onnx_file.read(origin, graphs[0])
    accepted = "config.json with model.safetensors, or one ONNX file; or write 'python' beside it, which reads it"
    raise origin.problem(f"holds {len(graphs)} ONNX files and no config.json, accepted: {accepted}")


def weights_folder(origin: Origin) -> Path:
    """Return the folder that the weights lie in: here, from the hub, or unpacked."""
    source = origin.source
    if source.huggingface is None:
        folder = _unpacked(origin)
    elif "@" in source.huggingface:
        folder = hub.snapshot(origin, source.huggingface)
    else:
        folder = origin.folder / source.huggingface
    require_weights(origin, folder)
    return folder


def _unpacked(origin: Origin) -> Path:
    archive = _archive(origin)
    if origin.source.sha256 is not None and (found := _sha256(archive)) != origin.source.sha256:
        raise origin.problem(f"holds {found}, model.yaml says {origin.source.sha256}: is it another version?", "sha256")
    folder = origin.scratch / "source"
    folder.mkdir(parents=True)
    unpack(archive, folder, origin.problem)
    inside: list[Path] = list(folder.iterdir())
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder


def _archive(origin: Origin) -> Path:
    named: Any = origin.source.archive
    if named is not None and not named.startswith("s3://"):
        return origin.folder / str(named)
    fetched = fetched_file(origin.root, str(origin.source.sha256))
    if not fetched.is_file():
        what = named or origin.source.package
        raise HostError(f"{what} is not on this machine: `slipway build {origin.folder.name}` fetches it")
    return fetched


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
