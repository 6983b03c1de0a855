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
from draw import End, Truth, Window, draw_window
from export import write_onnx
from network import BARS, NEAR, OFFSET, SIZE, STYLE, TALL, MarksNet, surroundings
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional
from torch.utils.data import DataLoader, Dataset

Array = NDArray[np.float32]

SPREAD = 0.9  # cells: width of a peak
LEAST_SEEN = 0.3  # a marker of which less shows is neither asked for nor forbidden
MOST = 96  # markers of a window that are described
HEAT, KEPT, NUDGE, NUDGE_W, DEPTH = 0, 3, 4, 6, 8  # channels of the maps that are wanted
CELL, GOAL, IS_STYLE, TALL_W, BAR_W, COLUMNS = slice(0, 2), slice(2, 12), 12, 13, slice(14, 20), 20  # columns of the table of markers


def targets(window: Window, rng: np.random.Generator) -> tuple[Array, Array]:
    """What the network should say of a window: maps (DEPTH, cells, cells) and a table of markers (MOST, COLUMNS), empty rows -1."""
    cells = len(window.image) // 2
    maps = np.zeros((DEPTH, cells, cells), dtype=np.float32)
    maps[KEPT] = 1.0
    rows = []
    for marker in window.markers:
        cx, cy = (marker.x - 0.5) / 2, (marker.y - 0.5) / 2
        if marker.seen < LEAST_SEEN or not (0.6 <= cx < cells - 1.6 and 0.6 <= cy < cells - 1.6):
            i, j = round(cx), round(cy)
            maps[KEPT, max(0, j - 2) : j + 3, max(0, i - 2) : i + 3] = 0.0
            continue
        _peak(maps[HEAT], cx, cy)
        rows.append(_described(marker, cx, cy, rng, side=2 * cells))
    for k, ends in enumerate((_ends(window, upper=True), _ends(window, upper=False))):
        for end in ends:
            cx, cy = (end.x - 0.5) / 2, (end.y - 0.5) / 2
            if 0 <= cx < cells - 1 and 0 <= cy < cells - 1:
                _peak(maps[HEAT + 1 + k], cx, cy)
                i, j = round(cx), round(cy)
                near, cols = slice(max(0, j - 1), j + 2), slice(max(0, i - 1), i + 2)
                maps[NUDGE + k, near, cols] = cy - np.arange(near.start, min(j + 2, cells))[:, None]
                maps[NUDGE_W + k, near, cols] = 1.0
    table = np.full((MOST, COLUMNS), -1.0, dtype=np.float32)
    kept = rng.permutation(len(rows))[:MOST]
    if len(kept):
        table[: len(kept)] = np.array(rows, dtype=np.float32)[kept]
    return maps, table


def _ends(window: Window, *, upper: bool) -> list[End]:
    own = [m.up if upper else m.down for m in window.markers]
    return [e for e in own if e is not None and e.seen] + list(window.loose_up if upper else window.loose_down)


def _peak(heat: Array, cx: float, cy: float) -> None:
    i, j, cells = round(cx), round(cy), len(heat)
    rows, cols = slice(max(0, j - 3), min(cells, j + 4)), slice(max(0, i - 3), min(cells, i + 4))
    ys, xs = np.mgrid[rows, cols]
    peak = np.exp(-((xs - cx) ** 2 + (ys - cy) ** 2) / (2 * SPREAD**2)).astype(np.float32) * 0.98
    heat[rows, cols] = np.maximum(heat[rows, cols], peak)
    heat[j, i] = 1.0


