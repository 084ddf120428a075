"""What AWS calls accounts and keys."""

from __future__ import annotations

from typing import Annotated

from slipway.specs.text import Shape

Account = Annotated[str, Shape(r"^[0-9]{12}$", "an account: twelve digits in quotes")]
Key = Annotated[
    str,
    Shape(
        r"^arn:aws(-cn|-us-gov)?:kms:[a-z0-9-]+:[0-9]{12}:key/"
        r"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|mrk-[0-9a-f]{32})$",
        "a KMS key's ARN, such as arn:aws:kms:eu-west-1:111122223333:key/1a2b3c4d-5e6f-7081-92a3-b4c5d6e7f809",
    ),
]
