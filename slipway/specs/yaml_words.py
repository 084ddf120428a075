"""Why a text is not YAML, for people who do not know how YAML is parsed."""

from __future__ import annotations

import yaml
from yaml.reader import ReaderError

FORBIDDEN_START = "a character stands where none can: indent with spaces, and quote text that begins so"
CLOSE = "a bracket is not closed, or a comma is missing"
INDENT = "the indentation does not fit the lines above"
MENDS = {
    "cannot start any token": FORBIDDEN_START,
    "mapping values are not allowed": "a colon stands where none can: quote the text, or mind the indentation",
    "expected <block end>": INDENT,
    "did not find expected key": INDENT,
    "could not find expected ':'": "a line is neither 'key: value' nor a list item",
    "expected ',' or": CLOSE,
    "expected node content": "a value or a bracket is missing, or text begins with a character that needs quotes",
    "expected the node content": "a value or a bracket is missing, or text begins with a character that needs quotes",
    "Unicode character escape": "an escape in double quotes names no character: write the character itself",
    "unknown escape character": "a backslash in double quotes begins no escape: use single quotes",
    "while scanning a quoted scalar": "a quote is not closed",
    "sequence entries are not allowed": "a list item stands where none can: mind the indentation",
    "mapping keys are not allowed": "a key stands where none can: mind the indentation",
    "<document start>": "something follows where the document has ended: mind the indentation",
    "tag": "tags ('!') are not accepted: write the plain value, in quotes if it begins with '!'",
    "alphabetic or numeric": "anchors ('&') and aliases ('*') are not accepted: quote text that begins so",
}
"""By a part of what PyYAML or libyaml says; the first that fits."""


def explain(error: yaml.YAMLError, text: str) -> tuple[int, str]:
    """Return the line of the text (0 where it is unknown) and the message."""
    if isinstance(error, ReaderError):
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return text.count("\n", 0, error.position) + 1, f"holds the control character U+{code:04X}: remove it"
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return 0, "is not YAML"
    lines = text.splitlines() or [""]
    line = min(error.problem_mark.line, len(lines) - 1)
    said = " ".join(str(part) for part in (error.context, error.problem) if part)
    mend = next((words for sign, words in MENDS.items() if sign in said), "quote the text, or mind the indentation")
    if mend == FORBIDDEN_START and lines[line][error.problem_mark.column :].startswith("\t"):
        mend = "a tab indents here: use spaces"
    return line + 1, f"is not YAML: {mend}"
