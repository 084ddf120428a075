"""What is wrong with a command line, in our own words instead of typer's and pydantic's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from typer.exceptions import TyperException

SEE_HELP = "(--help lists what is accepted)"
NO_COMMAND = "NoArgsIsHelpError"
"""What typer raises where a command is missing; it holds the whole help. Its class is private."""


def explain(error: TyperException) -> str:
    """Say what was received, and what is accepted."""
    if type(error).__name__ == NO_COMMAND:
        return error.format_message()
    said = error.format_message().rstrip(".")
    if (detail := _detail(error)) is not None:
        said = f"{said.partition(': ')[0]}: '{detail['input']}' {_words(detail)}"
    said = said.replace(". Did you mean", ", did you mean").replace("(Possible options:", "(possible options:")
    return f"{said[:1].lower()}{said[1:]} {SEE_HELP}"


def _detail(error: TyperException) -> Mapping[str, Any] | None:
    """Return pydantic's finding about the value of an option, if there is one."""
    from pydantic import ValidationError

    cause = error.__cause__
    return cause.errors(include_url=False)[0] if isinstance(cause, ValidationError) else None


def _words(detail: Mapping[str, Any]) -> str:
    bounds = detail.get("ctx", {})
    match detail["type"]:
        case "int_parsing":
            return "is not a whole number"
        case "float_parsing":
            return "is not a number"
        case "greater_than_equal":
            return f"is too small, at least {bounds['ge']:g} is accepted"
        case "less_than_equal":
            return f"is too large, at most {bounds['le']} is accepted"
        case _:  # a choice: the message begins with the value, which is said already
            return str(bounds.get("error", detail["msg"])).removeprefix(f"'{detail['input']}' ").rstrip(".")
