"""Fronts of every sort, deployed by the real ``cdk`` command and asked over HTTP."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import pytest

from tests.local_cloud.fronts import Fronts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from slipway.local_cloud import Cloud
    from tests.local_cloud.conftest import Aws

pytestmark = [pytest.mark.local_cloud, pytest.mark.slow]

SITE = "https://app.example.com"


def error_of(answer: httpx.Response) -> tuple[int, str]:
    body = answer.json()
    assert body["request_id"] == answer.headers["x-request-id"], body
    return answer.status_code, body["error"]["code"]


def label_of(answer: httpx.Response) -> str:
    assert answer.status_code == 200, answer.text
    return str(answer.json()["predictions"][0]["label"])


@pytest.fixture(scope="module")
def pool(_caller: Aws) -> dict[str, str]:
    """A user pool with a resource server, and a client that gets access tokens for one of its scopes."""
    users = _caller.client("cognito-idp")
    made = users.create_user_pool(PoolName="callers")["UserPool"]
    scopes = [{"ScopeName": name, "ScopeDescription": name} for name in ("ask", "look")]
    users.create_resource_server(UserPoolId=made["Id"], Identifier="models", Name="models", Scopes=scopes)
    return {"arn": made["Arn"], "id": made["Id"]}


@pytest.fixture(scope="module")
def fronts(
    cloud: Cloud, _caller: Aws, pool: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Fronts]:
    _caller.model("seven", 7)
    _caller.config("one", {"ModelName": "seven"})
    _caller.endpoint("always", "one")
    made = Fronts(cloud, _caller, tmp_path_factory.mktemp("fronts"), pool["arn"])
    made.deploy("Keyed", "Tokens", "Open")
    yield made
    _caller.clean()


@pytest.fixture(name="gateway")
def gateway_(_caller: Aws) -> Any:
    return _caller.client("apigateway")


@pytest.fixture
def token(_caller: Aws, cloud: Cloud, pool: dict[str, str]) -> Callable[[str], str]:
    """An access token for a scope, as the pool hands it to a program."""

    def get(scope: str) -> str:
        client = _caller.client("cognito-idp").create_user_pool_client(
            UserPoolId=pool["id"],
            ClientName=scope,
            GenerateSecret=True,
            AllowedOAuthFlows=["client_credentials"],
            AllowedOAuthFlowsUserPoolClient=True,
            AllowedOAuthScopes=[f"models/{scope}"],
        )["UserPoolClient"]
        asked = {"grant_type": "client_credentials", "scope": f"models/{scope}"}
        answer = httpx.post(
            f"{cloud.url}/oauth2/token", data=asked, auth=(client["ClientId"], client["ClientSecret"]), timeout=240
        )
        return str(answer.json()["access_token"])

    return get


def test_key_gets_in_until_it_is_used_up(fronts: Fronts, gateway: Any, request_body: bytes) -> None:
    assert error_of(fronts.ask("Keyed", request_body)) == (403, "forbidden")
    assert error_of(fronts.ask("Keyed", request_body, x_api_key="guessed")) == (403, "forbidden")
    key = gateway.get_api_key(apiKey=fronts.output("Keyed", "FrontKeyDefault"), includeValue=True)["value"]
    assert label_of(fronts.ask("Keyed", request_body, x_api_key=key)) == "7"
    assert label_of(fronts.ask("Keyed", request_body, x_api_key=key)) == "7"
    assert error_of(fronts.ask("Keyed", request_body, x_api_key=key)) == (429, "quota_exceeded")


def test_token_needs_the_scope(fronts: Fronts, token: Callable[[str], str], request_body: bytes) -> None:
    assert error_of(fronts.ask("Tokens", request_body)) == (401, "unauthorized")
    assert label_of(fronts.ask("Tokens", request_body, authorization=token("ask"))) == "7"
    refused = fronts.ask("Tokens", request_body, authorization=token("look"))
    assert refused.status_code in {401, 403}
    assert refused.json()["request_id"]


def test_body_satisfies_the_schema_or_never_reaches_the_model(fronts: Fronts, request_body: bytes) -> None:
    for body in (b'{"inputs": []}', b'{"input": [1]}', b"nonsense"):
        assert error_of(fronts.ask("Open", body)) == (400, "invalid_input")
    answer = fronts.ask("Open", request_body)
    assert label_of(answer) == "7"


def test_arrays_pass_beside_the_schema_byte_for_byte(fronts: Fronts) -> None:
    array = io.BytesIO()
    np.save(array, np.zeros((1, 1, 8, 8), dtype=np.float32))
    answer = fronts.ask("Open", array.getvalue(), content_type="application/x-npy", accept="application/x-npy")
    assert answer.status_code == 200, answer.text
    assert np.load(io.BytesIO(answer.content)).shape == (1, 10)


def test_browser_of_an_allowed_site_may_ask(fronts: Fronts, request_body: bytes) -> None:
    asked = {"origin": SITE, "access_control_request_method": "POST"}
    preflight = fronts.ask("Open", b"", "OPTIONS", **asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == SITE
    assert preflight.headers["access-control-allow-methods"] == "POST"
    assert fronts.ask("Open", request_body, origin=SITE).headers["access-control-allow-origin"] == SITE
    assert fronts.ask("Open", b"nonsense", origin=SITE).headers["access-control-allow-origin"] == SITE
    other = fronts.ask("Open", request_body, origin="https://evil.example.com")
    assert "access-control-allow-origin" not in other.headers


def test_filter_that_does_not_filter_is_refused_by_name(fronts: Fronts) -> None:
    said = fronts.deploy("Filtered", succeeds=False)
    assert "front.waf.off_because" in said
    assert "is not modelled in Slipway's local cloud" in said


def test_body_without_a_type_is_refused_by_the_gateway(fronts: Fronts, request_body: bytes) -> None:
    assert error_of(fronts.ask("Open", request_body, content_type="")) == (400, "refused")
