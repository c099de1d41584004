"""``python -m lukou_sim.training``: render, train, quantise, judge, write model, card and metadata."""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np

from lukou_sim.training.dataset import CLASSES, HEIGHT, WIDTH, load_set, render_set, save_labels
from lukou_sim.training.evaluate import Figures, evaluate
from lukou_sim.training.recipe import PHASES, STRIDE
from lukou_sim.training.streets import CONDITIONS

SEED = 1
HELD_OUT_SEED, OWN_SEED = 1_000_001, 1_000_002
TRAINING_CAMERAS, PER_CAMERA = 160, 32
HELD_OUT_CAMERAS, HELD_OUT_PER_CAMERA = 48, 20
HELD_OUT_CONDITIONS = ("day", "night", "day", "rain", "day", "fog", "day", "night_rain")
OWN_CAMERAS, OWN_PER_CAMERA = 10, 16
CARD_SCORE = 0.35
"""Least score of the card: where the demo's precision is that of its predecessor."""
NAME = "lukou_centre_640x384"
DEFAULT_OUT = Path(__file__).parents[3] / "roadside" / "lukou_roadside" / "detector" / "models"

OBJECT_CLASSES = {"car": "CAR", "truck_bus": "TRUCK", "two_wheeler": "BICYCLE", "pedestrian": "PEDESTRIAN"}

CARD = """# Card of the detector that ships with Lukou; made by `python -m lukou_sim.training`.
name = "{name}"
kind = "lukou_centre"
model = "{name}.onnx"
sha256 = "{sha256}"
width_px = {width}
height_px = {height}
strides_px = [{stride}]
letterbox = "stretch"
colour_order = "bgr"
layout = "nhwc"
dtype = "uint8"
min_score = {score}
suppression_overlap = 0.60
suppression_overlap_any = 0.75
licence = "Apache-2.0"
description = "CenterNet-like, INT8, trained on the project's own renderer; not for real streets"
{labels}
"""


def main() -> None:
    """Run the whole recipe."""
    parser = argparse.ArgumentParser(prog="python -m lukou_sim.training", description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT, help="folder of the model")
    parser.add_argument(
        "--steps",
        type=int,
        nargs="+",
        default=[phase.steps for phase in PHASES],
        help="batches of each phase; the recipe's fix the result, fewer try it out",
    )
    parser.add_argument("--small", action="store_true", help="a hundredth of it, to try out that all parts work")
    parser.add_argument("--start", type=Path, default=None, help="exported model of the phase before `--from-phase`")
    parser.add_argument("--from-phase", type=int, default=1, help="first phase to train, counted from 1; needs --start")
    parser.add_argument(
        "--data", type=Path, default=None, help="folder with a set rendered before, or where to keep it"
    )
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    phases = min(len(PHASES), len(options.steps))
    if not 1 <= options.from_phase <= phases:
        parser.error(f"--from-phase {options.from_phase}: expected 1 to {phases}, the phases that have steps")
    if options.from_phase > 1 and options.start is None:
        parser.error(f"--from-phase {options.from_phase} needs --start MODEL.onnx, the model of the phase before")
    if options.small:
        if options.out == DEFAULT_OUT:
            parser.error("--small makes no model worth shipping: name a folder with --out")
        options.steps = [3, 2, 2]
    if options.data is not None:
        options.data.mkdir(parents=True, exist_ok=True)
        _run(options, options.data)
    else:
        with tempfile.TemporaryDirectory() as folder:
            _run(options, Path(folder))


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _run(options: argparse.Namespace, folder: Path) -> None:
    from lukou_sim.training.export import CALIBRATION_PICTURES, export
    from lukou_sim.training.train import train

    held = HELD_OUT_CONDITIONS
    for name, cameras, each, seed, district_share, conditions in (
        ("held_out", HELD_OUT_CAMERAS, HELD_OUT_PER_CAMERA, HELD_OUT_SEED, 0.0, held),
        ("own", OWN_CAMERAS, OWN_PER_CAMERA, OWN_SEED, 1.0, CONDITIONS),
        ("train", TRAINING_CAMERAS, PER_CAMERA, options.seed, 0.4, None),
    ):
        if options.small:
            cameras, each = len(CONDITIONS) + 3, 12 if name == "train" else 2
        if not (folder / f"{name}.npz").exists():
            _tell(f"rendering {cameras * each} pictures ({name})")
            made = render_set(folder / f"{name}.raw", cameras, each, seed, district_share, conditions)
            save_labels(made, folder / f"{name}.npz")
    data, held_out, own = (
        load_set(folder / f"{name}.raw", folder / f"{name}.npz") for name in ("train", "held_out", "own")
    )
    chosen = np.sort(np.random.default_rng(options.seed).permutation(len(data.labels))[:CALIBRATION_PICTURES])
    file = options.start
    for number, (phase, steps) in enumerate(zip(PHASES, options.steps, strict=False)):
        if number + 1 >= options.from_phase:
            _tell(f"phase {number + 1} of {len(PHASES)}: {steps} batches")
            model = train(data, replace(phase, steps=steps), options.seed + number, _tell, file)
            file = export(model, data.pictures[chosen], options.out, NAME)
    whole = file.with_suffix(".float.onnx")
    results = {}
    for index, name in enumerate(CONDITIONS):
        results[name] = evaluate(file, held_out, np.flatnonzero(held_out.condition == index).tolist())
    results["day_float"] = evaluate(whole, held_out, np.flatnonzero(held_out.condition == 0).tolist())
    results["district_all_weathers"] = evaluate(file, own)
    whole.unlink()
    _write_card(file, options, len(data.labels), results)


def _write_card(file: Path, options: argparse.Namespace, pictures: int, results: dict[str, Figures]) -> None:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    labels = (
        f'labels.{index} = {{ name = "{name}", object_class = "{OBJECT_CLASSES[name]}" }}'
        for index, name in enumerate(CLASSES)
    )
    card = CARD.format(
        name=NAME,
        sha256=digest,
        width=WIDTH,
        height=HEIGHT,
        stride=STRIDE,
        score=CARD_SCORE,
        labels="\n".join(labels),
    )
    file.with_suffix(".toml").write_text(card)
    from lukou_sim.training.train import BATCH

    metadata = {
        "what": "detector of road users for the simulated cameras",
        "how": "python -m lukou_sim.training",
        "licence": "Apache-2.0",
        "sha256": {file.name: digest},
        "seed": options.seed,
        "held_out_seed": HELD_OUT_SEED,
        "steps": options.steps,
        "batch": BATCH,
        "pictures": pictures,
        "figures": {
            name: {
                "map50": round(figures.mean, 3),
                "average_precision50": {k: round(v, 3) for k, v in figures.average_precision.items()},
                "recall_at_0.3": {k: round(v, 3) for k, v in figures.recall.items()},
                "precision_at_0.3": {k: round(v, 3) for k, v in figures.precision.items()},
                "ground_error_median_px": None
                if np.isnan(figures.ground_error_px)
                else round(figures.ground_error_px, 2),
            }
            for name, figures in results.items()
        },
    }
    (file.parent / "metadata.json").write_text(json.dumps(metadata, indent=2) + "\n")
    print(json.dumps(metadata["figures"], indent=2))


if __name__ == "__main__":
    main()
