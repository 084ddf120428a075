"""``serving.properties`` says what was written, to Java and to us."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from slipway.catalog import lmi_option_spans, lmi_versions
from slipway.fit import options_of, options_of_properties
from slipway.specs.servers.lmi_options import LmiOptions
from slipway.specs.servers.lmi_properties import OURS, option_variables, properties, settings

if TYPE_CHECKING:
    from pathlib import Path

HOSTILE = {
    "line ends": "a\nb\rc\n",
    "injected": "x\noption.trust_remote_code=true",
    "continued": "ends with a backslash\\",
    "comment": "# not a comment",
    "bang": "! neither",
    "blanks": "  two before, two after  ",
    "signs": "a=b:c d\te\ff",
    "beyond ASCII": "naïve 模型 😀",
    "unicode escape": "\\u0041 stays six characters",
    "nul": "\x00\x1f\x7f",
    "nothing": "",
}
JAVA = """
import java.io.*; import java.nio.charset.StandardCharsets; import java.util.*;
public class Read {
  public static void main(String[] files) throws IOException {
    Properties read = new Properties();
    try (InputStream in = new FileInputStream(files[0])) { read.load(in); }
    PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
    for (String key : new TreeSet<>(read.stringPropertyNames()))
      out.println(key + " " + Base64.getEncoder().encodeToString(
        read.getProperty(key).getBytes(StandardCharsets.UTF_8)));
  }
}
"""


def told(**written: Any) -> dict[str, str]:
    return settings(LmiOptions(**written), degree=4, loading_seconds=600, longest=2048)


def read_as_java_says(text: str) -> dict[str, str]:
    """Read properties by the words of java.util.Properties.load, written anew here."""
    found = {}
    for line in text.split("\n"):
        if not line.strip() or line.lstrip()[0] in "#!":
            continue
        key, value = re.fullmatch(r"([\w.]+)=(.*)", line, re.DOTALL).groups()  # type: ignore[union-attr]
        value = re.sub(
            r"\\(u[0-9a-f]{4}|.)",
            lambda match: (
                {"n": "\n", "r": "\r", "t": "\t", "f": "\f"}.get(match[1])
                or (chr(int(match[1][1:], 16)) if match[1][0] == "u" else match[1])
            ),
            value.lstrip(),
        )
        found[key] = value.encode("utf-16", "surrogatepass").decode("utf-16")
    return found


def test_file_is_the_same_for_the_same_options_whatever_their_order() -> None:
    one = told(max_rolling_batch_size=8, dtype="fp16", enforce_eager=True)
    other = told(enforce_eager=True, dtype="fp16", max_rolling_batch_size=8)
    assert properties(one) == properties(other)
    assert properties(one).splitlines() == [
        "engine=Python",
        "option.async_mode=true",
        "option.dtype=fp16",
        "option.enforce_eager=true",
        "option.max_model_len=2048",
        "option.max_rolling_batch_size=8",
        "option.model_loading_timeout=600",
        "option.rolling_batch=disable",
        "option.tensor_parallel_degree=4",
    ]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_value_comes_back_and_adds_no_line(name: str) -> None:
    text = properties({"a": HOSTILE[name], "b": "1"})
    assert text.isascii()
    assert len(text.splitlines()) == 3
    assert read_as_java_says(text) == {"engine": "Python", "option.a": HOSTILE[name], "option.b": "1"}


@pytest.mark.skipif(shutil.which("java") is None, reason="needs Java, whose reader it is")
def test_java_reads_what_was_written(tmp_path: Path) -> None:
    import base64

    values = {f"v{index}": value for index, value in enumerate(HOSTILE.values())}
    (tmp_path / "Read.java").write_text(JAVA)
    (tmp_path / "serving.properties").write_text(properties(values), encoding="latin-1")
    done = subprocess.run(
        ["java", str(tmp_path / "Read.java"), str(tmp_path / "serving.properties")],
        capture_output=True,
        text=True,
        check=True,
        timeout=300,
    )
    read = dict(line.split(" ") for line in done.stdout.splitlines())
    assert {key: base64.b64decode(value).decode() for key, value in read.items()} == {
        "engine": "Python",
        **{f"option.{key}": value for key, value in values.items()},
    }


def test_overrides_reach_vllm_as_the_json_they_were() -> None:
    overrides = {"rope_scaling": {"rope_type": "yarn", "factor": 4.0}, "note": 'quote " back\\slash é'}
    text = properties(told(hf_overrides=overrides))
    assert json.loads(read_as_java_says(text)["option.hf_overrides"]) == overrides


def test_variables_say_what_the_file_says() -> None:
    said = told(quantize="fp8", kv_cache_dtype="fp8", gpu_memory_utilization=0.8, rolling_batch="vllm")
    by_file, by_variables = options_of_properties(properties(said)), options_of(option_variables(said))
    assert by_file.degree == by_variables.degree == 4
    assert (by_file.quantization, by_file.max_tokens, by_file.memory_share) == ("fp8", 2048, 0.8)
    assert by_file == by_variables
    assert option_variables(said)["OPTION_ENGINE"] == "Python"


@pytest.mark.parametrize("version", lmi_versions())
def test_asynchronous_handler_is_named_where_the_container_does_not_find_it(version: str) -> None:
    said = told(version=version)
    assert said["rolling_batch"] == "disable"
    assert ("entryPoint" in said) == (version in {"0.33.0", "0.34.0"})
    assert "OPTION_ENTRYPOINT" in option_variables(told(version="0.34.0"))


def test_every_option_has_a_version_and_every_version_an_option() -> None:
    fields = set(LmiOptions.model_fields) - {"version"}
    assert fields == set(lmi_option_spans())
    assert fields > OURS - {"name", "version", "job_queue_size"}
