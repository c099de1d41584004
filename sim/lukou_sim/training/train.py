"""Training loop: focal loss on the heat, generalised IoU on the boxes, L1 on the ground points."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional as tf

from lukou_sim.training.dataset import HEIGHT, WIDTH, Pictures
from lukou_sim.training.network import Detector
from lukou_sim.training.recipe import CLASS_COUNT, MEAN, SCALE, STRIDE, Phase
from lukou_sim.training.start import PICTURES, continue_from

BATCH = 8
GROUND_WEIGHT = 0.75
CELLS_HIGH, CELLS_WIDE = HEIGHT // STRIDE, WIDTH // STRIDE


def targets(rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Heat (4, h, w) with -1 where ignored, geometry (6, h, w) and its weight (h, w) of one picture's labels."""
    heat = np.zeros((CLASS_COUNT, CELLS_HIGH, CELLS_WIDE), np.float32)
    geometry = np.zeros((6, CELLS_HIGH, CELLS_WIDE), np.float32)
    weight = np.zeros((CELLS_HIGH, CELLS_WIDE), np.float32)
    cell_y, cell_x = np.mgrid[0:CELLS_HIGH, 0:CELLS_WIDE].astype(np.float32) + 0.5
    order = np.argsort(-(rows[:, 3] - rows[:, 1]) * (rows[:, 4] - rows[:, 2]))  # small ones last: they win shared cells
    for kind, x1, y1, x2, y2, ground_x, ground_y, _, demanded in rows[order] / ([1] + [STRIDE] * 6 + [1, 1]):
        if not demanded:
            region = np.s_[:, int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
            heat[region] = np.where(heat[region] == 0, -1, heat[region])
            continue
        centre_x, centre_y = (x1 + x2) / 2, (y1 + y2) / 2
        column, row = min(int(centre_x), CELLS_WIDE - 1), min(int(centre_y), CELLS_HIGH - 1)
        sigma_x, sigma_y = max((x2 - x1) / 6, 0.5), max((y2 - y1) / 6, 0.5)
        top, bottom = max(0, row - int(3 * sigma_y) - 1), row + int(3 * sigma_y) + 2
        left, right = max(0, column - int(3 * sigma_x) - 1), column + int(3 * sigma_x) + 2
        window = np.s_[top:bottom, left:right]
        bump = np.exp(
            -(((cell_x[window] - column - 0.5) / sigma_x) ** 2) / 2
            - (((cell_y[window] - row - 0.5) / sigma_y) ** 2) / 2
        )
        plane = heat[int(kind)][window]
        plane[:] = np.maximum(np.where(plane < 0, 0, plane), bump)
        near = bump > 0.6
        values = np.stack(
            [
                cell_x[window] - x1,
                cell_y[window] - y1,
                x2 - cell_x[window],
                y2 - cell_y[window],
                ground_x - cell_x[window],
                ground_y - cell_y[window],
            ]
        )
        geometry[:, top:bottom, left:right][:, near] = values[:, near]
        weight[window][near] = 1.0 / near.sum()
    return heat, geometry, weight


def batches(data: Pictures, steps: int, seed: int) -> Iterator[tuple[torch.Tensor, ...]]:
    """Batches of normalised pictures and targets, each picture mirrored half of the time."""
    rng = np.random.default_rng(seed)
    queue: list[int] = []
    for _ in range(steps):
        pictures, parts = [], []
        for _ in range(BATCH):
            if not queue:
                queue = rng.permutation(len(data.labels)).tolist()
            index = queue.pop()
            picture, rows = np.array(data.pictures[index]), data.labels[index]
            if rng.random() < 0.5:
                picture = picture[:, ::-1]
                rows = rows.copy()
                rows[:, [1, 3]], rows[:, 5] = WIDTH - rows[:, [3, 1]], WIDTH - rows[:, 5]
            pictures.append(picture)
            parts.append(targets(rows))
        stacked = torch.from_numpy(np.stack(pictures)).float()
        yield (stacked - MEAN) * SCALE, *(torch.from_numpy(np.stack(part)) for part in zip(*parts, strict=True))


def loss_of(
    raw: torch.Tensor, heat: torch.Tensor, geometry: torch.Tensor, weight: torch.Tensor, *, box_weight: float
) -> torch.Tensor:
    """Sum of the three losses, per road user."""
    logits = raw[:, :CLASS_COUNT]
    probability = torch.sigmoid(logits)
    positive = (heat > 0.999).float()
    negative = (1 - heat.clamp(min=0)) ** 4 * (heat >= 0).float() * (1 - positive)
    focal = -(
        tf.logsigmoid(logits) * (1 - probability) ** 2 * positive + tf.logsigmoid(-logits) * probability**2 * negative
    )
    count = positive.sum().clamp(min=1)
    sides, wanted = tf.softplus(raw[:, 4:8]), geometry[:, :4].clamp(min=0.01)
    overlap = (torch.minimum(sides[:, 0], wanted[:, 0]) + torch.minimum(sides[:, 2], wanted[:, 2])) * (
        torch.minimum(sides[:, 1], wanted[:, 1]) + torch.minimum(sides[:, 3], wanted[:, 3])
    )
    hull = (torch.maximum(sides[:, 0], wanted[:, 0]) + torch.maximum(sides[:, 2], wanted[:, 2])) * (
        torch.maximum(sides[:, 1], wanted[:, 1]) + torch.maximum(sides[:, 3], wanted[:, 3])
    )
    union = (
        (sides[:, 0] + sides[:, 2]) * (sides[:, 1] + sides[:, 3])
        + (wanted[:, 0] + wanted[:, 2]) * (wanted[:, 1] + wanted[:, 3])
        - overlap
    )
    boxes = 1 - overlap / union + (hull - union) / hull
    ground = (raw[:, 8:10] - geometry[:, 4:6]).abs().sum(dim=1)
    total = focal.sum() + ((box_weight * boxes + GROUND_WEIGHT * ground) * weight).sum()
    return torch.as_tensor(total / count)


def train(data: Pictures, phase: Phase, seed: int, tell: Callable[[str], None], start: Path | None = None) -> Detector:
    """Train a network for one phase.

    Parameters
    ----------
    data : Pictures
        The training set.
    phase : Phase
        How long and how fast; equal phases, seeds and machines give equal models.
    seed : int
        Of initial weights and order.
    tell : callable
        Takes one line of progress.
    start : Path, optional
        Exported model whose weights to go on from; none: a new network.
    """
    torch.manual_seed(seed)
    torch.set_num_threads(1)
    model, steps, peak_rate = Detector(), phase.steps, phase.peak_rate
    if start is not None:
        chosen = np.sort(np.random.default_rng(seed).permutation(len(data.labels))[:PICTURES])
        continue_from(model, start, data.pictures[chosen])
    model = model.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimiser = torch.optim.AdamW(model.parameters(), lr=peak_rate, weight_decay=1e-4)
    began, mean_loss = time.monotonic(), 0.0
    model.train()
    for step, (pictures, *wanted) in enumerate(batches(data, steps, seed)):
        spent = step / steps
        rate = peak_rate * min(1.0, (step + 1) / 150) * (0.02 + 0.98 * 0.5 * (1 + np.cos(np.pi * spent)))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", torch.bfloat16):
            raw = model.raw(pictures)
        loss = loss_of(raw.float(), *wanted, box_weight=phase.box_weight)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
        if step > 100:
            average.update_parameters(model)
        mean_loss += 0.02 * (float(loss.detach()) - mean_loss) if step else float(loss.detach())
        if step % 50 == 0:
            tell(f"step {step}  {100 * spent:.0f} %  loss {mean_loss:.3f}  {time.monotonic() - began:.0f} s")
    result: Detector = average.module
    result.eval()
    return result
