"""The emulator process: ministack with our plug-in, on a socket and a leash that its starter hands over.

``python -m slipway.local_cloud.emulator --socket FD --folder FOLDER [--leash FD] [--minute-seconds SECONDS]
[--idle-seconds SECONDS]``
"""

from __future__ import annotations

import argparse
import asyncio
import functools
import logging
import os
import resource
import signal
import socket
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hypercorn.asyncio import serve
from hypercorn.config import Config

from . import cloudformation, guardian, job_integration, leash, state
from . import ministack_seams as seams
from .alarms import MINUTE_SECONDS, Alarms
from .api import jobs_elsewhere
from .api.async_runtime import AsyncRuntime
from .api.autoscaling import AutoScaling
from .api.definitions import Definitions
from .api.endpoints import Endpoints
from .api.inference_components import InferenceComponents
from .api.processing_jobs import ProcessingJobs
from .api.runtime import PATH, Runtime
from .api.shapes import service_model
from .api.tags import Tags
from .api.wire import call
from .capture import Capture
from .caretaker import IDLE_SECONDS, Caretaker
from .component_hosting import ComponentHosting
from .gauges import Gauges
from .heartbeat import Heartbeat
from .hosting import Hosting
from .meter import Meter
from .metrics import Metrics
from .patience import patient
from .processing import Processing
from .records import Store
from .scaler import Scaler
from .status import with_status
from .streaming_function import Function, FunctionCall

if TYPE_CHECKING:
    from collections.abc import Mapping

_log = logging.getLogger("slipway.local_cloud")


def install(hosting: Hosting, component_hosting: ComponentHosting, processing: Processing, url: str) -> None:
    """Teach the emulator SageMaker hosting and processing jobs, and Application Auto Scaling."""
    definitions, endpoints = Definitions(hosting.store), Endpoints(hosting)
    autoscaling, tags = AutoScaling(hosting.store), Tags(hosting.store)
    components = InferenceComponents(component_hosting)
    runtime = Runtime(hosting, Capture(url), AsyncRuntime(hosting, url), component_hosting)
    offered = (definitions, endpoints, components, ProcessingJobs(processing), tags)
    control = {name: operation for api in offered for name, operation in api.operations().items()}
    control |= jobs_elsewhere.operations()

    async def answer_sagemaker(
        _method: str, path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
    ) -> Any:
        # Both planes sign as "sagemaker"; only the runtime has paths.
        if PATH.fullmatch(path):
            return await runtime.invoke(seams.place(), path, headers, body)
        target = headers.get("x-amz-target", "")
        return await call(service_model("sagemaker"), control, seams.place(), target, body)

    async def answer_autoscaling(
        _method: str, _path: str, headers: Mapping[str, str], body: bytes, _query: Mapping[str, list[str]]
    ) -> Any:
        model, target = service_model("application-autoscaling"), headers.get("x-amz-target", "")
        return await call(model, autoscaling.operations(), seams.place(), target, body)

    seams.add_service("sagemaker", "SageMaker", answer_sagemaker)
    seams.add_service("application-autoscaling", "AnyScaleFrontendService", answer_autoscaling)
    seams.wrap_service("cloudformation", patient)
    seams.refuse_changes_under_way()
    seams.validate_requests()
    seams.stream_functions(call_function)
    seams.add_integration(job_integration.RESOURCE, functools.partial(job_integration.run_job, url))
    cloudformation.register(definitions, endpoints, components, autoscaling, hosting, url)


async def call_function(function: Function, event: dict[str, Any]) -> Any:
    """Call a function that streams, as API Gateway does."""
    return await FunctionCall(function).answer(event, event["requestContext"]["requestId"])


async def run(listener: int, folder: Path, port: int, *, minute_seconds: float, idle_seconds: float) -> None:
    """Serve until SIGTERM or SIGINT, then end every server process."""
    url = f"http://127.0.0.1:{port}"
    metrics = Metrics()
    hosting = Hosting(Store(), folder, url, Meter(metrics))
    alarms = Alarms(minute_seconds)
    components = ComponentHosting(hosting)
    scaler = Scaler(hosting.store, components, alarms, minute_seconds)
    gauges, caretaker = Gauges(hosting.store, hosting.meter, folder), Caretaker(hosting.store, idle_seconds)
    heartbeat = Heartbeat(gauges, metrics, alarms, scaler, caretaker)
    processing = Processing(hosting.store, folder, url)
    install(hosting, components, processing, url)
    stopping = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stopping.set)
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.keep_alive_timeout = 75
    config.graceful_timeout = 1.0
    beating = asyncio.create_task(heartbeat.run())
    try:
        await serve(with_status(seams.asgi(), hosting), config, shutdown_trigger=stopping.wait)
    finally:
        beating.cancel()
        await processing.close()
        await hosting.close()


def main() -> None:
    """Run the emulator as the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--leash", type=int)
    parser.add_argument("--minute-seconds", type=float, default=MINUTE_SECONDS)
    parser.add_argument("--idle-seconds", type=float, default=IDLE_SECONDS)
    options = parser.parse_args()
    if os.getpgrp() != os.getpid():
        os.setpgid(0, 0)  # what ends our group must not end the group of whoever started us
    if options.leash is not None:
        leash.hold(options.leash, lambda: _leave(options.folder))
    _allow_many_connections()
    _guardian = guardian.start()
    with socket.socket(fileno=os.dup(options.socket)) as listener:
        port = listener.getsockname()[1]
    state.write(options.folder, state.State.of_process(port, os.getpid(), options.folder))
    try:
        pace = {"minute_seconds": options.minute_seconds, "idle_seconds": options.idle_seconds}
        asyncio.run(run(options.socket, options.folder, port, **pace))
    except Exception:  # noqa: BLE001  the last chance to say why, before all is ended
        _log.exception("the emulator failed")
    finally:
        _leave(options.folder)


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _leave(folder: Path) -> None:
    state.remove(folder)
    os.killpg(os.getpgrp(), signal.SIGKILL)  # all that we started shares our group; nothing may stay behind


if __name__ == "__main__":
    main()
