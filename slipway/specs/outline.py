"""What may stand at a place of a spec, read off the models' own annotations."""

from __future__ import annotations

import types
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, NamedTuple, Union, get_args, get_origin

from slipway.specs.base import Spec

if TYPE_CHECKING:
    from slipway.specs.base import Keys


BARE: Final = "bare"
"""Tag of the member of a union that is a word alone, where others are mappings whose name is that word."""


class Place(NamedTuple):
    """What a location of pydantic's means.

    Args:
        path: As the user wrote it, without the names of union members that pydantic puts in.
        owners: Models of the mapping that the last key stands in; several where a union is undecided.
        members: What is accepted here.
        reason: Why the value is bounded, where its model says so.
    """

    path: Keys
    owners: list[type[Spec]]
    members: list[Any]
    reason: str

    def accepted(self) -> list[Any]:
        """Every literal that may stand here."""
        return [value for member in self.members if get_origin(member) is Literal for value in get_args(member)]

    def keys(self) -> list[str]:
        """Every key that the owners know."""
        return [key for owner in self.owners for key in owner.model_fields]


def follow(expected: Any, location: Keys) -> Place:
    """Walk from the root of a spec to a location of pydantic's, which ends in ``[key]`` where a key itself is meant."""
    place = Place((), [], _members(expected), "")
    for part, following in zip_longest(location, location[1:]):
        chosen = [member for member in _specs(place.members) if part in _tags(member)]
        words = [member for member in place.members if get_origin(member) is Literal]
        if part == BARE and words:
            place = place._replace(members=words if _specs(place.members) else place.members)
        elif len(_specs(place.members)) > 1 and chosen:
            place = place._replace(members=chosen)
        elif _holds(place.members):
            place = _step(place, part, key=following == "[key]")
    return place


def tags(place: Place, key: str) -> list[str]:
    """Every value of the key by which the members of a union are told apart."""
    return [value for spec in _specs(place.members) for value in get_args(spec.model_fields[key].annotation)]


def _step(place: Place, part: str | int, *, key: bool) -> Place:
    owners = _specs(place.members)
    # A user's own key may be called "[key]" as well: only what follows a key of a mapping is about that key.
    members = [
        child
        for member in place.members
        for child in (_keys(member) if key and get_origin(member) is dict else _children(member, part))
    ]
    reason = next((owner.reasons[str(part)] for owner in owners if part in owner.reasons), "")
    return Place((*place.path, part), owners, members, reason)


def _children(member: Any, part: str | int) -> list[Any]:
    if isinstance(member, type) and issubclass(member, Spec):
        field = member.model_fields.get(str(part))
        return [] if field is None else _members(field.annotation)
    if get_origin(member) is dict:
        return _members(get_args(member)[1])
    return _members(get_args(member)[0]) if get_origin(member) in (tuple, list) else []


def _keys(member: Any) -> list[Any]:
    return _members(get_args(member)[0]) if get_origin(member) is dict else []


def _members(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return _members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [member for argument in get_args(annotation) for member in _members(argument)]
    return [annotation]


def _holds(members: list[Any]) -> bool:
    return bool(_specs(members)) or any(get_origin(member) in (dict, tuple, list) for member in members)


def _specs(members: list[Any]) -> list[type[Spec]]:
    return [member for member in members if isinstance(member, type) and issubclass(member, Spec)]


def _tags(spec: type[Spec]) -> list[Any]:
    return [tag for field in spec.model_fields.values() for tag in _literal(field.annotation)]


def _literal(annotation: Any) -> tuple[Any, ...]:
    return get_args(annotation) if get_origin(annotation) is Literal else ()
