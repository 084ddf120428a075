"""Grey pictures of 32 x 32 pixels become what the model `digits` takes: 8 x 8 shares of ink, as its data set was made.

The data set's authors counted the ink in each block of 4 x 4 pixels. Here that count is a convolution.
"""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import nn

from model_build import TensorTransform

BLOCK = 4
WHITE = 255
HELD_OUT = 450


def scaler() -> nn.Conv2d:
    """Return the mean of each block: (batch, 1, 32, 32) of 0 to 255 in, (batch, 1, 8, 8) of 0 to 1 out."""
    module = nn.Conv2d(1, 1, BLOCK, stride=BLOCK, bias=False)
    nn.init.constant_(module.weight, 1 / (BLOCK * BLOCK * WHITE))
    return module.eval()


def pictures(counts: np.ndarray) -> np.ndarray:
    """Return (n, 1, 32, 32) pictures that the counts (n, 8, 8) may have been made from, which are lost.

    Each block has as many white pixels as were counted in it, at places that scatter them.
    """
    order = np.array([[0, 8, 2, 10], [12, 4, 14, 6], [3, 11, 1, 9], [15, 7, 13, 5]])  # Bayer's
    thresholds = np.tile(order, (counts.shape[1], counts.shape[2]))
    return (np.kron(counts, np.ones((1, BLOCK, BLOCK))) > thresholds)[:, None].astype(np.float32) * WHITE


def load() -> TensorTransform:
    """Return the scaler with pictures of handwritten digits."""
    torch.set_num_threads(1)
    counts = load_digits().images
    return TensorTransform(module=scaler(), input_shape=(1, 32, 32), held_out=pictures(counts[-HELD_OUT:]))
