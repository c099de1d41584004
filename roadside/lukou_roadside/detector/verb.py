"""``lukou detect``: run a detector over pictures and videos."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, NoReturn

import cv2
import numpy as np
import typer
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from lukou_messages.report import FAILED, WRONG_USAGE, print_json
from lukou_roadside.detector import SHIPPED_CARD, CardError, Detector, PictureDetections, load_detector
from lukou_roadside.detector.background import BackgroundError, read_background

app = typer.Typer(add_completion=False)
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff"}


@app.command()
def detect(
    files: Annotated[list[Path], typer.Argument(help="pictures or videos", metavar="PICTURE|VIDEO…")],
    model: Annotated[Path, typer.Option("--model", help="card of the detector")] = SHIPPED_CARD,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object per picture on stdout")] = False,
    picture: Annotated[Path | None, typer.Option("--picture", help="write the last picture with its boxes")] = None,
    every: Annotated[int, typer.Option("--every", min=1, help="of a video, only every n-th frame")] = 1,
    background: Annotated[
        Path | None, typer.Option("--background", help="file of `lukou adapt`: what shows the empty street is left out")
    ] = None,
) -> None:
    """Find road users in pictures or videos; boxes are in pixels of the given picture. Exit 1 where a file is unreadable."""
    try:
        detector = load_detector(model)
        empty = None if background is None else read_background(background)
    except CardError as error:
        _fail(str(error), "see docs/detector.md for the form of a card")
    except BackgroundError as error:
        _fail(str(error), "see docs/detector.md")
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        _fail(f"there is no such file: {', '.join(missing)}", "give pictures or videos")
    console = Console(stderr=as_json)
    last: tuple[NDArray[np.uint8], PictureDetections] | None = None
    unreadable = []
    for file in files:
        is_read = False
        for number, image in frames(file, every):
            is_read = True
            started = time.process_time()
            found = detector.detect(image)
            if empty is not None:
                found = found.take(~empty.is_on_background(image, found.x1, found.y1, found.x2, found.y2))
            cpu_ms = (time.process_time() - started) * 1e3
            last = image, found
            if as_json:
                print_json(_record(detector, file, number, image, found, cpu_ms))
                sys.stdout.flush()
            else:
                _print(console, detector, file, number, found, cpu_ms)
        if not is_read:
            unreadable.append(str(file))
    if picture is not None and last is not None and not _write(picture, draw(detector, last[0], last[1])):
        _fail(f"cannot write {picture}", "give a name that ends in .png or .jpg in a folder that exists", FAILED)
    if unreadable:
        remedy = "OpenCV reads PNG, JPEG and, where its build can, MP4 and AVI"
        _fail(f"neither a picture nor a video that can be read: {', '.join(unreadable)}", remedy, FAILED)


def boxes(detector: Detector, found: PictureDetections) -> list[dict[str, Any]]:
    """``[{class, score, x1, y1, x2, y2, ground_x, ground_y}]``; ground points are null where the model tells none."""
    rows = []
    for k in range(len(found)):
        row: dict[str, Any] = {
            "class": detector.card.labels[int(found.label[k])].name,
            "score": round(float(found.score[k]), 4),
        }
        for name in ("x1", "y1", "x2", "y2", "ground_x", "ground_y"):
            value = float(getattr(found, name)[k])
            row[name] = round(value, 2) if np.isfinite(value) else None
        rows.append(row)
    return rows


def draw(detector: Detector, image: NDArray[np.uint8], found: PictureDetections) -> NDArray[np.uint8]:
    """The picture with boxes, names and ground points."""
    canvas = image.copy()
    for row in boxes(detector, found):
        colour = (60, 200, 60) if row["class"] in ("pedestrian", "person") else (0, 200, 255)
        corner = int(row["x1"]), int(row["y1"])
        cv2.rectangle(canvas, corner, (int(row["x2"]), int(row["y2"])), colour, 1)
        text = f"{row['class']} {row['score']:.2f}"
        cv2.putText(canvas, text, (corner[0], max(9, corner[1] - 2)), cv2.FONT_HERSHEY_SIMPLEX, 0.32, colour, 1)
        if row["ground_x"] is not None:
            cv2.circle(canvas, (int(row["ground_x"]), int(row["ground_y"])), 2, (0, 0, 255), -1)
    return canvas


def frames(file: Path, every: int) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Pictures of a file with their numbers: one of a picture, every so many of a video, none where it cannot be read."""
    if file.suffix.lower() in PICTURES:
        image = _read(file)
        if image is not None:
            yield 0, np.asarray(image, dtype=np.uint8)
        return
    video = cv2.VideoCapture(str(file))
    number = 0
    while True:
        there, image = video.read()
        if not there:
            break
        if number % every == 0:
            yield number, np.asarray(image, dtype=np.uint8)
        number += 1
    video.release()


def _read(file: Path) -> Any:
    """The picture; None where OpenCV cannot read it."""
    try:
        return cv2.imread(str(file), cv2.IMREAD_COLOR)
    except cv2.error:
        return None


def _write(file: Path, image: NDArray[np.uint8]) -> bool:
    try:
        return bool(cv2.imwrite(str(file), image))
    except cv2.error:  # the ending of the name says no format
        return False


def _record(
    detector: Detector, file: Path, number: int, image: NDArray[np.uint8], found: PictureDetections, cpu_ms: float
) -> dict[str, Any]:
    return {
        "file": str(file),
        "frame": number,
        "width_px": image.shape[1],
        "height_px": image.shape[0],
        "detector": detector.card.name,
        "cpu_ms": round(cpu_ms, 2),
        "boxes": boxes(detector, found),
    }


def _print(
    console: Console, detector: Detector, file: Path, number: int, found: PictureDetections, cpu_ms: float
) -> None:
    table = Table(title=f"{file} · frame {number} · {len(found)} road users · {cpu_ms:.1f} ms CPU")
    for head in ("class", "score", "x1", "y1", "x2", "y2", "ground x", "ground y"):
        table.add_column(head, justify="left" if head == "class" else "right")
    for row in boxes(detector, found):
        numbers = ("" if value is None else f"{value:.1f}" for value in list(row.values())[2:])
        table.add_row(str(row["class"]), f"{row['score']:.2f}", *numbers)
    console.print(table)


def _fail(problem: str, remedy: str, code: int = WRONG_USAGE) -> NoReturn:
    print(f"lukou detect: {problem}\n{remedy}", file=sys.stderr)
    raise typer.Exit(code)
