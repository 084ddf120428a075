"""A language model's files behind Hugging Face's toolkit, from the spec to the answer."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from slipway import local_cloud

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SLIPWAY = Path(sys.executable).with_name("slipway")
SPEC = {
    "kind": "realtime",
    "variants": [
        {
            "name": "toolkit",
            "model": "poet",
            "server": {"name": "huggingface", "workers": 1},
            "instance_type": "ml.c7i.xlarge",
        }
    ],
    "rollout": {"strategy": "all-at-once", "bake_minutes": 0, "terminate_after_seconds": 0},
}
FIRST, SECOND = "Build me straight, O worthy Master!", "Stanch and strong, a goodly vessel,"


@pytest.fixture
def endpoints() -> tuple[str, ...]:
    return ()


@pytest.fixture
def connection(project_copy: Path) -> Iterator[dict[str, str]]:
    (project_copy / "endpoints" / "poem.yaml").write_text(yaml.safe_dump(SPEC))
    servers = project_copy / ".slipway" / "servers"  # one environment serves all projects of this checkout
    servers.parent.mkdir()
    servers.symlink_to(Path(__file__).parents[2] / ".slipway" / "servers")
    cloud = local_cloud.start(project_copy, leash=True)
    yield cloud.environment()
    local_cloud.stop(cloud)


@pytest.mark.local_cloud
@pytest.mark.slow
def test_poet_goes_on_with_its_poem_behind_the_toolkit(
    project_copy: Path,
    cdk: Callable[..., subprocess.CompletedProcess[str]],
    connection: dict[str, str],
    bootstrap: Callable[[dict[str, str]], None],
    tmp_path: Path,
) -> None:
    bootstrap(connection)
    done = cdk(project_copy, "deploy", "--all", "--require-approval", "never", connection=connection)
    assert done.returncode == 0, done.stderr
    request = tmp_path / "request.json"
    asked = {"inputs": FIRST, "parameters": {"max_new_tokens": 24, "do_sample": False}}
    request.write_text(json.dumps(asked))
    words = [str(SLIPWAY), "invoke", "poem", "--format", "json", "--data", str(request)]
    answered = subprocess.run(words, cwd=project_copy, capture_output=True, text=True, check=False)
    assert answered.returncode == 0, answered.stderr
    [said] = json.loads(answered.stdout)["answer"]
    assert said["generated_text"].splitlines()[:2] == [FIRST, SECOND]
