"""Our code behind SageMaker's toolkits, as they call it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from serving import toolkit
from tests.serving.conftest import write_classifier

if TYPE_CHECKING:
    from pathlib import Path


def test_labels_are_answered_as_they_are_whatever_they_hold(tmp_path: Path) -> None:
    folder, labels = write_classifier(tmp_path), ["two\nlines\r\n", "", "drei ½\u2028\r"]
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["postprocess"]["labels"] = labels
    (folder / "slipway.json").write_text(json.dumps(manifest))  # as it is called in an archive for them
    (folder / "manifest.json").unlink()
    engine = toolkit.model_fn(str(folder))
    rows = [[place / 10, 1 - place / 10, 0.3, 0.2] for place in range(-20, 30)]
    body = json.dumps({"inputs": rows})
    answered = json.loads(toolkit.transform_body(engine, body, "application/json", "application/json"))
    assert {each["label"] for each in answered["predictions"]} == {
        labels[max(range(3), key=each["scores"].__getitem__)] for each in answered["predictions"]
    }
    assert len({each["label"] for each in answered["predictions"]}) > 1
