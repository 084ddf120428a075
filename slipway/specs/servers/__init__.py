"""What can answer inside a container. A new server is one more file, and one more member of the union."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, TypeAlias, Union, get_args

from pydantic import AfterValidator, Discriminator, Tag, WithJsonSchema

from slipway.specs.outline import BARE
from slipway.specs.servers.base import ServerSpec
from slipway.specs.servers.djl_deepspeed import DjlDeepSpeed
from slipway.specs.servers.djl_mpi import DjlMpi
from slipway.specs.servers.huggingface import HuggingFace
from slipway.specs.servers.lmi import Lmi
from slipway.specs.servers.onnxruntime import OnnxRuntime
from slipway.specs.servers.own_image import OwnImage
from slipway.specs.servers.torchserve import TorchServe
from slipway.specs.servers.triton import Triton
from slipway.specs.text import refuse

__all__ = [
    "DjlDeepSpeed",
    "DjlMpi",
    "HuggingFace",
    "Lmi",
    "OnnxRuntime",
    "OwnImage",
    "Server",
    "ServerName",
    "ServerSpec",
    "TorchServe",
    "Triton",
]

ServerName = Literal["onnxruntime", "triton", "lmi", "djl-mpi", "djl-deepspeed", "huggingface", "torchserve", "image"]
_KINDS: Final[dict[str, type[ServerSpec]]] = {
    "onnxruntime": OnnxRuntime,
    "triton": Triton,
    "lmi": Lmi,
    "djl-mpi": DjlMpi,
    "djl-deepspeed": DjlDeepSpeed,
    "huggingface": HuggingFace,
    "torchserve": TorchServe,
    "image": OwnImage,
}
assert tuple(_KINDS) == get_args(ServerName)  # noqa: S101  a name that has no class could be written and not read


def name(written: Any) -> Any:
    """Return which member of the union is meant; pydantic shows this function's name as the key that decides."""
    return written.get("name") if isinstance(written, dict) else getattr(written, "name", BARE)


def _needed(bare: str) -> list[str]:
    """Return the options that a server cannot do without."""
    return [key for key, field in _KINDS[bare].model_fields.items() if key != "name" and field.is_required()]


def _without_options(bare: str) -> ServerSpec:
    if _needed(bare):
        options = ", ".join(f"{key}: …" for key in _needed(bare))
        raise refuse(f"needs more than its name: write '{{name: {bare}, {options}}}'")
    return _KINDS[bare].model_validate({"name": bare})


if TYPE_CHECKING:
    Server: TypeAlias = ServerSpec
else:
    Server = Annotated[
        Union[
            Annotated[
                ServerName,
                AfterValidator(_without_options),
                Tag(BARE),
                WithJsonSchema({"enum": [name for name in _KINDS if not _needed(name)], "type": "string"}),
            ],
            *(Annotated[kind, Tag(name)] for name, kind in _KINDS.items()),
        ],
        Discriminator(name),
    ]
    """A server's name, or a mapping with its name and options."""
