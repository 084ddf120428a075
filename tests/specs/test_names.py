from __future__ import annotations

import pytest

from slipway import specs


@pytest.mark.parametrize("name", specs.__all__)
def test_name_is_found_when_it_is_asked_for(name: str) -> None:
    assert getattr(specs, name) is not None


def test_other_name_is_refused() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'Nothing'"):
        specs.Nothing  # type: ignore[attr-defined]  # noqa: B018
