"""No secret in a template: every one of the repository's own, in every environment."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from slipway.specs.secrets import secret_in

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

Template = dict[str, Any]

SECRET_NAME = re.compile(r"passw|secret|token|credential|api_?key|private_?key|access_?key", re.IGNORECASE)
# Names that hold such a word and no secret: what services call their settings.
HARMLESS = {
    "OPTION_MAX_TOKENS",
    "TokenKey",
    "AccessTokenValidity",
    "TokenValidityUnits",
    "ApiKeyRequired",
    "ApiKeySourceType",
}


def values(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every literal text of a template, with where it stands."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from values(inner, f"{path}/{key}")
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from values(inner, f"{path}/{number}")
    elif isinstance(value, str):
        yield path, value


def secrets(template: Template) -> list[str]:
    """What looks like a secret, by its form or by its name."""
    found = [f"{path}: {what}" for path, text in values(template) if (what := secret_in(text)) is not None]
    for path, text in values(template.get("Resources", {})):
        name = path.rpartition("/")[2]
        if SECRET_NAME.search(name) and name not in HARMLESS and not text.startswith("{{resolve:"):
            found.append(f"{path}: a literal value")
    for name, parameter in template.get("Parameters", {}).items():
        if (parameter.get("NoEcho") or SECRET_NAME.search(name)) and "Default" in parameter:
            found.append(f"/Parameters/{name}: a default")
    return found


def test_no_template_holds_a_secret(assemblies: dict[str, tuple[Path, dict[str, Template]]]) -> None:
    templates = {name: template for _, found in assemblies.values() for name, template in found.items()}
    assert len(templates) > 12
    assert {name: found for name, template in templates.items() if (found := secrets(template))} == {}


def test_a_secret_would_be_seen(template: Callable[[str, str], Template]) -> None:
    careless = json.loads(json.dumps(template("dev", "digit-reader")))
    resources = careless["Resources"]
    function = next(entry for entry in resources.values() if entry["Type"] == "AWS::Lambda::Function")
    function["Properties"]["Environment"]["Variables"] |= {"DB_PASSWORD": "x", "URL": "https://me:hunter2@example.com"}
    careless["Parameters"]["ApiKey"] = {"Type": "String", "Default": "x"}
    assert len(secrets(careless)) == 3


@pytest.mark.parametrize(
    "text",
    [
        "AKIAIOSFODNN7EXAMPLE",
        "-----BEGIN RSA PRIVATE KEY-----",
        "ghp_0123456789abcdefghijABCDEFGHIJ012345",
        "hf_abcdEFGHijklMNOPqrstUVWXyzabcdEFGH",
        "postgres://reader:hunter2@db.internal/models",
    ],
)
def test_secrets_are_known_by_their_form(text: str) -> None:
    assert secret_in(text) is not None


@pytest.mark.parametrize(
    "text", ["s3://bucket/key", "arn:aws:s3:::bucket/a:b@c", "https://example.com/a@b", "task-1", "{{resolve:ssm:x}}"]
)
def test_what_is_no_secret_passes(text: str) -> None:
    assert secret_in(text) is None
