"""A REST API of the local cloud in front of one function, as our stacks define them but for who may call."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from tests.local_cloud.conftest import ROLE, packed_zip

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.local_cloud.conftest import Aws

RUNTIMES = {"index.js": ("nodejs24.x", "index.handler"), "handler.py": ("python3.14", "handler.handle")}


def rest_api(
    aws: Aws,
    file: str,
    code: str,
    variables: Mapping[str, str],
    methods: Mapping[str, str],
    *,
    timeout: int = 30,
    beside: Mapping[str, str] | None = None,
) -> str:
    """Make it and return its address; a function in JavaScript streams.

    Args:
        aws: Where.
        file: Name of the function's file.
        code: Its content.
        variables: Of the function's environment.
        methods: Verb by path, of at most two parts, each path after the one that it continues.
        timeout: Of the function, in seconds.
        beside: Other files of the function.
            Default: it has no others.
    """
    gateway, name = aws.client("apigateway"), f"front-{time.monotonic_ns()}"
    runtime, handler = RUNTIMES[file]
    function = aws.client("lambda").create_function(
        FunctionName=name,
        Runtime=runtime,
        Role=ROLE,
        Handler=handler,
        Code={"ZipFile": packed_zip({name: text.encode() for name, text in {file: code, **(beside or {})}.items()})},
        Timeout=timeout,
        Environment={"Variables": dict(variables)},
    )["FunctionArn"]
    api = gateway.create_rest_api(name=name, binaryMediaTypes=["*/*"])["id"]
    made = {"": gateway.get_resources(restApiId=api)["items"][0]["id"]}
    call = "2021-11-15/functions/{}/response-streaming-invocations"
    if file != "index.js":
        call = "2015-03-31/functions/{}/invocations"
    for path, verb in methods.items():
        parent, _, part = path.rpartition("/")
        made[path] = gateway.create_resource(restApiId=api, parentId=made[parent], pathPart=part)["id"]
        method = {"restApiId": api, "resourceId": made[path], "httpMethod": verb}
        gateway.put_method(**method, authorizationType="NONE")
        gateway.put_integration(
            **method,
            type="AWS_PROXY",
            integrationHttpMethod="POST",
            responseTransferMode="STREAM" if file == "index.js" else "BUFFERED",
            uri=f"arn:aws:apigateway:us-east-1:lambda:path/{call.format(function)}",
        )
    gateway.create_deployment(restApiId=api, stageName="live")
    return f"{aws.cloud.url}/_aws/execute-api/{api}/live"
