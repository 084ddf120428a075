"""Account and region, the scope of every record, and the ARNs within it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, order=True)
class Place:
    """One account in one region: nothing here is seen from another place."""

    account: str
    region: str

    def arn(self, service: str, resource: str) -> str:
        """Return the ARN of a resource of this place, as in ``arn("sagemaker", "model/minilm")``."""
        return f"arn:aws:{service}:{self.region}:{self.account}:{resource}"
