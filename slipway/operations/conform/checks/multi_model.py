from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from slipway.operations.conform.answer import PATIENCE_SECONDS, Answer
from slipway.operations.conform.check import MULTI_MODEL, Check, Flaw, Need

if TYPE_CHECKING:
    from slipway.operations.conform.subject import Subject

_UNHEARD_OF = "no-such-model"


class UnloadedModelNotFound(Check):
    """A model that is not loaded is answered with 404, whether it is invoked, looked up or unloaded."""

    says = "SageMaker learns by the 404 that it must load the model; without it the caller gets an error."
    mend = "answer 404 on /models/<name> and /models/<name>/invoke for what is not loaded"
    source = MULTI_MODEL
    needs = (Need.SERVER, Need.MODELS, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Ask for one in each way."""
        path = f"/models/{_UNHEARD_OF}"
        body = subject.example.body
        for method, route in (("POST", f"{path}/invoke"), ("GET", path), ("DELETE", path)):
            status = _ask(subject, method, route, body if method == "POST" else b"").status
            if status != 404:  # noqa: PLR2004
                raise Flaw(f"{method} {route} was answered with {status}, and 404 is what says that it is not loaded")
        return "404 for invoke, get and delete"


class LoadedOnce(Check):
    """A model that is loaded already is not loaded again: 409."""

    says = "Memory is taken twice, or requests go to the wrong copy."
    mend = "answer 409 to POST /models where the name is taken"
    source = MULTI_MODEL
    needs = (Need.SERVER, Need.MODELS)

    def run(self, subject: Subject) -> str:
        """Load the first one again."""
        name, folder = subject.models[0]
        subject.load(name, folder)
        status = subject.load(name, folder).status
        if status != 409:  # noqa: PLR2004
            raise Flaw(f"POST /models with the loaded '{name}' was answered with {status}")
        return "409"


class ModelsListed(Check):
    """GET /models lists what is loaded, and GET /models/<name> says of one where it came from."""

    says = "SageMaker does not know what is in memory, and loads or unloads the wrong one."
    mend = "answer with modelName and modelUrl as the contract has them"
    source = MULTI_MODEL
    needs = (Need.SERVER, Need.MODELS)

    def run(self, subject: Subject) -> str:
        """Load both and look."""
        for name, folder in subject.models:
            subject.load(name, folder)
        listed = {
            str(row.get("modelName")): row.get("modelUrl") for row in _document(subject, "/models").get("models", ())
        }
        for name, folder in subject.models:
            if listed.get(name) != folder:
                raise Flaw(f"GET /models does not list '{name}' of {folder}: {listed}")
            one = _document(subject, f"/models/{name}")
            if (one.get("modelName"), one.get("modelUrl")) != (name, folder):
                raise Flaw(f"GET /models/{name} says {one}")
        return f"{len(listed)} listed"


class UnloadedForgotten(Check):
    """A model that is unloaded is gone: 200, then 404; and it can be loaded again, while the others answer on."""

    says = "Memory is not given back, and the endpoint ends with 507 for every new model."
    mend = "answer what was accepted, forget the model, and give its memory back"
    source = MULTI_MODEL
    needs = (Need.SERVER, Need.MODELS, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Unload the second one and load it again."""
        name, folder = subject.models[1]
        subject.load(name, folder)
        if (status := _ask(subject, "DELETE", f"/models/{name}").status) != 200:  # noqa: PLR2004
            raise Flaw(f"DELETE /models/{name} was answered with {status}")
        if (status := _ask(subject, "POST", f"/models/{name}/invoke", subject.example.body).status) != 404:  # noqa: PLR2004
            raise Flaw(f"the unloaded '{name}' was invoked and answered with {status}, and not with 404")
        subject.require_usual(subject.example, subject.door.ask(subject.example), "after another model was unloaded")
        if (status := subject.load(name, folder).status) != 200:  # noqa: PLR2004
            raise Flaw(f"'{name}' could not be loaded again: {status}")
        return f"'{name}' was unloaded, not found, and loaded again"


class BadModelNotLoaded(Check):
    """A model that cannot be loaded is refused, and neither listed nor in the way."""

    says = "SageMaker sends requests to a model that is not there."
    mend = "answer with an error where the folder holds no model, and forget the name"
    source = MULTI_MODEL
    needs = (Need.SERVER, Need.MODELS, Need.EXAMPLE)

    def run(self, subject: Subject) -> str:
        """Load one from where nothing is."""
        status = subject.load(_UNHEARD_OF, f"{subject.models[0][1]}/no-such-folder").status
        if status < 400:  # noqa: PLR2004
            raise Flaw(f"a model of a folder that there is not was loaded with {status}")
        if _UNHEARD_OF in str(_document(subject, "/models")):
            raise Flaw("a model that could not be loaded is listed")
        subject.require_usual(subject.example, subject.door.ask(subject.example), "after another could not be loaded")
        return f"refused with {status}"


def _ask(subject: Subject, method: str, route: str, body: bytes = b"") -> Answer:
    headers = subject.example.headers() if method == "POST" else []
    with subject.address.connect(PATIENCE_SECONDS) as connection:
        return connection.request(method, route, headers, body)


def _document(subject: Subject, route: str) -> dict[str, Any]:
    answer = _ask(subject, "GET", route)
    try:
        document = json.loads(answer.body)
    except ValueError as error:
        raise Flaw(f"GET {route} was answered with {answer.status} and no JSON") from error
    if not isinstance(document, dict):
        raise Flaw(f"GET {route} was answered with {document!r:.100}, and not with an object")
    return document
