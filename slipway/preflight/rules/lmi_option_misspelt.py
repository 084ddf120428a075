from __future__ import annotations

from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from slipway.catalog import lmi_options
from slipway.preflight.images import held
from slipway.preflight.rule import Rule, Severity, Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.preflight.template import Template

PREFIX: Final = "OPTION_"
ALIKE: Final = 0.88


class LmiOptionMisspelt(Rule):
    """An option of an LMI container is spelt as LMI or vLLM knows it."""

    id = "LmiOptionMisspelt"
    severity = Severity.WARNING
    consequence = "The option has no effect, or the server stops at its start."
    mend = "write the option as its documentation does"
    source = "LMI deployment guide, configurations, and its user guides, 2026-11"

    def violations(self, template: Template) -> Iterator[Violation]:
        """Find names that are nearly right; others may be of vLLM."""
        for container in held(template):
            for name in container.environment if str(container.server).startswith("djl-") else ():
                near = _near(name.removeprefix(PREFIX).lower()) if name.startswith(PREFIX) else None
                if near is not None:
                    message = f"'{name}' is no option, did you mean '{PREFIX}{near.upper()}'?"
                    yield Violation(container.resource, container.at("Environment", name), message)


@lru_cache(maxsize=1024)
def _near(option: str) -> str | None:
    """Return the option that was meant; None where it is one, or is like none."""
    if option in lmi_options():
        return None
    return next(iter(get_close_matches(option, sorted(lmi_options()), n=1, cutoff=ALIKE)), None)
