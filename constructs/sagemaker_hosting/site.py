from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from aws_cdk import IStackSynthesizer

    from sagemaker_hosting.shared_resources import SharedResources
    from slipway.specs import EnvironmentSpec


@dataclass(frozen=True)
class Site:
    """The ground that an endpoint is built on.

    Args:
        environment: Where it goes: network, images, retention.
        shared: The environment's key, capture bucket and topic.
        source_root: Folder that holds ``containers/``, ``lambdas/`` and ``serving/``.
        uploads: Takes files up under names of our own; it is bound to the stack.
    """

    environment: EnvironmentSpec
    shared: SharedResources
    source_root: Path
    uploads: IStackSynthesizer
