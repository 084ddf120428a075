from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

from slipway.catalog import lmi_options

FILE = Path(__file__).parents[2] / "slipway" / "catalog" / "lmi_options.json"


def test_file_names_its_sources_and_their_date() -> None:
    content = json.loads(FILE.read_text(encoding="utf-8"))
    assert dt.date.fromisoformat(content["taken"]).year >= 2026
    assert all(source["page"].startswith("https://") and source["says"] for source in content["sources"].values())


def test_each_option_is_there_once_in_order() -> None:
    listed = json.loads(FILE.read_text(encoding="utf-8"))["options"]
    assert listed == sorted(set(listed))
    assert {"model_id", "rolling_batch", "tensor_parallel_degree", "max_model_len"} <= lmi_options()
