"""``AWS::SageMaker::Model`` and ``AWS::SageMaker::EndpointConfig``: set once, any change makes a new one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from slipway.local_cloud import ministack_seams as seams

from .calls import call, members, named, request

if TYPE_CHECKING:
    from slipway.local_cloud.api.definitions import Definitions
    from slipway.local_cloud.records import Store

    from .calls import Created


def register(definitions: Definitions, store: Store) -> None:
    """Make both types known."""
    for kind in ("Model", "EndpointConfig"):
        handlers = _Handlers(kind, definitions, store)
        seams.add_resource_type(
            f"AWS::SageMaker::{kind}",
            {"create": handlers.create, "delete": handlers.delete},
            create_only=members("sagemaker", f"Create{kind}"),
            name_property=f"{kind}Name",
            tags=True,
        )


class _Handlers:
    def __init__(self, kind: str, definitions: Definitions, store: Store) -> None:
        self._kind = kind
        self._operations = definitions.operations()
        self._store = store

    def create(self, logical_id: str, props: dict[str, Any], stack_name: str) -> Created:
        name = f"{self._kind}Name"
        params = request("sagemaker", f"Create{self._kind}", named(name, logical_id, props, stack_name))
        answer = call(self._operations[f"Create{self._kind}"], params)
        return answer[f"{self._kind}Arn"], {name: params[name]}

    def delete(self, physical_id: str, _props: dict[str, Any]) -> None:
        records = self._store.at(seams.place())
        known = (*records.models.values(), *records.endpoint_configs.values())
        for name in [record.name for record in known if record.arn == physical_id]:
            call(self._operations[f"Delete{self._kind}"], {f"{self._kind}Name": name})
