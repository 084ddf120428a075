"""What goes together in a spec: draws key by key would mostly contradict themselves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Json = dict[str, Any]
UNLUCKY: Final = 7  # not 0, which Hypothesis draws far more often than any other number


def mostly(mend: Callable[[Json], Json], specs: st.SearchStrategy[Json]) -> st.SearchStrategy[Json]:
    """Draw specs that agree with themselves, and one in ten as it comes."""
    return st.builds(lambda spec, luck: spec if luck == UNLUCKY else mend(spec), specs, st.integers(0, 9))


def environment(spec: Json) -> Json:
    """Say who hears the alarms of a production, and leave it its data."""
    if not spec.get("production"):
        return spec
    kept = {key: value for key, value in spec.items() if key != "keep_data"}
    return {"alarms_to": {"email": "oncall@example.com"}, **kept}


def endpoint(spec: Json) -> Json:
    """Mend every part of an endpoint, the innermost first."""
    return _fronted({key: _inside(value) for key, value in _whole(spec).items()})


def _inside(value: Any) -> Any:
    if isinstance(value, list):
        return [_inside(each) for each in value]
    if not isinstance(value, dict):
        return value
    return _part({key: _inside(each) for key, each in value.items()})


def _part(part: Json) -> Json:
    return {key: value for key, value in {**part, **dict(_mended(part))}.items() if value is not None}


def _mended(part: Json) -> Iterator[tuple[str, Any]]:
    """Yield the keys that would contradict the others, with what they say instead: nothing where it is None."""
    if {"grow", "shrink"} <= {*part}:
        grow = [{**step, "above": float(place)} for place, step in enumerate(part["grow"], start=2)]
        yield "grow", grow
        yield "shrink", [{**step, "below": -float(place)} for place, step in enumerate(part["shrink"])]
    if ("start" in part) != ("end" in part):
        yield from (("start", None), ("end", None))
    for count in ("instances", "copies"):
        if "scaling" in part and isinstance(part.get(count), int):
            yield count, None
    if "provisioned_concurrency" in part or "provisioned" in part.get("scaling", {}):
        yield "max_concurrency", 200
    if str(part.get("instance_type", "")).startswith("ml.g"):
        yield "volume_gib", None
    if "fallback" in part:
        yield "fallback", [machine for machine in part["fallback"] if machine != part["instance_type"]]


def _whole(spec: Json) -> Json:
    """Let something answer: one variant gets requests, and one component has copies."""
    if not any(variant.get("weight", 1) for variant in spec.get("variants", [{}])):
        return spec | {"variants": [{**variant, "weight": 1.0} for variant in spec["variants"]]}
    if not any(component.get("copies", 1) for component in spec.get("components", [{}])):
        return spec | {"components": [{**component, "copies": 1} for component in spec["components"]]}
    return spec


def _fronted(spec: Json) -> Json:
    """Let no alarm wait longer than the front, nor a signed front answer every site."""
    if "front" not in spec:
        return spec
    front, alarms = spec["front"], spec.get("alarms", {})
    if front.get("auth", "iam") == "iam" and "*" in front.get("cors", {}).get("origins", ()):
        front = {key: value for key, value in front.items() if key != "cors"}
    quick = {key: value for key, value in alarms.items() if not key.endswith("_latency_ms")}
    return {**spec, "front": front, **({"alarms": quick} if alarms else {})}
