"""Where an artifact lies that stays in S3."""

from __future__ import annotations

from typing import Annotated

from slipway.specs.account import Account, Key
from slipway.specs.base import Spec
from slipway.specs.text import Shape

Prefix = Annotated[
    str,
    Shape(
        r"^s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/([A-Za-z0-9._-]+/)+$", "a folder in S3, such as s3://bucket/folder/"
    ),
]


class Location(Spec):
    """Where an artifact lies unpacked, to be read there."""

    uri: Prefix
    """Of the folder; a slash last."""
    key_arn: Key
    """Of the key that encrypts it."""
    account: Account
    """Whose the bucket is."""
    region: str
    """Where the bucket is."""

    @property
    def bucket(self) -> str:
        """Name of the bucket."""
        return self.uri.split("/")[2]

    @property
    def prefix(self) -> str:
        """What the objects' keys begin with; a slash last."""
        return self.uri.split("/", 3)[3]
