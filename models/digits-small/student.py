"""A network with an eleventh of the multiplications of ``models/digits``, which teaches it."""

from __future__ import annotations

from torch import nn


def student() -> nn.Sequential:
    """Return an untrained network: (batch, 1, 8, 8) in, (batch, 10) logits out."""
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, bias=False),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(128, 10),
    )
