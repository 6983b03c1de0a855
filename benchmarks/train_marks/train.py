"""Train the marks network on our own drawings and write it as an ONNX file. See README.md."""

from __future__ import annotations

import argparse
import copy
import math
import time
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from draw import SIDE, End, Truth, Window, draw_window
from export import write_onnx
from network import BARS, NEAR, NUDGES, OFFSET, SIZE, STYLE, TALL, MarksNet
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

Array = NDArray[np.float32]

CELLS = SIDE // 2
SPREAD = 0.9  # cells: width of a peak
LEAST_SEEN = 0.3  # a marker of which less shows is neither asked for nor forbidden
HEAT, KEPT, NUDGE, NUDGE_W, WEIGHT, OFF, LOG_SIZE, IS_TALL, TALL_W, BAR, BAR_W, CLASS = 0, 3, 4, 6, 8, 9, 11, 12, 13, 14, 20, 26
DEPTH = 27


def targets(window: Window) -> Array:
    """What the network should say of a window, (DEPTH, CELLS, CELLS)."""
    maps = np.zeros((DEPTH, CELLS, CELLS), dtype=np.float32)
    maps[KEPT] = 1.0
    nearest = np.full((CELLS, CELLS), np.inf, dtype=np.float32)
    for marker in window.markers:
        cx, cy = (marker.x - 0.5) / 2, (marker.y - 0.5) / 2
        if marker.seen < LEAST_SEEN or not (0.6 <= cx < CELLS - 1.6 and 0.6 <= cy < CELLS - 1.6):
            i, j = round(cx), round(cy)
            maps[KEPT, max(0, j - 2) : j + 3, max(0, i - 2) : i + 3] = 0.0
            continue
        _peak(maps[HEAT], cx, cy)
        _describe(maps, nearest, marker, cx, cy)
    for k, ends in enumerate((_ends(window, upper=True), _ends(window, upper=False))):
        for end in ends:
            cx, cy = (end.x - 0.5) / 2, (end.y - 0.5) / 2
            if 0 <= cx < CELLS - 1 and 0 <= cy < CELLS - 1:
                _peak(maps[HEAT + 1 + k], cx, cy)
                i, j = round(cx), round(cy)
                rows, cols = slice(max(0, j - 1), j + 2), slice(max(0, i - 1), i + 2)
                maps[NUDGE + k, rows, cols] = cy - np.arange(rows.start, min(j + 2, CELLS))[:, None]
                maps[NUDGE_W + k, rows, cols] = 1.0
    return maps


def _ends(window: Window, *, upper: bool) -> list[End]:
    own = [m.up if upper else m.down for m in window.markers]
    return [e for e in own if e is not None and e.seen] + list(window.loose_up if upper else window.loose_down)


def _peak(heat: Array, cx: float, cy: float) -> None:
    i, j = round(cx), round(cy)
    rows, cols = slice(max(0, j - 3), min(CELLS, j + 4)), slice(max(0, i - 3), min(CELLS, i + 4))
    ys, xs = np.mgrid[rows, cols]
    peak = np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / (2 * SPREAD**2)).astype(np.float32) * 0.98
    heat[rows, cols] = np.maximum(heat[rows, cols], peak)
    heat[j, i] = 1.0


def _describe(maps: Array, nearest: Array, m: Truth, cx: float, cy: float) -> None:
    """The marker's properties in the cells around its anchor that are nearer to no other anchor."""
    i, j = round(cx), round(cy)
    for y in range(j - 1, j + 2):
        for x in range(i - 1, i + 2):
            d = np.hypot(x - cx, y - cy)
            if d >= nearest[y, x]:
                continue
            nearest[y, x] = d
            maps[WEIGHT, y, x] = 1.0 if (x == i and y == j) else 0.35
            maps[OFF, y, x], maps[OFF + 1, y, x] = cx - x, cy - y
            maps[LOG_SIZE, y, x] = math.log(m.size)
            maps[IS_TALL, y, x] = m.is_tall
            maps[TALL_W, y, x] = (m.style < 10) and (m.style % 5 >= 3)
            maps[CLASS, y, x] = m.style
            for k, end in enumerate((m.up, m.down)):
                maps[BAR + 3 * k : BAR + 3 * k + 3, y, x] = 0.0
                maps[BAR_W + 3 * k : BAR_W + 3 * k + 3, y, x] = (1.0, 0.0, 0.0)
                if end is None:
                    continue
                inside = 1 <= end.x < SIDE - 1 and 1 <= end.y < SIDE - 1
                maps[BAR + 3 * k : BAR + 3 * k + 3, y, x] = (1.0, float(end.seen), math.log(abs(end.y - m.y) + NEAR))
                weights = (1.0 if end.seen else 0.3, 1.0, 1.0 if end.seen else 0.3) if inside else (0.5, 0.0, 0.0)
                maps[BAR_W + 3 * k : BAR_W + 3 * k + 3, y, x] = weights


class Windows(Dataset[tuple[Tensor, Tensor]]):
    """Windows number `first` to `last` of a seed."""

    def __init__(self, seed: int, first: int, last: int) -> None:
        self.seed, self.first, self.last = seed, first, last

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor]:
        cv2.setNumThreads(1)
        window = draw_window([self.seed, self.first + i])
        return torch.from_numpy(window.image), torch.from_numpy(targets(window).astype(np.float16))


