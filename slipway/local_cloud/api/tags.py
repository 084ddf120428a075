"""AddTags, ListTags and DeleteTags."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import invalid
from .paging import page

if TYPE_CHECKING:
    from slipway.local_cloud.places import Place
    from slipway.local_cloud.records import Store

    from .wire import Answer, Operation


def tag_map(tags: list[dict[str, str]]) -> dict[str, str]:
    """Return tags by key."""
    return {tag["Key"]: tag["Value"] for tag in tags}


class Tags:
    """The operations on the tags of models, endpoint configurations, endpoints, components and jobs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def operations(self) -> dict[str, Operation]:
        """Return every operation by its name."""
        return {"AddTags": self.add_tags, "ListTags": self.list_tags, "DeleteTags": self.delete_tags}

    def add_tags(self, place: Place, params: dict[str, Any]) -> Answer:
        """Add or change tags."""
        tags = self.of(place, params["ResourceArn"])
        tags.update(tag_map(params["Tags"]))
        return {"Tags": _listed(tags)}

    def list_tags(self, place: Place, params: dict[str, Any]) -> Answer:
        """Return tags, page by page."""
        items, rest = page(_listed(self.of(place, params["ResourceArn"])), params, 50, "ValidationException")
        return {"Tags": items, **rest}

    def delete_tags(self, place: Place, params: dict[str, Any]) -> Answer:
        """Remove tags; a key that is not there is no error."""
        tags = self.of(place, params["ResourceArn"])
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return {}

    def of(self, place: Place, arn: str) -> dict[str, str]:
        """Return the tags of a resource, to be changed in place.

        Raises:
            ApiError: If there is no such resource.
        """
        records = self._store.at(place)
        for kind in (records.models, records.endpoint_configs, records.endpoints, records.components, records.jobs):
            for record in kind.values():
                if record.arn == arn:
                    return record.tags
        raise invalid(f'Could not find resource "{arn}".')


def _listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]
