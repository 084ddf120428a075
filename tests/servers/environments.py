"""Virtual environments for servers of others; the local cloud, which starts some of them, makes them too.

``python -m tests.servers.environments`` makes those that the tests ask for, side by side: pip mostly waits.
"""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from slipway.local_cloud.hosts.environments import FOLDER, PROJECT, EnvironmentFailureError, environment

__all__ = ["ASKED_FOR", "FOLDER", "PROJECT", "EnvironmentFailureError", "environment"]

ASKED_FOR = {"djl-deepspeed": True, "huggingface": True, "torchserve": True, "triton": False}
"""Whether each finds the project's own packages as well."""


def main() -> None:
    """Make all of them; the first that cannot be made is told."""

    def make(name: str) -> Path:
        return environment(name, over_project=ASKED_FOR[name])

    with ThreadPoolExecutor(len(ASKED_FOR)) as threads:
        list(threads.map(make, ASKED_FOR))


if __name__ == "__main__":
    main()
