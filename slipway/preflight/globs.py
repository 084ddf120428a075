"""Whether a pattern of a policy covers a name, where either may hold references."""

from __future__ import annotations

import re
from fnmatch import translate
from functools import lru_cache
from typing import Any, Final

from slipway.preflight.values import LINK

S3: Final = "arn:aws:s3:::"
VARIABLE: Final = re.compile(r"\$\{[^}]*\}")
WILD: Final = re.compile(r"[*?]")


def covers(pattern: Any, name: Any) -> bool | None:
    """Return whether a pattern covers everything that a name stands for.

    Args:
        pattern: With ``*`` and ``?``, as policies write it.
        name: May hold ``*`` itself and then stands for all of that.

    Returns:
        None where only a deployment knows, or where it covers some of it.
    """
    if not isinstance(pattern, str) or not isinstance(name, str):
        return None
    if _compiled(pattern).fullmatch(name):
        return True
    if _are_others(pattern, name):
        return False
    if _bucket(pattern) == _bucket(name) and _certain(_bucket(name)):
        pattern, name = pattern.partition("/")[2], name.partition("/")[2]
    return None if _may_meet(_opened(pattern), _opened(name)) else False


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(re.sub(r"\*+", "*", pattern).replace("[", "[[]")))


def _are_others(one: str, other: str) -> bool:
    """Two buckets, or the same attribute of two resources."""
    if _certain(_bucket(one)) and _certain(_bucket(other)):
        return _bucket(one) != _bucket(other)
    match, met = LINK.fullmatch(one), LINK.fullmatch(other)
    return match is not None and met is not None and match[1] != met[1] and match[2] == met[2]


def _bucket(name: str) -> str:
    return name.removeprefix(S3).partition("/")[0] if name.startswith(S3) else ""


def _certain(bucket: str) -> bool:
    """A name that was given, or one that CloudFormation will make up, which equals no other."""
    if not bucket or WILD.search(bucket):
        return False
    match = LINK.fullmatch(bucket)
    return not LINK.search(bucket) if match is None else not match[2] and not match[1].startswith("AWS::")


def _opened(name: str) -> str:
    return VARIABLE.sub("*", LINK.sub("*", name))


def _may_meet(one: str, other: str) -> bool:
    if not WILD.search(one):
        return _compiled(other).fullmatch(one) is not None
    if not WILD.search(other):
        return _compiled(one).fullmatch(other) is not None
    (start, *_, end), (other_start, *_, other_end) = WILD.split(one), WILD.split(other)
    return _begin_alike(start, other_start) and _begin_alike(end[::-1], other_end[::-1])


def _begin_alike(one: str, other: str) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]
