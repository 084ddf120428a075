"""Every private name of ministack that we rest on, in one place; a test of the same name guards them."""

from __future__ import annotations

import asyncio
import json
import os
from typing import TYPE_CHECKING, Any

from ministack import app as _app
from ministack.core import lambda_runtime as _lambda_runtime
from ministack.core import responses as _responses
from ministack.core import router as _router
from ministack.services import apigateway_v1 as _apigateway
from ministack.services import lambda_svc as _functions
from ministack.services import stepfunctions as _stepfunctions
from ministack.services.cloudformation import changesets as _changesets
from ministack.services.cloudformation import handlers as _stack_handlers
from ministack.services.cloudformation import helpers as _stack_helpers
from ministack.services.cloudformation import provisioners as _provisioners
from ministack.services.cloudformation import stacks as _stacks

from .job_integration import TaskError
from .places import Place
from .streaming_function import Function

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    Body = bytes | Callable[..., Awaitable[None]]
    Response = tuple[int, dict[str, str], Body]
    Handler = Callable[[str, str, Mapping[str, str], bytes, Mapping[str, list[str]]], Awaitable[Response]]

    RunTask = Callable[[Place, str, dict[str, Any]], dict[str, Any]]
    CallFunction = Callable[[Function, dict[str, Any]], Awaitable[Response]]

VERSION = "1.5.33"
_STREAMING_URI = "/response-streaming-invocations"


def asgi() -> Any:
    """Return the emulator's ASGI application."""
    return _app.app


def place() -> Place:
    """Return the account and region of the request or stack operation that runs now."""
    return Place(_responses.get_account_id(), _responses.get_region())


def add_service(name: str, target_prefix: str, handler: Handler) -> None:
    """Add a service of the JSON protocol.

    Args:
        name: The name that its requests are signed with.
        target_prefix: What its ``X-Amz-Target`` begins with.
        handler: Gets method, path, headers (names in lower case), body and query; returns status, headers and a body,
            or what sends the body when it is called with ASGI's receive and send.
    """

    async def answer(*request: Any) -> tuple[int, dict[str, str], Any]:
        status, headers, body = await handler(*request)
        return status, headers, body if isinstance(body, bytes) else _streaming(body)

    _router.SERVICE_PATTERNS[name] = {"target_prefixes": [f"{target_prefix}."], "credential_scope": name}
    _app.SERVICE_HANDLERS[name] = answer


def wrap_service(name: str, wrapped: Callable[[Handler], Handler]) -> None:
    """Put something around a service that the emulator has."""
    _app.SERVICE_HANDLERS[name] = wrapped(_app.SERVICE_HANDLERS[name])


def _streaming(body: Callable[..., Awaitable[None]]) -> Any:
    async def run(send: Any, receive: Any) -> None:
        await body(receive, send)

    return _responses.StreamingResponse(run)


def add_resource_type(
    name: str, handlers: dict[str, Any], *, create_only: tuple[str, ...], name_property: str | None, tags: bool
) -> None:
    """Add a CloudFormation resource type; its handlers run on worker threads, never on the event loop.

    Args:
        name: As in ``AWS::SageMaker::Model``.
        handlers: ``create``, ``update`` and ``delete``.
        create_only: Properties whose change replaces the resource.
        name_property: The one that gives it a custom name, None if there is none.
        tags: Whether stack tags reach it.
    """
    _provisioners._RESOURCE_HANDLERS[name] = {**handlers, "update_with_logical_id": True}  # noqa: SLF001  a seam
    _provisioners._REPLACING_PROPERTIES[name] = create_only  # noqa: SLF001  a seam
    if name_property is not None:
        _provisioners._CUSTOM_NAME_REPLACEMENT[name] = {"name": name_property}  # noqa: SLF001  a seam
    if tags:
        _provisioners._STACK_TAG_PROPERTY[name] = ("Tags", "list")  # noqa: SLF001  a seam


def run_on_worker_threads(prefixes: tuple[str, ...]) -> None:
    """Have resource types of these prefixes provisioned off the event loop."""
    known = _stacks._runs_on_worker_thread  # noqa: SLF001  a seam

    def runs_on_worker_thread(resource_type: str) -> bool:
        return resource_type.startswith(prefixes) or bool(known(resource_type))

    _stacks._runs_on_worker_thread = runs_on_worker_thread  # noqa: SLF001  a seam


def refuse_changes_under_way() -> None:
    """Let nobody change a stack that is being changed, as on AWS: the emulator would do both at once and lose track."""
    handlers = _stack_handlers._ACTION_HANDLERS  # noqa: SLF001  a seam
    for action in ("CreateChangeSet", "ExecuteChangeSet"):
        handlers[action] = _unless_under_way(handlers[action])