def _focal(logit: Tensor, heat: Tensor, kept: Tensor) -> Tensor:
    """CenterNet's focal loss (Zhou et al. 2019, equation 1), per peak."""
    is_peak = (heat >= 1).float()
    p = torch.sigmoid(logit)
    at_peak = -functional.logsigmoid(logit) * (1 - p) ** 2 * is_peak
    elsewhere = -functional.logsigmoid(-logit) * p**2 * (1 - heat) ** 4 * (1 - is_peak)
    return ((at_peak + elsewhere) * kept).sum() / (is_peak * kept).sum().clamp(min=8)


def losses(out: Tensor, want: Tensor) -> dict[str, Tensor]:
    """Each part of the loss."""
    kept, weight = want[:, KEPT], want[:, WEIGHT]
    total = weight.sum().clamp(min=4)
    parts = {"marker": _focal(out[:, 0], want[:, HEAT], kept)}
    parts["ends"] = 0.5 * sum(_focal(out[:, k], want[:, HEAT + k], torch.ones_like(kept)) for k in (1, 2))
    nudge_w = want[:, NUDGE_W : NUDGE_W + 2]
    parts["nudge"] = 0.5 * ((out[:, NUDGES] - want[:, NUDGE : NUDGE + 2]).abs() * nudge_w).sum() / nudge_w.sum().clamp(min=4)
    parts["offset"] = ((out[:, OFFSET] - want[:, OFF : OFF + 2]).abs().sum(1) * weight).sum() / total
    parts["size"] = ((out[:, SIZE] - want[:, LOG_SIZE]).abs() * weight).sum() / total
    tall_w = want[:, TALL_W] * weight
    parts["tall"] = 0.3 * (functional.binary_cross_entropy_with_logits(out[:, TALL], want[:, IS_TALL], reduction="none") * tall_w).sum() / tall_w.sum().clamp(min=4)
    style = functional.cross_entropy(out[:, STYLE], want[:, CLASS].long(), reduction="none", label_smoothing=0.02)
    parts["style"] = 0.7 * (style * weight).sum() / total
    bars, goal, bar_w = out[:, BARS], want[:, BAR : BAR + 6], want[:, BAR_W : BAR_W + 6] * weight[:, None]
    for name, at, scale in (("exists", (0, 3), 0.7), ("seen", (1, 4), 0.3)):
        error = functional.binary_cross_entropy_with_logits(bars[:, at], goal[:, at], reduction="none") * bar_w[:, at]
        parts[name] = scale * error.sum() / bar_w[:, at].sum().clamp(min=4)
    distance = (bars[:, (2, 5)] - goal[:, (2, 5)]).abs() * bar_w[:, (2, 5)]
    parts["distance"] = 1.5 * distance.sum() / bar_w[:, (2, 5)].sum().clamp(min=4)
    return parts


def _rate(step: int, steps: int, peak: float) -> float:
    return peak * min(1.0, (step + 1) / 150) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / steps)) + 0.01)


def _batches(seed: int, first: int, steps: int, batch: int, workers: int) -> Iterator[tuple[Tensor, Tensor]]:
    data = Windows(seed, first * batch, steps * batch)
    yield from DataLoader(data, batch_size=batch, num_workers=workers, prefetch_factor=4 if workers else None)


def train(folder: Path, *, steps: int, batch: int, seed: int, peak: float, workers: int, start: Path | None) -> None:
    """Train for a number of steps, going on from the last state in `folder`; writes state.pt and marks.onnx there."""
    torch.manual_seed(seed)
    net = MarksNet()
    if start is not None:
        net.load_state_dict(torch.load(start)["mean"])
    mean = copy.deepcopy(net)
    net = net.to(memory_format=torch.channels_last)
    optimiser = torch.optim.AdamW(net.parameters(), lr=peak, weight_decay=1e-4)
    first, state_file = 0, folder / "state.pt"
    if state_file.exists():
        state = torch.load(state_file)
        net.load_state_dict(state["net"])
        mean.load_state_dict(state["mean"])
        optimiser.load_state_dict(state["optimiser"])
        first = state["step"]
    net.train()
    began, running = time.time(), {}
    for step, (images, want) in enumerate(_batches(seed, first, steps, batch, workers), start=first):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps, peak)
        image = images.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            out = net(image)
        parts = losses(out.float(), want.float())
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        keep = min(0.998, 1 - 1 / (step - first + 10) if start is None or first else 0.99)
        with torch.no_grad():
            for old, new in zip(mean.state_dict().values(), net.state_dict().values(), strict=True):
                if old.dtype.is_floating_point:
                    old.lerp_(new, 1 - keep)
                else:
                    old.copy_(new)
        for name, value in parts.items():
            running[name] = 0.97 * running.get(name, value.item()) + 0.03 * value.item()
        if step % 50 == 49:
            told = " ".join(f"{k} {v:.3f}" for k, v in running.items())
            print(f"{step + 1}/{steps} {(time.time() - began) / (step + 1 - first):.2f} s a step | {told}", flush=True)
        if step % 250 == 249 or step == steps - 1:
            torch.save({"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}, state_file)
            write_onnx(mean, folder / "marks.onnx")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", type=Path, help="a state.pt whose weights to start from")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    a.folder.mkdir(parents=True, exist_ok=True)
    train(a.folder, steps=a.steps, batch=a.batch, seed=a.seed, peak=a.rate, workers=a.workers, start=a.start)


if __name__ == "__main__":
    main()
