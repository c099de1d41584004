"""``lukou adapt``: from some minutes of a camera's own pictures, what it sees where nobody is."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any, NoReturn

import cv2
import numpy as np
import typer
from numpy.typing import NDArray

from lukou_messages.report import FAILED, WRONG_USAGE, print_json
from lukou_roadside.detector import SHIPPED_CARD, CardError, Detector, PictureDetections, load_detector
from lukou_roadside.detector.background import Background, BackgroundError, BackgroundMaker, read_background
from lukou_roadside.detector.verb import draw, frames

app = typer.Typer(add_completion=False)
MOST_JUDGED = 24
"""Pictures on which before and after are compared; others than those of which the background is made."""
DROPPED_COLOUR = (60, 60, 235)


@app.command()
def adapt(
    files: Annotated[list[Path], typer.Argument(help="pictures or videos of one camera", metavar="PICTURE|VIDEO…")],
    out: Annotated[Path, typer.Option("--out", help="where the background goes, for example camera-north.background")],
    model: Annotated[
        Path, typer.Option("--model", help="card of the detector, to tell what it changes")
    ] = SHIPPED_CARD,
    every: Annotated[int, typer.Option("--every", min=1, help="of a video, only every n-th frame")] = 5,
    add: Annotated[
        Path | None, typer.Option("--add", help="keep what this earlier file knows too (another light)")
    ] = None,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", help="write the last judged picture: kept boxes, and dropped ones in red"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object")] = False,
) -> None:
    """Learn the empty street of a camera, so that detections that show nothing else are dropped.

    Give pictures spread over some minutes (two signal cycles or more): each place must be empty in more than half of them. What
    stands there all the time, a parked car too, becomes background: look at the boxes that this tells.
    """
    missing = [str(file) for file in files if not file.is_file()]
    if missing:
        _fail(f"there is no such file: {', '.join(missing)}", "give pictures or videos of one camera")
    try:
        detector = load_detector(model)
        earlier = None if add is None else read_background(add)
        background, judged, taken = _learn(files, every)
        whole = background if earlier is None else background.joined(earlier)
    except (CardError, BackgroundError) as error:
        _fail(str(error), "see docs/detector.md")
    try:
        whole.save(out)
    except OSError as error:
        _fail(f"cannot write {out}: {error.strerror}", "name a file in a folder that exists", FAILED)
    figures = {
        "pictures": taken,
        "out": str(out),
        "bytes": out.stat().st_size,
        **_judge(detector, whole, judged, picture),
    }
    if as_json:
        print_json(figures)
        return
    print(f"{out}: the empty street of {taken} pictures, {figures['bytes'] / 1000:.0f} kB")
    print(
        f"{detector.card.name} on {figures['judged_pictures']} other pictures: {figures['before']} detections, "
        f"{figures['dropped']} of them on the empty street"
    )
    for row in figures["on_the_empty_street"]:
        print(
            f"  detected on the empty street itself: {row['class']} {row['score']:.2f} at {row['box']}; is it a parked one?"
        )


def _learn(files: list[Path], every: int) -> tuple[Background, list[NDArray[np.uint8]], int]:
    """The background of every other picture, and some of the rest."""
    maker, judged, stride, number = BackgroundMaker(), [], 1, 0
    for file in files:
        is_read = False
        for _, image in frames(file, every):
            is_read = True
            if number % 2 == 0:
                maker.add(image)
            elif number // 2 % stride == 0:
                judged.append(image)
                if len(judged) >= 2 * MOST_JUDGED:
                    judged, stride = judged[::2], 2 * stride
            number += 1
            if sys.stderr.isatty() and number % 20 == 0:
                print(f"\r{number} pictures", end="\r", file=sys.stderr, flush=True)
        if not is_read:
            raise BackgroundError(f"{file}: neither a picture nor a video that can be read")
    return maker.make(), judged, number


def _judge(
    detector: Detector, background: Background, judged: list[NDArray[np.uint8]], picture: Path | None
) -> dict[str, Any]:
    """What the background changes on pictures of which it was not made."""
    before = dropped = 0
    for number, image in enumerate(judged):
        found = detector.detect(image)
        gone = background.is_on_background(image, found.x1, found.y1, found.x2, found.y2)
        before, dropped = before + len(found), dropped + int(gone.sum())
        if picture is not None and number == len(judged) - 1:
            _write(picture, _drawn(detector, image, found, gone))
    empty = cv2.resize(background.median[0], (background.width_px, background.height_px))
    still = detector.detect(np.asarray(empty, dtype=np.uint8))
    rows = [
        {
            "class": detector.card.labels[int(still.label[k])].name,
            "score": round(float(still.score[k]), 3),
            "box": [round(float(edge[k])) for edge in (still.x1, still.y1, still.x2, still.y2)],
        }
        for k in range(len(still))
    ]
    return {"judged_pictures": len(judged), "before": before, "dropped": dropped, "on_the_empty_street": rows}


def _drawn(
    detector: Detector, image: NDArray[np.uint8], found: PictureDetections, gone: NDArray[np.bool_]
) -> NDArray[np.uint8]:
    canvas = draw(detector, image, found.take(~gone))
    for k in np.flatnonzero(gone):
        corner, other = (int(found.x1[k]), int(found.y1[k])), (int(found.x2[k]), int(found.y2[k]))
        cv2.rectangle(canvas, corner, other, DROPPED_COLOUR, 1)
    return canvas


def _write(path: Path, image: NDArray[np.uint8]) -> None:
    try:
        written = cv2.imwrite(str(path), image)
    except cv2.error:  # the ending of the name says no format
        written = False
    if not written:
        _fail(f"cannot write {path}", "give a name that ends in .png or .jpg in a folder that exists", FAILED)


def _fail(problem: str, remedy: str, code: int = WRONG_USAGE) -> NoReturn:
    print(f"lukou adapt: {problem}\n{remedy}", file=sys.stderr)
    raise typer.Exit(code)
