"""boto3 clients that talk to this cloud, whatever the caller's own AWS settings are."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .places import Place


@cache
def client(url: str, place: Place, service: str) -> Any:
    """Return a client of a service of the cloud at ``url`` for one account and region."""
    import boto3
    from botocore.config import Config

    session = boto3.session.Session(
        aws_access_key_id=place.account,
        aws_secret_access_key="local",  # noqa: S106  the emulator asks for any
        region_name=place.region,
    )
    return session.client(service, endpoint_url=url, config=Config(proxies={}, connect_timeout=5))
