"""What a secret looks like: what is written into a spec ends in a template, in the open."""

from __future__ import annotations

import re
from typing import Final

_SHAPES: Final = {
    "an AWS access key": r"\b(AKIA|ASIA)[A-Z0-9]{16}\b",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "a GitHub token": r"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{10,}",
    "an API key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.",
    "an address with a password": r"[a-z]://[^/\s:@]+:[^/\s:@]+@",
}


def secret_in(text: str) -> str | None:
    """Return what kind of secret a text holds, None where it holds none that is known."""
    return next((what for what, shape in _SHAPES.items() if re.search(shape, text)), None)
