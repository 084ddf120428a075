"""How long a variant's archives may take to arrive and its servers to start, from the archives' size."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Sequence

    from slipway.specs.artifact import Artifact
    from slipway.specs.async_endpoint import AsyncEndpointSpec
    from slipway.specs.component import Component
    from slipway.specs.containers import ContainersSpec
    from slipway.specs.parts import Variant

    FetchesArchives: TypeAlias = Variant | AsyncEndpointSpec | ContainersSpec | Component

# Source: SageMaker accepts 60 to 3600 s for both.
MOST_SECONDS: Final = 3600
# Guesses, meant to be generous, not measured: S3 and unpacking give 10 MiB/s where they are slow, reading weights into
# memory 20 MiB/s; a start without any weights takes what it was allowed before sizes counted.
DOWNLOAD_SECONDS: Final = 300
DOWNLOAD_BYTES_PER_SECOND: Final = 10 << 20
STARTUP_SECONDS: Final = 600
STARTUP_BYTES_PER_SECOND: Final = 20 << 20
# Whole minutes, so that an archive which grows by a byte changes nothing.
STEP_SECONDS: Final = 60


def download_timeout_seconds(variant: FetchesArchives, *artifacts: Artifact) -> int:
    """Return how long SageMaker may take to fetch and unpack a variant's archives: its choice, else 300 s + size."""
    if variant.download_timeout_seconds is not None:
        return variant.download_timeout_seconds
    return _for_size(DOWNLOAD_SECONDS, artifacts, DOWNLOAD_BYTES_PER_SECOND)


def startup_timeout_seconds(variant: FetchesArchives, *artifacts: Artifact) -> int:
    """Return how long a variant's containers may take until /ping answers.

    Its own choice, else 600 s and what the size takes, and never less than a server says that it waits itself.
    """
    if variant.startup_timeout_seconds is not None:
        return variant.startup_timeout_seconds
    waits = [server.least_startup_seconds(it) for server, it in zip(variant.servers, artifacts, strict=True)]
    return min(MOST_SECONDS, max(_for_size(STARTUP_SECONDS, artifacts, STARTUP_BYTES_PER_SECOND), *waits))


def _for_size(base: int, artifacts: Sequence[Artifact], bytes_per_second: int) -> int:
    # Containers of one machine share its network and its disk.
    size_bytes = sum(artifact.locked.archive.size_bytes for artifact in artifacts)
    whole_steps = size_bytes // (bytes_per_second * STEP_SECONDS)
    return min(MOST_SECONDS, base + whole_steps * STEP_SECONDS)
