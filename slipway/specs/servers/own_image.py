from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal

from pydantic import Field

from slipway.specs.servers.base import ServerSpec
from slipway.specs.text import Bytes, Shape

if TYPE_CHECKING:
    from slipway.catalog import InstanceType

Uri = Annotated[
    str,
    Shape(
        r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,199}(?:@sha256:[0-9a-f]{64}|:(?!latest$)[A-Za-z0-9_][A-Za-z0-9_.-]{0,127})$",
        "an image with a digest or a tag, and 'latest' is none: it is another program tomorrow",
    ),
    Bytes(255),
    Field(examples=["111122223333.dkr.ecr.eu-west-1.amazonaws.com/reader:1.2.0"]),
]


class OwnImage(ServerSpec):
    """An image of the user's own that speaks SageMaker's contract: GET /ping and POST /invocations on port 8080."""

    on_arm64: ClassVar[bool] = True

    name: Literal["image"]
    """Bring your own."""
    uri: Uri
    """What runs; a tag that moves would let two machines of a fleet run different programs."""

    def image(self, region: str, machine: InstanceType | None) -> str | None:  # noqa: ARG002
        """Return what the user wrote."""
        return self.uri
