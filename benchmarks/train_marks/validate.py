"""The losses of a state on drawn windows that no training saw: `python validate.py /tmp/marks/state.pt`."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch
from network import MarksNet
from torch.utils.data import DataLoader
from train import Windows, losses

SEED, WINDOWS, SIDE = 555, 160, 288


def validated(state: Path) -> dict[str, float]:
    """Each part of the loss, and their sum."""
    net = MarksNet()
    net.load_state_dict(torch.load(state)["mean"])
    net.eval()
    parts: dict[str, list[float]] = {}
    with torch.no_grad():
        for images, want, table in DataLoader(Windows(SEED, 0, WINDOWS, SIDE), batch_size=8):
            for name, value in losses(net, images.permute(0, 3, 1, 2).float(), want, table).items():
                parts.setdefault(name, []).append(value.item())
    means = {name: float(np.mean(values)) for name, values in parts.items()}
    return means | {"sum": sum(means.values())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("state", type=Path)
    print("  ".join(f"{name} {value:.3f}" for name, value in validated(parser.parse_args().state).items()))