def _unless_under_way(known: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def answer(params: Any) -> Any:
        name, change = (_stack_helpers._p(params, key) for key in ("StackName", "ChangeSetName"))  # noqa: SLF001  a seam
        _, made = _changesets._find_change_set(change, name)  # noqa: SLF001  a seam
        stack = _stack_handlers._resolve_stack(name if made is None else made["StackName"])  # noqa: SLF001  a seam
        status = "" if stack is None else stack["StackStatus"]
        if not status.endswith("_IN_PROGRESS") or status == "REVIEW_IN_PROGRESS":
            return known(params)
        why = f"Stack:{stack['StackId']} is in {status} state and can not be updated."
        return _stack_helpers._error("ValidationError", why)  # noqa: SLF001  a seam

    return answer


def validate_requests() -> None:
    """Let API Gateway's request validators do their work when CloudFormation makes them, as on AWS.

    The emulator has them, but its CloudFormation leaves them out; and it checks bodies of every type as JSON.
    """
    handlers = _provisioners._RESOURCE_HANDLERS  # noqa: SLF001  a seam
    handlers["AWS::ApiGateway::RequestValidator"] = {
        "create": _create_validator,
        "update": lambda _id, _old, new, stack: _create_validator("", new, stack),
        "delete": lambda _id, _props: None,  # it goes with its API
    }
    method = handlers["AWS::ApiGateway::Method"]
    handlers["AWS::ApiGateway::Method"] = {
        **method,
        "create": lambda name, props, stack: _with_validator(method["create"](name, props, stack), props),
        "update": lambda known, old, new, stack: _with_validator(method["update"](known, old, new, stack), new),
    }
    check = _apigateway._check_request_validation  # noqa: SLF001  a seam
    _apigateway._check_request_validation = lambda method, *rest: check(  # noqa: SLF001  a seam
        _with_models_of_its_type(method, rest[2]), *rest
    )


def _create_validator(_logical_id: str, props: Mapping[str, Any], _stack_name: str) -> tuple[str, dict[str, Any]]:
    data = {
        "name": props.get("Name", ""),
        "validateRequestBody": bool(props.get("ValidateRequestBody")),
        "validateRequestParameters": bool(props.get("ValidateRequestParameters")),
    }
    made = _apigateway._create_request_validator(props["RestApiId"], data)  # noqa: SLF001  a seam
    identifier = json.loads(made[2])["id"]
    return identifier, {"RequestValidatorId": identifier}


def _with_validator(made: Any, props: Mapping[str, Any]) -> Any:
    resource = _apigateway._resources[props["RestApiId"]][props["ResourceId"]]  # noqa: SLF001  a seam
    resource["resourceMethods"][props["HttpMethod"]]["requestValidatorId"] = props.get("RequestValidatorId")
    return made


def _with_models_of_its_type(method: dict[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
    """Take a method's models away from a body of a type that none of them is for: AWS passes it on."""
    given = next((value for name, value in headers.items() if name.lower() == "content-type"), "application/json")
    known = given.split(";", maxsplit=1)[0].strip() in (method.get("requestModels") or {})
    return method if known else {**method, "requestModels": {}}


def add_integration(resource: str, run: RunTask) -> None:
    """Add a service integration of Step Functions.

    Args:
        resource: ARN of the task without what follows its action, such as ``.sync``.
        run: Gets the place, the whole ARN and the task's arguments, on a thread of the execution's own; raises
            TaskError.
    """

    def handle(whole: str, arguments: dict[str, Any]) -> dict[str, Any]:
        try:
            return run(place(), whole, arguments)
        except TaskError as error:
            raise _stepfunctions._ExecutionError(error.error, error.cause) from error  # noqa: SLF001  a seam

    _stepfunctions._SERVICE_DISPATCH[resource] = handle  # noqa: SLF001  a seam


def physical_name(stack_name: str, logical_id: str, most_characters: int) -> str:
    """Return the name that CloudFormation gives to a resource without one: stable, and new for a replacement."""
    name: str = _provisioners._physical_name(stack_name, logical_id, max_len=most_characters)  # noqa: SLF001  a seam
    return name


def stream_functions(call: CallFunction) -> None:
    """Have REST APIs' Lambda proxy integrations of response transfer mode STREAM answered by `call`.

    The emulator knows only whole answers, and of such an integration not even the function's name.

    Args:
        call: Gets the function and the event that API Gateway makes of the request.
    """
    known = _apigateway._invoke_lambda_proxy_v1  # noqa: SLF001  a seam

    async def invoke(integration: dict[str, Any], *request: Any, **options: Any) -> Any:
        if not integration.get("uri", "").endswith(_STREAMING_URI):
            return await known(integration, *request, **options)
        place = {"account_id": options.pop("owner_account_id"), "region": options.pop("owner_region")}
        event = _apigateway._build_lambda_event_v1(*request, **options)  # noqa: SLF001  a seam
        status, headers, body = await call(_function(integration["uri"], place), event)
        return status, headers, body if isinstance(body, bytes) else _streaming(body)

    _apigateway._invoke_lambda_proxy_v1 = invoke  # noqa: SLF001  a seam


def _function(uri: str, place: dict[str, str]) -> Function:
    reference = uri.partition("/functions/")[2].removesuffix(_STREAMING_URI)
    record, config, _ = _functions._get_func_record_for_ref_in_scope(reference, **place)  # noqa: SLF001  a seam
    variables = config.get("Environment", {}).get("Variables", {})
    given = {
        **os.environ,
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{os.environ['GATEWAY_PORT']}",
        "AWS_REGION": place["region"],
        **_lambda_runtime.execution_credentials(config),
    }
    return Function(record["code_zip"], config["Handler"], {**given, **variables}, config["Timeout"])


def on_loop(work: Any) -> Any:
    """Run a coroutine on the emulator's event loop from a worker thread, and wait for its result.

    Raises:
        RuntimeError: If there is no loop, or if this is its own thread, which would wait forever.
    """
    loop = _app._MAIN_LOOP  # noqa: SLF001  a seam
    if loop is None or _runs_here(loop):
        raise RuntimeError("the emulator's event loop does not run, or runs in this very thread")
    return asyncio.run_coroutine_threadsafe(work, loop).result()


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
