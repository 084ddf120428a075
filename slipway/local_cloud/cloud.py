"""One running local cloud, as its callers see it."""

from __future__ import annotations

import json
import urllib.request
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

_STATUS_SECONDS = 30.0  # a busy machine may leave its loop waiting

SETTINGS = "aws.ini"  # an empty profile, so that none of the user's is looked for


@dataclass(frozen=True)
class RunningContainer:
    """One container and its server process.

    Args:
        name: Its host name; ``primary`` where it is its variant's only one.
        stand_in: What answers in the server's stead; empty where it is the server itself.
        pid: None while no process was started yet, and while none is needed.
        ready: False while it is asleep, or while a dead server is being restarted.
        asleep: A serverless container that nobody asked for lately, or one of a fleet of none.
        models: Of a multi-model container: the archives whose models are in memory, the last used at the end.
    """

    name: str
    stand_in: str
    pid: int | None
    port: int
    ready: bool
    asleep: bool
    models: tuple[str, ...]


@dataclass(frozen=True)
class RunningVariant:
    """One variant, or the shadow beside it, and its containers."""

    name: str
    weight: float
    containers: tuple[RunningContainer, ...]


@dataclass(frozen=True)
class RunningComponent:
    """One inference component and its containers, which stand for all of its copies; none where it has no copy."""

    name: str
    status: str
    copies: int
    failure_reason: str | None
    containers: tuple[RunningContainer, ...]


@dataclass(frozen=True)
class RunningEndpoint:
    """One endpoint; ``status`` is SageMaker's, ``failure_reason`` None where all is well.

    Args:
        backlog: Asynchronous requests that wait or are in work.
    """

    name: str
    status: str
    account: str
    region: str
    failure_reason: str | None
    backlog: int
    variants: tuple[RunningVariant, ...]
    components: tuple[RunningComponent, ...]


@dataclass(frozen=True)
class Cloud:
    """A local cloud that was running when this was made.

    Args:
        state_folder: Holds ``cloud.log`` and the servers' logs.
    """

    port: int
    pid: int
    url: str
    state_folder: Path

    def environment(self, account: str = "000000000000", region: str = "us-east-1") -> dict[str, str]:
        """Return what to add to a process's environment, so that its AWS tools talk to this cloud and to nothing else.

        Works for boto3 and for the ``cdk`` command, whatever AWS profile the user has.

        Args:
            account: Twelve digits; each account is a world of its own.
            region: Likewise.
        """
        local = "127.0.0.1,localhost"
        settings = str(self.state_folder / SETTINGS)
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS": "false",
            "AWS_ACCESS_KEY_ID": account,
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_SESSION_TOKEN": "",
            "AWS_REGION": region,
            "AWS_DEFAULT_REGION": region,
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_PROFILE": "default",
            "AWS_CONFIG_FILE": settings,
            "AWS_SHARED_CREDENTIALS_FILE": settings,
            "CDK_DEFAULT_ACCOUNT": account,
            "CDK_DEFAULT_REGION": region,
            "CDK_DISABLE_CLI_TELEMETRY": "true",
            "CDK_DISABLE_VERSION_CHECK": "1",
            "CDK_NOTICES": "false",
            "CDK_HOME": str(self.state_folder / "cdk"),
            "AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED": "true",
            "JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION": "20",
            "NO_PROXY": local,
            "no_proxy": local,
        }

    def endpoints(self) -> list[RunningEndpoint]:
        """Return every endpoint of every account and region.

        Raises:
            OSError: If the cloud does not answer.
        """
        return [_endpoint(found) for found in status(self.port)["endpoints"]]


def status(port: int) -> dict[str, Any]:
    """Ask the cloud on a port what runs.

    Raises:
        OSError: If nothing answers.
    """
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"http://127.0.0.1:{port}/_slipway/endpoints", timeout=_STATUS_SECONDS) as answer:
        page: dict[str, Any] = json.load(answer)
        return page


def _endpoint(found: dict[str, Any]) -> RunningEndpoint:
    variants = tuple(_variant(variant) for variant in found["variants"])
    components = tuple(
        RunningComponent(**{**component, "containers": _containers(component)}) for component in found["components"]
    )
    return RunningEndpoint(**{**found, "variants": variants, "components": components})


def _variant(found: dict[str, Any]) -> RunningVariant:
    return RunningVariant(**{**found, "containers": _containers(found)})


def _containers(found: dict[str, Any]) -> tuple[RunningContainer, ...]:
    return tuple(
        RunningContainer(**{**container, "models": tuple(container["models"])}) for container in found["containers"]
    )
