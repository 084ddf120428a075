"""The newcomer's tour: build, deploy into a local cloud with the real cdk, ask, compare with the originals."""

from slipway.demo.result import CheckedEndpoint, CheckedFront, DemoResult
from slipway.demo.tour import run

__all__ = ["CheckedEndpoint", "CheckedFront", "DemoResult", "run"]
