"""What a front's keys demand of each other, of the endpoint behind it and of the environment around it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from slipway.specs.base import Findings, Keys
    from slipway.specs.document import Document
    from slipway.specs.environment import EnvironmentSpec
    from slipway.specs.errors import Problem
    from slipway.specs.front import BaseFront

INTEGRATION_SECONDS: Final = 29
# SageMaker gives a model 60 s for an answer that it does not stream.
BUFFERED_SECONDS: Final = 62
BELONGS: Final = {"keys": "api-key", "usage": "api-key", "cognito": "cognito", "open_because": "none"}


def check_auth(findings: Findings, front: BaseFront) -> None:
    """Find keys that this authentication has no use for, and those that it lacks."""
    for key, auth in BELONGS.items():
        if getattr(front, key) is not None and front.auth != auth:
            message = f"belongs to auth: {auth} and this is auth: {front.auth}: remove the key, or change 'auth'"
            findings.add((key,), message, because=(("auth",),))
    if front.auth == "cognito" and front.cognito is None:
        findings.add(("auth",), "needs 'cognito', for instance {user_pool_arn: 'arn:...', scopes: [models/ask]}")
    if front.auth == "none" and front.open_because is None:
        findings.add(("auth",), "'none' lets anybody call: say why in 'open_because', or use iam, api-key or cognito")
    _check_keys(findings, front)
    _check_waf(findings, front)


def _check_keys(findings: Findings, front: BaseFront) -> None:
    seen: dict[str, str] = {}
    for index, key in enumerate(() if front.keys is None else front.keys):
        other = seen.setdefault(key.replace("-", ""), key)
        if other != key:
            findings.add(("keys", index), f"'{key}' differs from '{other}' in hyphens only: name it apart")


def _check_waf(findings: Findings, front: BaseFront) -> None:
    if front.waf is None:
        return
    keys = ("rate_limit_per_5_minutes", "web_acl_arn", "off_because")
    given = [key for key in keys if getattr(front.waf, key) is not None]
    if len(given) > 1:
        findings.add(("waf", given[1]), f"'{given[0]}' is given too: keep one of the two")
    if front.waf.off_because is not None and front.auth in {"iam", "cognito"}:
        findings.add(
            ("waf", "off_because"), f"auth: {front.auth} has no web ACL by default: remove 'waf'", because=(("auth",),)
        )


def check_patience(findings: Findings, front: BaseFront) -> None:
    """Find a caller who waits longer than API Gateway lets anybody wait."""
    if front.streams:
        if front.raised_integration_limit:
            message = "a stream has 15 minutes of API Gateway without it: remove the key"
            findings.add(("raised_integration_limit",), message, because=(("response",),))
        return
    if front.timeout_seconds > BUFFERED_SECONDS:
        message = (
            f"{front.timeout_seconds} s is too large, at most {BUFFERED_SECONDS} is accepted: SageMaker ends a request "
            "after 60 s; write less, or 'response: stream'"
        )
        findings.add(("timeout_seconds",), message)
    elif front.timeout_seconds > INTEGRATION_SECONDS and not front.raised_integration_limit:
        message = (
            f"{front.timeout_seconds} s is more than the {INTEGRATION_SECONDS} s that API Gateway gives a request: "
            "have the account's quota raised and set 'raised_integration_limit: true', or write less"
        )
        findings.add(("timeout_seconds",), message)
    if front.timeout_seconds <= INTEGRATION_SECONDS and front.raised_integration_limit:
        message = f"{front.timeout_seconds} s needs no raised limit: remove the key, or raise 'timeout_seconds'"
        findings.add(("raised_integration_limit",), message, because=(("timeout_seconds",),))


def check_places(findings: Findings, front: BaseFront) -> None:
    """Find origins and addresses that contradict who may call."""
    if front.cors is not None and "*" in front.cors.origins:
        if len(front.cors.origins) > 1:
            findings.add(("cors", "origins"), "'*' means every site: write it alone, or name the sites")
        elif front.auth != "none":
            message = f"'*' lets every site's scripts use a visitor's auth: {front.auth}: name the sites"
            findings.add(("cors", "origins"), message, because=(("auth",),))
    if front.domain is not None and front.private is not None:
        findings.add(("domain",), "a private front has AWS's own address: remove 'domain' or 'private'")


def check_response(findings: Findings, front: BaseFront | None, kind: str) -> None:
    """Find a stream before an endpoint that cannot stream: serverless, or multi-model, where the API names no model."""
    if front is not None and front.streams:
        message = f"'stream' is not what a {kind} endpoint can do: remove the key, or use kind: realtime"
        findings.add(("front", "response"), message)


def check_bound(findings: Findings, front: BaseFront | None, p99_latency_ms: float | None) -> None:
    """Find an alarm that stays silent while every caller has given up."""
    if front is None or p99_latency_ms is None or p99_latency_ms <= front.model_seconds * 1000:
        return
    message = (
        f"{p99_latency_ms:g} ms is more than the {front.model_seconds * 1000:,} ms that the front waits for the model: "
        "write at most that, or raise 'front.timeout_seconds'"
    )
    findings.add(("alarms", "p99_latency_ms"), message, because=(("front", "timeout_seconds"),))


def front_problems(
    name: str, front: BaseFront | None, document: Document, environment: EnvironmentSpec
) -> Iterator[Problem]:
    """Find what an environment does not let a front be.

    Args:
        name: Of the endpoint.
        front: As this environment has it.
        document: Where each of its values was written.
        environment: Where it goes.
    """
    if front is None:
        return
    if front.auth == "none" and environment.production and not _says_itself(name, environment):
        message = (
            "'none' lets anybody call, and this is production: its own file must say why, in "
            f"'endpoints.{name}.front.open_because', or use iam, api-key or cognito"
        )
        yield document.problem(("front", "auth"), message)
    for path, arn in _regional(front):
        region = arn.split(":")[3]
        if region != environment.region:
            message = f"is in {region} and the environment in {environment.region}: give one of that region"
            yield document.problem(path, message)


def _says_itself(name: str, environment: EnvironmentSpec) -> bool:
    front = environment.endpoints.get(name, {}).get("front")
    return isinstance(front, dict) and "open_because" in front


def _regional(front: BaseFront) -> Iterator[tuple[Keys, str]]:
    if front.domain is not None:
        yield ("front", "domain", "certificate_arn"), front.domain.certificate_arn
    if front.waf is not None and front.waf.web_acl_arn is not None:
        yield ("front", "waf", "web_acl_arn"), front.waf.web_acl_arn
