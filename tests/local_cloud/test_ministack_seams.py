"""The private names of the emulator that we rest on, each as we use it: red here means look before you upgrade."""

# ruff: noqa: SLF001  private names are what this test is about
from __future__ import annotations

import inspect
from importlib.metadata import version
from typing import Any

import pytest
from ministack import app
from ministack.core import lambda_runtime, responses, router
from ministack.services import apigateway_v1, lambda_svc, stepfunctions
from ministack.services.cloudformation import changesets, handlers, helpers, provisioners, stacks

from slipway.local_cloud import ministack_seams


def test_version_is_the_one_that_was_read() -> None:
    assert version("ministack") == ministack_seams.VERSION


@pytest.mark.parametrize(
    ("table", "known"),
    [
        (router.SERVICE_PATTERNS, "s3"),
        (app.SERVICE_HANDLERS, "s3"),
        (app.SERVICE_HANDLERS, "cloudformation"),
        (handlers._ACTION_HANDLERS, "CreateChangeSet"),
        (handlers._ACTION_HANDLERS, "ExecuteChangeSet"),
        (provisioners._RESOURCE_HANDLERS, "AWS::S3::Bucket"),
        (provisioners._REPLACING_PROPERTIES, "AWS::SQS::Queue"),
        (provisioners._CUSTOM_NAME_REPLACEMENT, "AWS::DynamoDB::Table"),
        (provisioners._STACK_TAG_PROPERTY, "AWS::ApiGateway::ApiKey"),
        (stepfunctions._SERVICE_DISPATCH, "arn:aws:states:::sqs:sendMessage"),
    ],
)
def test_table_is_a_dict_that_holds_what_the_emulator_put_there(table: Any, known: str) -> None:
    assert isinstance(table, dict)
    assert known in table


def test_tables_hold_entries_of_the_shape_that_we_add() -> None:
    assert router.SERVICE_PATTERNS["ecr"]["target_prefixes"]
    assert router.SERVICE_PATTERNS["ecr"]["credential_scope"] == "ecr"
    assert {"create", "update", "delete"} <= set(provisioners._RESOURCE_HANDLERS["AWS::S3::Bucket"])
    assert isinstance(provisioners._REPLACING_PROPERTIES["AWS::SQS::Queue"], tuple)
    assert provisioners._CUSTOM_NAME_REPLACEMENT["AWS::DocDB::DBCluster"] == {"name": "DBClusterIdentifier"}
    assert provisioners._STACK_TAG_PROPERTY["AWS::ApiGateway::ApiKey"] == ("Tags", "list")


@pytest.mark.parametrize(
    ("function", "parameters"),
    [
        (provisioners._physical_name, ["stack_name", "logical_id", "lowercase", "max_len", "seeded"]),
        (stacks._runs_on_worker_thread, ["resource_type"]),
        (changesets._find_change_set, ["cs_name", "stack_name"]),
        (handlers._resolve_stack, ["stack_name"]),
        (helpers._error, ["code", "message", "status"]),
        (helpers._p, ["params", "key", "default"]),
        (responses.get_account_id, []),
        (stepfunctions._ExecutionError, ["error", "cause"]),
        (stepfunctions._invoke_ecs_run_task, ["resource", "input_data"]),
        (responses.get_region, []),
        (app.app, ["scope", "receive", "send"]),
        (apigateway_v1._create_request_validator, ["api_id", "data"]),
        (provisioners._apigw_method_create, ["logical_id", "props", "stack_name"]),
        (provisioners._apigw_method_update, ["physical_id", "old_props", "new_props", "stack_name"]),
        (
            apigateway_v1._check_request_validation,
            ["method_obj", "api_id", "request", "headers", "body", "query_params"],
        ),
        (app._send_streaming_response, ["send", "receive", "status", "headers", "streaming"]),
        (responses.StreamingResponse, ["runner"]),
        (lambda_runtime.execution_credentials, ["config"]),
        (lambda_svc._get_func_record_for_ref_in_scope, ["function_ref", "account_id", "region"]),
    ],
)
def test_function_takes_what_we_give_it(function: Any, parameters: list[str]) -> None:
    assert list(inspect.signature(function).parameters) == parameters


def test_handlers_are_called_as_ours_are_written() -> None:
    provision = inspect.getsource(provisioners._provision_resource)
    assert 'handler["create"](logical_id, props, stack_name)' in provision
    delete = inspect.getsource(provisioners._delete_resource)
    assert 'handler["delete"](physical_id, props)' in delete
    update = inspect.getsource(provisioners._update_resource)
    assert 'handler.get("update_with_logical_id")' in update


def test_rest_api_calls_a_function_as_ours_is_called() -> None:
    owner = {"owner_account_id", "owner_region"}
    called = inspect.signature(apigateway_v1._invoke_lambda_proxy_v1).parameters
    made = inspect.signature(apigateway_v1._build_lambda_event_v1).parameters
    assert next(iter(called)) == "integration"
    assert {name for name in called if name not in owner | {"integration"}} == set(made)
    assert "invoke = _invoke_lambda_proxy_v1" in inspect.getsource(apigateway_v1)


def test_stacks_ask_their_own_module_where_to_run_a_resource() -> None:
    assert "_runs_on_worker_thread(resource_type)" in inspect.getsource(stacks)
    assert "_MAIN_LOOP = asyncio.get_running_loop()" in inspect.getsource(app._handle_lifespan)


def test_content_types_are_rewritten_by_their_capitalised_name_only() -> None:
    headers = {"content-type": "application/json"}
    responses.fix_success_content_type("sagemaker", 200, headers)
    assert headers == {"content-type": "application/json"}
