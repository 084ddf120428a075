"""What a rule is. One rule is one file under ``rules/``, found by itself."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Path, Resource, Template


class Severity(StrEnum):
    """What becomes of a deployment that a rule finds fault with."""

    ERROR = "error"
    """AWS refuses it, or it does not do what it says."""
    WARNING = "warning"
    """It works, and good practice is otherwise."""


@dataclass(frozen=True)
class Violation:
    """One place where a template breaks a rule.

    Args:
        resource: That is at fault.
        path: Of the property, below ``Properties``.
        message: What was received and what is accepted; lower case, no full stop.
    """

    resource: Resource
    path: Path
    message: str


@dataclass(frozen=True, order=True)
class Finding:
    """A violation as users get it.

    Args:
        rule: Id.
        severity: ``error`` or ``warning``.
        resource: Logical id.
        path: As in ``ProductionVariants[0].InstanceType``.
        message: What was received and what is accepted.
        mend: What to do.
        acknowledged: Why it is accepted here; None where it is not.
        construct: Path of the CDK construct that made the resource; None where none did.
        steps: The path, key by key.
    """

    resource: str
    path: str
    rule: str
    severity: Severity
    message: str
    mend: str
    acknowledged: str | None = None
    construct: str | None = None
    steps: Path = field(default=(), compare=False, repr=False)


class Rule(ABC):
    """Something that a hosting template must or should be."""

    id: ClassVar[str]
    """As in ``VolumeOnNvme``; the file has the same name in small letters."""
    severity: ClassVar[Severity]
    consequence: ClassVar[str]
    """What AWS does if it is deployed anyway; a sentence."""
    mend: ClassVar[str]
    """What to do; lower case, no full stop."""
    source: ClassVar[str]
    """Where the fact is from, with its date."""

    @abstractmethod
    def violations(self, template: Template) -> Iterator[Violation]:
        """Yield every place where the template breaks the rule; what is unknown breaks none."""