def _described(m: Truth, cx: float, cy: float, rng: np.random.Generator, side: int) -> list[float]:
    """A row of the table, as seen from the marker's cell or sometimes from one beside it."""
    i, j = round(cx), round(cy)
    if rng.random() < 0.2:
        i, j = i + int(rng.integers(-1, 2)), j + int(rng.integers(-1, 2))
        i, j = min(max(i, 0), side // 2 - 1), min(max(j, 0), side // 2 - 1)
    goal = [cx - i, cy - j, math.log(m.size), float(m.is_tall)]
    weights: list[float] = []
    for end in (m.up, m.down):
        if end is None:
            goal += [0.0, 0.0, 0.0]
            weights += [1.0, 0.0, 0.0]
            continue
        inside = 1 <= end.x < side - 1 and 1 <= end.y < side - 1
        goal += [1.0, float(end.seen), math.log(abs(end.y - m.y) + NEAR)]
        weights += [1.0 if end.seen else 0.3, 1.0, 1.0 if end.seen else 0.3] if inside else [0.5, 0.0, 0.0]
    is_triangle = m.style < 10 and m.style % 5 >= 3
    return [float(j), float(i), *goal, float(m.style), float(is_triangle), *weights]


class Windows(Dataset[tuple[Tensor, Tensor, Tensor]]):
    """Windows number `first` to `last` of a seed."""

    def __init__(self, seed: int, first: int, last: int, side: int) -> None:
        self.seed, self.first, self.last, self.side = seed, first, last, side

    def __len__(self) -> int:
        return self.last - self.first

    def __getitem__(self, i: int) -> tuple[Tensor, Tensor, Tensor]:
        cv2.setNumThreads(1)
        window = draw_window([self.seed, self.first + i], self.side)
        maps, table = targets(window, np.random.default_rng([self.seed, self.first + i, 1]))
        return torch.from_numpy(window.image), torch.from_numpy(maps.astype(np.float16)), torch.from_numpy(table)


def _focal(logit: Tensor, heat: Tensor, kept: Tensor) -> Tensor:
    """CenterNet's focal loss (Zhou et al. 2019, equation 1), per peak."""
    is_peak = (heat >= 1).float()
    p = torch.sigmoid(logit)
    at_peak = -functional.logsigmoid(logit) * (1 - p) ** 2 * is_peak
    elsewhere = -functional.logsigmoid(-logit) * p**2 * (1 - heat) ** 4 * (1 - is_peak)
    return ((at_peak + elsewhere) * kept).sum() / (is_peak * kept).sum().clamp(min=8)


def losses(net: MarksNet, image: Tensor, want: Tensor, table: Tensor) -> dict[str, Tensor]:
    """Each part of the loss."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        maps, near, far = net(image)
    maps, want = maps.float(), want.float()
    parts = {"marker": _focal(maps[:, 0], want[:, HEAT], want[:, KEPT])}
    everywhere = torch.ones_like(want[:, KEPT])
    parts["ends"] = 0.5 * sum(_focal(maps[:, k], want[:, HEAT + k], everywhere) for k in (1, 2))
    nudge_w = want[:, NUDGE_W : NUDGE_W + 2]
    parts["nudge"] = 0.5 * ((maps[:, 3:5] - want[:, NUDGE : NUDGE + 2]).abs() * nudge_w).sum() / nudge_w.sum().clamp(min=4)
    image_of, row_of = torch.nonzero(table[:, :, 0] >= 0, as_tuple=True)
    if len(image_of) == 0:
        return parts
    rows = table[image_of, row_of]
    cells = torch.cat([image_of[:, None], rows[:, CELL].long()], dim=1)
    return parts | _head_losses(net.head(surroundings(near.float(), far.float(), cells)), rows)


def _head_losses(out: Tensor, rows: Tensor) -> dict[str, Tensor]:
    goal, bar_w = rows[:, GOAL], rows[:, BAR_W]
    cross_entropy = functional.binary_cross_entropy_with_logits
    bars, wanted = out[:, BARS], goal[:, BARS]
    tall = cross_entropy(out[:, TALL], goal[:, TALL], reduction="none") * rows[:, TALL_W]
    parts = {
        "offset": 2 * (out[:, OFFSET] - goal[:, OFFSET]).abs().sum(1).mean(),
        "size": 2 * (out[:, SIZE] - goal[:, SIZE]).abs().mean(),
        "tall": 0.3 * tall.sum() / rows[:, TALL_W].sum().clamp(min=4),
        "style": functional.cross_entropy(out[:, STYLE], rows[:, IS_STYLE].long(), label_smoothing=0.02),
    }
    for name, at, scale in (("exists", (0, 3), 1.5), ("seen", (1, 4), 0.3)):
        error = cross_entropy(bars[:, at], wanted[:, at], reduction="none") * bar_w[:, at]
        parts[name] = scale * error.sum() / bar_w[:, at].sum().clamp(min=4)
    distance = (bars[:, (2, 5)] - wanted[:, (2, 5)]).abs() * bar_w[:, (2, 5)]
    parts["distance"] = 4 * distance.sum() / bar_w[:, (2, 5)].sum().clamp(min=4)
    return parts


def _rate(step: int, steps: int, peak: float) -> float:
    return peak * min(1.0, (step + 1) / 150) * (0.5 + 0.5 * math.cos(math.pi * min(1.0, step / steps)) + 0.01)


def _batches(seed: int, first: int, steps: int, batch: int, side: int, workers: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    data = Windows(seed, first * batch, steps * batch, side)
    yield from DataLoader(data, batch_size=batch, num_workers=workers, prefetch_factor=4 if workers else None)


def _widened(known: Tensor, own: Tensor) -> Tensor:
    """Weights of a narrower network in a wider one that answers the same (Net2Net, Chen et al. 2016): what is new feeds nothing old yet."""
    made = own.clone()
    corner = tuple(slice(n) for n in known.shape)
    if known.dim() > 1:
        made[corner[0], known.shape[1] :] = 0
    made[corner] = known
    return made


def train(folder: Path, *, steps: int, batch: int, side: int, seed: int, peak: float, workers: int, start: Path | None) -> None:
    """Train for a number of steps, going on from the last state in `folder`; writes state.pt and marks.onnx there."""
    torch.manual_seed(seed)
    net = MarksNet()
    if start is not None:
        known = torch.load(start)["mean"]
        net.load_state_dict({k: _widened(known[k], v) if k in known else v for k, v in net.state_dict().items()})
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
    for step, (images, want, table) in enumerate(_batches(seed, first, steps, batch, side, workers), start=first):
        for group in optimiser.param_groups:
            group["lr"] = _rate(step, steps, peak)
        image = images.permute(0, 3, 1, 2).float().contiguous(memory_format=torch.channels_last)
        parts = losses(net, image, want, table)
        loss = torch.stack(list(parts.values())).sum()
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(net.parameters(), 5.0)
        optimiser.step()
        keep = min(0.998, 1 - 1 / (step / 4 + 2))
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
            pace = (time.time() - began) / (step + 1 - first)
            print(f"{step + 1}/{steps} {pace:.2f} s a step | {told}", flush=True)
        if step % 250 == 249 or step == steps - 1:
            state = {"net": net.state_dict(), "mean": mean.state_dict(), "optimiser": optimiser.state_dict(), "step": step + 1}
            torch.save(state, state_file)
            write_onnx(mean, folder)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--batch", type=int, default=6)
    parser.add_argument("--side", type=int, default=192)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2.5e-3)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--start", type=Path, help="a state.pt whose weights to start from")
    a = parser.parse_args()
    torch.set_num_threads(a.threads)
    a.folder.mkdir(parents=True, exist_ok=True)
    train(a.folder, steps=a.steps, batch=a.batch, side=a.side, seed=a.seed, peak=a.rate, workers=a.workers, start=a.start)


if __name__ == "__main__":
    main()
