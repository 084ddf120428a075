"""`slipway fit` as its users meet it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from slipway.catalog import hub_models

ROOT = Path(__file__).parents[2]
SLIPWAY = Path(sys.executable).with_name("slipway")
LLAMA = "meta-llama/Llama-2-13b-hf"


def fit(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run([SLIPWAY, "fit", *words], cwd=cwd, capture_output=True, text=True, check=False, timeout=300)


def test_model_that_does_not_fit_exits_1_and_names_the_smallest_that_does() -> None:
    done = fit(LLAMA, "--instance-type", "ml.g5.2xlarge", "--region", "eu-west-1", "--format", "json")
    assert done.returncode == 1
    document = json.loads(done.stdout)
    on, least = document["on"], document["smallest"]
    assert (on["fits"], on["needed_mib"] > on["available_mib"], on["device"]) == (False, True, "A10G")
    assert (on["kv_cache_bytes_per_token"], on["tokens"]) == (819_200, 4096)
    assert (least["instance_type"], least["tensor_parallel"], least["fits"]) == ("ml.g4dn.12xlarge", 4, True)


def test_model_that_fits_exits_0_and_shows_the_arithmetic() -> None:
    done = fit(LLAMA, "--instance-type", "ml.g5.12xlarge", "--tensor-parallel", "4")
    assert (done.returncode, done.stderr) == (0, "")
    assert "13,015,864,320 parameters x 2 bytes (fp16) / 4 = 6,207 MiB" in done.stdout
    assert "fits, with room for" in done.stdout


@pytest.mark.parametrize(
    ("words", "needed_mib"),
    [([], 28_793), (["--quantize", "int8"], 16_693), (["--tokens", "0"], None), (["--tokens", "8192"], 31_993)],
)
def test_options_change_the_need(words: list[str], needed_mib: int | None) -> None:
    done = fit(LLAMA, "--instance-type", "ml.g5.2xlarge", *words, "--format", "json")
    if needed_mib is None:
        assert done.returncode == 2
    else:
        assert json.loads(done.stdout)["on"]["needed_mib"] == needed_mib


def test_model_is_read_from_each_kind_of_file(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(hub_models()[LLAMA]))
    (tmp_path / "facts.json").write_text(json.dumps({"name": "mine", "parameters": 13_015_864_320}))
    properties = "engine=Python\noption.model_id=meta-llama/Llama-2-13b-hf\noption.tensor_parallel_degree=max\n"
    (tmp_path / "serving.properties").write_text(properties)
    for word in (".", "config.json", "facts.json", "serving.properties"):
        done = fit(word, "--instance-type", "ml.p4d.24xlarge", "--format", "json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["parameters"] == 13_015_864_320
    (tmp_path / "manifest.json").write_text(json.dumps({"served": {}}))
    refused = fit("manifest.json", cwd=tmp_path)
    assert (refused.returncode, refused.stderr) == (
        2,
        "manifest.json: is no manifest of this version: build the model again\n",
    )
    manifest = next((ROOT / "artifacts" / "minilm").glob("*/manifest.json"), None)
    if manifest is not None:
        assert json.loads(fit(str(manifest), "--format", "json").stdout)["smallest"]["device"] == "memory"


def test_model_of_this_project_is_known_by_its_name() -> None:
    done = fit("minilm", "--instance-type", "ml.c7i.large", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["on"]["weights_bytes"] > 20_000_000


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "'nothing' is no file, no public model that is known, and no model that was built here"),
        (["gpt2", "--instance-type", "g5.xlarge"], "'g5.xlarge' is not a hosting type, did you mean 'ml.g5.xlarge'?"),
        (["gpt2", "--region", "mars-1"], "'mars-1' is not a region that sells SageMaker hosting"),
        (["gpt2", "--dtype", "fp7"], "'fp7' is no dtype that is known"),
        (["gpt2", "--tensor-parallel", "0"], "'0' is no degree that is known"),
        (
            ["gpt2", "--instance-type", "ml.g5.xlarge", "--tensor-parallel", "2"],
            "a model over 2 GPUs is asked for and 'ml.g5.xlarge' has 1",
        ),
        (["gpt2", "--instance-type", "ml.inf2.xlarge"], "'ml.inf2.xlarge' has Inferentia2 devices"),
        (["pyproject.toml"], "pyproject.toml: is no JSON"),
        (["package.json"], "'private' is no fact"),
    ],
)
def test_bad_usage_is_one_line_and_exit_2(words: list[str], said: str) -> None:
    done = fit(*words)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_smallest_degree_is_planned_where_a_machine_has_several_gpus_and_nobody_chose() -> None:
    done = fit(LLAMA, "--instance-type", "ml.g5.12xlarge")
    assert "  degree 1    does not fit: 28,793 of 20,599 MiB on the A10G\n" in done.stdout
    assert "  planned     2 of 4 GPUs: 2 copies\n" in done.stdout
    document = json.loads(fit(LLAMA, "--instance-type", "ml.g5.12xlarge", "--format", "json").stdout)
    assert (document["plan"]["tensor_parallel"], document["plan"]["copies"]) == (2, 2)
    chosen = fit(LLAMA, "--instance-type", "ml.g5.12xlarge", "--tensor-parallel", "4")
    assert "planned" not in chosen.stdout


EXAMPLE = ROOT / "examples" / "language-models"


def test_fleets_of_an_environment_are_judged_and_counted_in_instance_hours() -> None:
    done = fit("writer-175b", "--environment", "prod", "--format", "json", cwd=EXAMPLE)
    assert (done.returncode, done.stderr) == (0, "")
    [fleet] = json.loads(done.stdout)["fleets"]
    assert (fleet["instance_type"], fleet["fit"]["tensor_parallel"], fleet["fit"]["fits"]) == (
        "ml.p5.48xlarge",
        8,
        True,
    )
    assert fleet["instance_hours_a_month"] == {"least": 730, "most": 730}
    said = fit("gpt-j-6b", "--environment", "prod", cwd=EXAMPLE).stdout
    assert "1 to 4 x ml.g5.12xlarge = 730 to 2,920 instance-hours a month" in said


def test_hours_follow_the_schedule_that_makes_a_fleet_smaller(tmp_path: Path) -> None:
    shutil.copytree(EXAMPLE, tmp_path / "project")
    file = tmp_path / "project" / "endpoints" / "gpt-j.yaml"
    off = "off_hours: {days: [sat, sun], min: 1, max: 2}"
    file.write_text(file.read_text().replace("{min: 1, max: 4}", f"{{min: 3, max: 4}}, {off}"))
    done = fit("gpt-j-6b", "--environment", "prod", "--format", "json", cwd=tmp_path / "project")
    [fleet] = json.loads(done.stdout)["fleets"]
    assert fleet["instances"] == {"least": 1, "most": 4}


def test_model_of_no_fleet_is_refused() -> None:
    done = fit(LLAMA, "--environment", "prod", cwd=EXAMPLE)
    assert done.returncode == 2
    assert "was not built in this project" in done.stderr
