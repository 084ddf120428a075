"""What the original says to its own data, for comparing endpoints with."""

from __future__ import annotations

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_build.child import Child
from model_build.endings import interruptible
from model_build.job import LOAD_TIMEOUT_SECONDS, Job, log_file
from model_build.machine import cores

if TYPE_CHECKING:
    import numpy as np

    from slipway.specs import Project


@dataclass(frozen=True)
class Samples:
    """Inputs from a model's own data, and the untouched original's answers.

    Args:
        model: Whose.
        inputs: As a client sends them: texts, or nested numbers.
        answers: Embeddings (inputs, dimensions) or probabilities (inputs, classes), float32; of a language model texts.
        at_least: The model's gate.
        chats: What a language model answers where each input is what a user says in a chat.
            Default: none, as of other models, and where the tokenizer has no template for chats.
    """

    model: str
    inputs: list[Any]
    answers: np.ndarray
    at_least: float
    chats: np.ndarray | None = None


def samples(project: Project, name: str, count: int, *, inputs: list[Any] | None = None) -> Samples:
    """Let the untouched original answer, in a process of its own.

    Args:
        project: Where the model is.
        name: Which.
        count: How many inputs at most; they are taken evenly over all the data.
        inputs: What it is asked.
            Default: its own verification data.

    Raises:
        SlipwayError: As from ``build``. A source that trains its model does so again, the same way.
    """
    import numpy as np

    with interruptible(), tempfile.TemporaryDirectory(prefix="slipway-") as scratch:
        given = None if inputs is None else Path(scratch) / "given.json"
        if given is not None:
            given.write_text(json.dumps(inputs), encoding="utf-8")
        job = Job(
            root=str(project.root),
            name=name,
            digest="",
            scratch=scratch,
            load_timeout_seconds=LOAD_TIMEOUT_SECONDS,
            samples=count,
            inputs=None if given is None else str(given),
        )
        child = Child(job, log_file(project, name, "samples"), threads=cores())
        try:
            folder = Path(child.until("done", lambda _: None).text)
        finally:
            child.end()
        asked = json.loads((folder / "inputs.json").read_bytes())
        answers = np.load(folder / "answers.npy", allow_pickle=False)
        chats = folder / "chats.npy"
        chatted = np.load(chats, allow_pickle=False) if chats.is_file() else None
    return Samples(name, asked, answers, project.models[name].verify.at_least, chatted)
