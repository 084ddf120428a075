"""Stacks compose constructs; they define no resource themselves."""

from stacks.environment import define, define_builds

__all__ = ["define", "define_builds"]
