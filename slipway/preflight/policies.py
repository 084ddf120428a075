"""Resource policies, as far as rules look into them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


def allowing(document: Any, action: str) -> list[dict[str, Any]] | None:
    """Return the statements that may allow an action; None where the policy is not known.

    Args:
        document: The policy, resolved.
        action: In small letters, such as ``sns:publish``; one that it begins is allowed with it.
    """
    statements = document.get("Statement") if isinstance(document, dict) else None
    listed = statements if isinstance(statements, list) else [statements]
    known = [statement for statement in listed if isinstance(statement, dict)]
    if len(known) < len(listed):
        return None
    return [each for each in known if each.get("Effect") != "Deny" and _covers(each.get("Action"), action)]


def admits(statements: list[dict[str, Any]] | None, service: str, *, accounts: bool) -> bool | None:
    """Return whether one of some statements is for a service; None where that cannot be said.

    Args:
        statements: That allow an action.
        service: Its principal.
        accounts: Whether a statement for a whole account may reach a service, as those of topics do by their
            conditions; those of keys do not.
    """
    if statements is None:
        return None
    principals = [statement.get("Principal") for statement in statements]
    if any(isinstance(each, dict) and service in _texts([each.get("Service")]) for each in principals):
        return True
    return False if all(_is_for_others(each, accounts=accounts) for each in principals) else None


def _is_for_others(principal: Any, *, accounts: bool) -> bool:
    """Return whether a principal is certainly other services, roles or users."""
    if not isinstance(principal, dict) or not {*principal} <= {"Service", "AWS"}:
        return False
    texts = _texts(principal.values())
    if not accounts and "*" not in _texts([principal.get("AWS")]):
        texts = _texts([principal.get("Service", [])])
    return all(isinstance(text, str) and _is_other(text) for text in texts)


def _is_other(principal: str) -> bool:
    return principal.endswith(".amazonaws.com") or ":role/" in principal or ":user/" in principal


def _covers(actions: Any, action: str) -> bool:
    texts = [each.casefold().rstrip("*") if isinstance(each, str) else "" for each in _texts([actions])]
    return any(action.startswith(text) or text.startswith(action) for text in texts)


def _texts(values: Iterable[Any]) -> list[Any]:
    return [text for value in values for text in (value if isinstance(value, list) else [value])]
