"""Names of an OpenVINO model's nodes that do not tell how many nodes its process had made before it."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import openvino

COUNTED: Final = re.compile(r"(?P<type>[A-Z]\w*)_(?P<count>\d+)(?P<rest>/.*)?")


def name_anew(model: openvino.Model) -> None:
    """Count nodes that OpenVINO named by a count of its process from the model's own beginning.

    Else two builds of one model are other bytes, as soon as one of them tried a recipe more.

    Args:
        model: Changed in place; names that a framework gave stay, unless they are of that form.
    """
    counted: dict[str, str] = {}
    for node in model.get_ordered_ops():
        match = COUNTED.fullmatch(node.get_friendly_name())
        if match is not None:
            found = f"{match['type']}_{match['count']}"
            name = counted.setdefault(found, f"{match['type']}_{len(counted)}")
            node.set_friendly_name(name + (match["rest"] or ""))
