"""Stacks compose constructs; they define no resource themselves."""

from stacks.environment import define

__all__ = ["define"]
