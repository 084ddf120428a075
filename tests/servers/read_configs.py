"""Run in Triton's own environment: reads configurations with Triton's own schema, and writes them as JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path


def main() -> None:
    package = importlib.util.find_spec("tritonclient")
    assert package is not None
    assert package.submodule_search_locations is not None
    # The package around it would import all of gRPC.
    file = Path(package.submodule_search_locations[0]) / "grpc" / "model_config_pb2.py"
    spec = importlib.util.spec_from_file_location("model_config_pb2", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    text_format = importlib.import_module("google.protobuf.text_format")
    json_format = importlib.import_module("google.protobuf.json_format")
    found = {}
    for name, content in json.load(sys.stdin).items():
        message = text_format.Parse(content, module.ModelConfig())
        found[name] = json_format.MessageToDict(message, preserving_proto_field_name=True)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
