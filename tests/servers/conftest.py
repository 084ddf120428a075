from __future__ import annotations

import pytest

from serving.engine import Engine
from tests.servers.toolkits import artifact, unpack


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    """What our own server answers with, of the artifact as it was built and proved."""
    engine = Engine(max_batch=64)
    engine.load(unpack(artifact("minilm").archive, tmp_path_factory.mktemp("engine")), 4)
    return engine
