"""The model behind LitServe: `python litserve_api.py FOLDER PORT WORKERS THREADS`; runs in LitServe's environment."""

import importlib
import sys
from pathlib import Path
from typing import Any

import orjson

from serving.model import Model

litserve: Any = importlib.import_module("litserve")  # there in its own environment alone
Response: Any = importlib.import_module("starlette.responses").Response
FOLDER, PORT, WORKERS, THREADS = sys.argv[1], *map(int, sys.argv[2:])


class Api(litserve.LitAPI):  # type: ignore[misc]
    """Text in, embeddings out, as our own server answers."""

    def setup(self, device: str) -> None:  # noqa: ARG002  LitServe's interface
        """Load the model in a worker."""
        self.model = Model.load(Path(FOLDER), threads=THREADS)

    def decode_request(self, request: dict[str, Any]) -> list[str]:  # LitServe reads this type while it runs
        """Take the texts out of the document."""
        texts: list[str] = request["inputs"]
        return texts

    def predict(self, texts: list[str]) -> Any:
        """Compute."""
        return self.model.predict(texts)

    def encode_response(self, output: Any) -> Any:
        """Write JSON as our server does, which is quicker than LitServe's own."""
        body = orjson.dumps(self.model.postprocess.document(output), option=orjson.OPT_SERIALIZE_NUMPY)
        return Response(body, media_type="application/json")


if __name__ == "__main__":
    api = Api(api_path="/invocations")
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=WORKERS, timeout=False)
    server.run(host="127.0.0.1", port=PORT, generate_client_file=False, log_level="warning")
