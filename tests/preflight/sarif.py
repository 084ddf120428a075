"""The part of SARIF 2.1.0 that a log of ours uses, as a schema of our own: what is required, and no other keys.

Written from the standard (docs.oasis-open.org/sarif/sarif/v2.1.0, sections 3.13 to 3.58), 2026-11; a log was checked
against the standard's own schema once.
"""

from __future__ import annotations

from typing import Any

TEXT = {"type": "string", "minLength": 1}
LEVEL = {"enum": ["none", "note", "warning", "error"]}


def holding(*required: str, **keys: Any) -> dict[str, Any]:
    return {"type": "object", "required": list(required), "properties": keys, "additionalProperties": False}


def listing(of: Any) -> dict[str, Any]:
    return {"type": "array", "items": of}


MESSAGE = holding("text", text=TEXT)
RULE = holding(
    "id",
    id=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    defaultConfiguration=holding(level=LEVEL),
)
DRIVER = holding("name", name=TEXT, rules={**listing(RULE), "uniqueItems": True})
PLACE = holding(
    artifactLocation=holding(uri={"type": "string", "format": "uri-reference", "pattern": r"^\S+$"}),
    region=holding(startLine={"type": "integer", "minimum": 1}),
)
LOCATION = holding(physicalLocation=PLACE, logicalLocations=listing(holding(fullyQualifiedName=TEXT, kind=TEXT)))
RESULT = holding(
    "message",
    ruleId=TEXT,
    level=LEVEL,
    message=MESSAGE,
    locations=listing(LOCATION),
    suppressions=listing(holding("kind", kind={"enum": ["inSource", "external"]}, justification=TEXT)),
)
INVOCATION = holding(
    "executionSuccessful",
    executionSuccessful={"type": "boolean"},
    toolExecutionNotifications=listing(holding("message", message=MESSAGE, level=LEVEL)),
)
RUN = holding("tool", tool=holding("driver", driver=DRIVER), invocations=listing(INVOCATION), results=listing(RESULT))
SARIF = holding("version", "runs", **{"$schema": TEXT, "version": {"const": "2.1.0"}, "runs": listing(RUN)})
