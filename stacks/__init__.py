"""Stacks compose constructs; they define no resource themselves."""

from stacks.environment import define, define_builds, define_part

__all__ = ["define", "define_builds", "define_part"]
