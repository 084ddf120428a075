"""The project's pinned ``cdk``, and what it makes of the project."""

from slipway.synth.cdk import Cdk
from slipway.synth.own import own_templates

__all__ = ["Cdk", "own_templates"]
