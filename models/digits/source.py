"""A small convolutional network, trained in seconds on scikit-learn's 1,797 handwritten digits of 8 x 8 pixels."""

from __future__ import annotations

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

from model_build import ImageClassifier, Training

SEED = 20261120
EPOCHS = 12
BATCH = 64


def network() -> nn.Sequential:
    """Return an untrained network: (batch, 1, 8, 8) in, (batch, 10) logits out."""
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(256, 64),
        nn.ReLU(),
        nn.Linear(64, 10),
    )


def train(model: nn.Module, images: np.ndarray, labels: np.ndarray) -> None:
    """Train in place, the same way every time: one thread, one seed, deterministic algorithms."""
    inputs, targets = torch.from_numpy(images), torch.from_numpy(labels)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-3)
    steps = EPOCHS * -(-len(inputs) // BATCH)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=4e-3, total_steps=steps)
    model.train()
    for _ in range(EPOCHS):
        for batch in torch.split(torch.randperm(len(inputs)), BATCH):
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(inputs[batch]), targets[batch], label_smoothing=0.05)
            loss.backward()  # type: ignore[no-untyped-call]  # torch leaves it untyped
            optimizer.step()
            schedule.step()
    model.eval()


def load() -> ImageClassifier:
    """Return the trained network with the digits that it was never shown."""
    torch.manual_seed(SEED)
    torch.use_deterministic_algorithms(mode=True)
    torch.set_num_threads(1)
    digits = load_digits()
    images = (digits.images[:, None] / 16).astype(np.float32)
    seen, held_out, labels, truth = train_test_split(
        images, digits.target, test_size=0.25, random_state=SEED, stratify=digits.target
    )
    model = network()
    train(model, seen, labels)
    return ImageClassifier(
        module=model,
        labels=tuple(str(digit) for digit in range(10)),
        image_shape=(1, 8, 8),
        calibration=seen[:256],
        held_out=held_out,
        held_out_labels=truth,
        training=Training(inputs=seen, labels=labels),
    )
