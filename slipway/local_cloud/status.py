"""What runs here, for our own commands: ``GET /_slipway/endpoints``."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .component import Component
    from .container import Container
    from .endpoint import Endpoint
    from .hosting import Hosting

PATH = "/_slipway/endpoints"


def with_status(application: Any, hosting: Hosting) -> Any:
    """Return the ASGI application with our one page added."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] != PATH:
            await application(scope, receive, send)
            return
        page = {
            "pid": os.getpid(),
            "endpoints": [_endpoint(hosting, endpoint) for endpoint in hosting.store.endpoints()],
        }
        headers = [(b"content-type", b"application/json")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": json.dumps(page).encode()})

    return answer


def _endpoint(hosting: Hosting, endpoint: Endpoint) -> dict[str, Any]:
    variants = endpoint.fleet.all() if endpoint.fleet is not None else ()
    return {
        "name": endpoint.name,
        "status": endpoint.status,
        "account": endpoint.place.account,
        "region": endpoint.place.region,
        "failure_reason": endpoint.failure_reason,
        "backlog": 0 if endpoint.backlog is None else endpoint.backlog.size,
        "variants": [
            {
                "name": variant.name,
                "weight": variant.weight,
                "containers": [_container(container) for container in variant.containers],
            }
            for variant in variants
        ],
        "components": [
            _component(component)
            for component in hosting.store.at(endpoint.place).components.values()
            if component.endpoint_name == endpoint.name
        ],
    }


def _component(component: Component) -> dict[str, Any]:
    fleet = component.fleet
    containers = () if fleet is None else fleet.variants[component.variant_name].containers
    return {
        "name": component.name,
        "status": component.status,
        "copies": component.current_copies,
        "failure_reason": component.failure_reason,
        "containers": [_container(container) for container in containers],
    }


def _container(container: Container) -> dict[str, Any]:
    server = container.server
    models = [] if container.library is None else container.library.loaded
    return {
        "name": container.name,
        "stand_in": container.stand_in,
        "pid": server.pid,
        "port": server.port,
        "ready": server.ready,
        "asleep": server.asleep,
        "models": models,
    }
