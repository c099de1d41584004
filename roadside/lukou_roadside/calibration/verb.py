"""``lukou calibrate``: cameras without a survey."""

from __future__ import annotations

import math
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer

from lukou_messages.report import FAILED
from lukou_roadside.calibration import report
from lukou_roadside.calibration.command import OUTPUTS, Given, begin, takes, write
from lukou_roadside.calibration.errors import CalibrationError
from lukou_roadside.calibration.start import numbers_of

app = typer.Typer(
    add_completion=False, no_args_is_help=True, help="Calibrate cameras without a survey; see docs/calibration.md."
)


@app.command()
@takes("camera_file", "name", "size", "focal", "map_file", "picture", *OUTPUTS)
def points(
    pairs_file: Annotated[
        Path, typer.Argument(help="CSV u,v,x,y[,z][,name]: pixels and map points", metavar="PAIRS.csv")
    ],
    given: Given,
    solve_distortion: Annotated[
        bool, typer.Option("--solve-distortion", help="solve for the first radial coefficient")
    ] = False,
    pixel_deviation: Annotated[float, typer.Option("--pixel-deviation", min=0.1, help="of a clicked point [px]")] = 2.0,
    map_deviation: Annotated[float, typer.Option("--map-deviation", min=0.0, help="of a point of the map [m]")] = 0.1,
) -> None:
    """Pose and focal length from points known in picture and map; wrong points are found and left out."""
    from lukou_roadside.calibration.points import PairNoise, from_points, left_out_errors_m, read_pairs

    begun = begin(given)
    pairs = begun.with_heights(read_pairs(pairs_file))
    noise = PairNoise(pixel_deviation, map_deviation)
    found = from_points(
        pairs, begun.start, is_focal_known=begun.is_focal_known, solve_distortion=solve_distortion, noise=noise
    )
    camera = begun.camera(found.vector)
    figures = {"method": "points", **report.solution_figures(begun.start, found, float(np.median(pairs.z_m)))}
    left_out = left_out_errors_m(pairs, begun.start, found, noise)
    figures |= report.pair_figures(camera, pairs, found, left_out)
    figures["warnings"] = _point_warnings(figures, len(pairs))
    begun.finish(figures, camera, given, pairs, found.weights)


@app.command()
@takes("camera_file", "name", "focal", *OUTPUTS)
def lines(
    street: Annotated[
        Path,
        typer.Argument(
            help="picture of the street, or a video or folder whose median is taken", metavar="PICTURE|VIDEO"
        ),
    ],
    map_file: Annotated[Path, typer.Option("--map", help="map with lanes")],
    given: Given,
    near: Annotated[str, typer.Option("--near", help="rough place of the camera: x,y[,z] in the map frame [m]")] = "",
    toward: Annotated[str, typer.Option("--toward", help="x,y of a place in the middle of the picture")] = "",
    place: Annotated[float, typer.Option("--place", min=0.5, max=8.0, help="how far the place may be off [m]")] = 4.0,
    turn: Annotated[
        float, typer.Option("--turn", min=1.0, max=60.0, help="how far the direction may be off [degrees]")
    ] = 20.0,
) -> None:
    """Pose and focal length from vanishing points and lane lines of a picture; takes a rough place and direction."""
    from lukou_roadside.calibration.lines import Rough, from_lines

    begun = begin(replace(given, map_file=map_file, picture=street))
    rough = Rough(place, 3.0, math.radians(turn), begun.is_focal_known)
    start = begun.placed(near, toward)
    assert begun.model is not None and begun.picture is not None
    print("looking for the camera …", file=sys.stderr)
    fit = from_lines(begun.picture, begun.model, start, rough)
    camera = begun.camera(fit.solution.vector)
    figures = {"method": "lines", **report.solution_figures(start, fit.solution, begun.ground_z_m())}
    figures |= {"found_share": round(fit.found_share, 3), "vanishing_share": round(fit.vanishing_share, 3)}
    figures["is_ambiguous"] = fit.rival is not None
    figures["warnings"] = _line_warnings(fit.found_share, fit.rival)
    begun.finish(figures, camera, given)


@app.command()
@takes("map_file", "name", "picture", *OUTPUTS)
def tracks(
    tracks_file: Annotated[
        Path, typer.Argument(help="CSV t,id,u,v: ground points of vehicles", metavar="TRACKS.csv|VIDEO")
    ],
    camera_file: Annotated[
        Path, typer.Option("--camera", help="TOML with a camera that is right to a metre and degrees")
    ],
    given: Given,
    place: Annotated[
        float, typer.Option("--place", min=0.01, help="standard deviation of the start's place [m]")
    ] = 1.0,
    turn: Annotated[
        float, typer.Option("--turn", min=0.01, help="standard deviation of the start's angles [degrees]")
    ] = 1.5,
    focal_share: Annotated[float, typer.Option("--focal-share", min=0.0, help="of the start's focal length")] = 0.02,
    detector: Annotated[Path | None, typer.Option("--model", help="card of the detector, for a video")] = None,
) -> None:
    """Refine a camera from where vehicles drive."""
    from lukou_roadside.calibration.vehicle_tracks import Trust, from_tracks, read_tracks

    is_table = tracks_file.suffix.lower() in (".csv", ".txt")
    shown = given.picture if is_table else given.picture or tracks_file
    begun = begin(replace(given, camera_file=camera_file, picture=shown))
    if begun.model is None:
        raise CalibrationError("tracks need a map; give --map")
    if is_table:
        seen = read_tracks(tracks_file)
    else:
        from lukou_roadside.calibration.video_tracks import tracks_of

        print("following vehicles …", file=sys.stderr)
        seen = tracks_of(tracks_file, begun.start, detector)
    fit = from_tracks(seen, begun.model, begun.start, Trust(place, 0.4 * place, math.radians(turn), focal_share))
    camera = begun.camera(fit.solution.vector)
    figures = {"method": "tracks", **report.solution_figures(begun.start, fit.solution, begun.ground_z_m())}
    figures |= {"passes": fit.passes, "before_m": round(fit.before_m, 3), "after_m": round(fit.after_m, 3)}
    figures["warnings"] = (
        [] if fit.after_m <= fit.before_m else ["vehicles follow lanes no better than before: keep the start"]
    )
    begun.finish(figures, camera, given)


@app.command(name="import")
@takes("name", "size", "map_file", "picture", *OUTPUTS)
def import_(
    file: Annotated[Path, typer.Argument(help="OpenCV, ROS camera_info, Kalibr, KITTI, or JSON with named matrices")],
    given: Given,
    which: Annotated[
        str, typer.Option("--which", help="camera of a file with several: cam1 (Kalibr), 02 (KITTI)")
    ] = "",
    extrinsics: Annotated[str, typer.Option("--extrinsics", help="name of the matrix that holds the pose")] = "",
    frame: Annotated[
        str, typer.Option("--frame", help="x,y,z,degrees: where the file's frame lies in the map's")
    ] = "0,0,0,0",
) -> None:
    """A calibration file of others as a camera of a site file."""
    from lukou_roadside.calibration.importing import read_calibration

    told = read_calibration(file, which, extrinsics)
    values: dict[str, Any] = {"name": given.name or "camera", "lens": told.lens, "distortion": told.distortion}
    for key in ("width_px", "height_px", "focal_x_px", "focal_y_px", "centre_x_px", "centre_y_px"):
        if getattr(told, key) is not None:
            values[key] = getattr(told, key)
    if told.pose is not None:
        x, y, z, turn = numbers_of(frame, "--frame", 4, 4)
        cos, sin = math.cos(math.radians(turn)), math.sin(math.radians(turn))
        values |= {
            "x_m": x + cos * told.pose[0] - sin * told.pose[1],
            "y_m": y + sin * told.pose[0] + cos * told.pose[1],
            "z_m": z + told.pose[2],
            "azimuth_rad": math.remainder(told.pose[3] + math.radians(turn), math.tau),
            "pitch_rad": told.pose[4],
            "roll_rad": told.pose[5],
        }
    begun = begin(given, values)
    figures: dict[str, Any] = {"method": "import", "camera": report.camera_figures(begun.start)}
    figures |= {"has_pose": told.pose is not None, "pose_read_as": told.how or None, "matrices": list(told.matrices)}
    figures["warnings"] = [] if told.pose is not None else [_no_pose(told.matrices)]
    begun.finish(figures, begun.start, given, has_pose=told.pose is not None)


@app.command()
@takes("map_file", "name", "report_file", "drawing", "as_json")
def check(
    camera_file: Annotated[Path, typer.Argument(help="site file or TOML with the camera")],
    street: Annotated[Path, typer.Option("--picture", help="picture or video of the street as it is now")],
    given: Given,
    pairs_file: Annotated[Path | None, typer.Option("--pairs", help="CSV u,v,x,y[,z][,name] to compare with")] = None,
) -> None:
    """How well a camera still fits its street: share of lane lines found, offset of the picture, residuals. Exit 1 where it has moved."""
    from lukou_roadside.calibration.points import read_pairs
    from lukou_roadside.calibration.watch import MOVED_RAD, MountingWatch

    begun = begin(replace(given, camera_file=camera_file, picture=street))
    if begun.model is None or begun.picture is None:
        raise CalibrationError("give --map: the site file names none")
    told = MountingWatch(begun.start, begun.model).judged(begun.picture)
    figures: dict[str, Any] = {"method": "check", "camera": report.camera_figures(begun.start), **told.figures()}
    pairs = None
    if pairs_file is not None:
        pairs = begun.with_heights(read_pairs(pairs_file))
        figures |= report.pair_figures(begun.start, pairs, report.even_solution(len(pairs)), None)
    figures["limit_degrees"] = round(math.degrees(MOVED_RAD), 2)
    figures["warnings"] = [told.words] if told.words else []
    begun.finish(figures, begun.start, given, pairs)
    if told.has_moved:
        raise typer.Exit(FAILED)


@app.command()
@takes()
def page(
    picture: Annotated[Path, typer.Option("--picture", help="picture or video of the street")],
    map_file: Annotated[Path, typer.Option("--map", help="map")],
    out: Annotated[Path, typer.Option("--out", help="where the page goes (HTML)")],
    given: Given,
    near: Annotated[
        str, typer.Option("--near", help="x,y of the middle of the map shown; default: its busiest junction")
    ] = "",
) -> None:
    """A page (one file, no network) on which map points are clicked in picture and map, and saved as PAIRS.csv."""
    from lukou_maps.reading import load_map
    from lukou_roadside.calibration.clicking import make_page
    from lukou_roadside.calibration.pictures import read_picture

    place = numbers_of(near, "--near", 2, 2) if near else None
    text = make_page(read_picture(picture), load_map(map_file), None if place is None else (place[0], place[1]))
    write(out, text)
    print(
        f"open {out} in a browser, click pairs, save them, then: lukou calibrate points pairs.csv --picture {picture}",
        file=sys.stderr,
    )


def _point_warnings(figures: dict[str, Any], count: int) -> list[str]:
    words = []
    left_out = count - figures["used"]
    if left_out:
        words.append(f"{left_out} of {count} points disagree with the others and were left out")
    if count < 8:
        words.append("fewer than 8 points: wrong ones can hardly be told from right ones")
    told = figures["ground_deviation_m"].get("40")
    if told is not None and told > 1.0:
        words.append(
            f"at 40 m the expected error is {told:.1f} m: add points far away and at the sides, or give the focal length"
        )
    return words


def _line_warnings(share: float, rival: Any) -> list[str]:
    words = []
    if share < 0.6:
        words.append(f"only {share:.0%} of the map's lines lie on edges: look at the drawing before you trust this")
    if rival is not None:
        words.append(
            f"another place fits nearly as well (x {rival[0]:.1f}, y {rival[1]:.1f}): look at the drawing, or give a nearer --near"
        )
    return words


def _no_pose(matrices: tuple[str, ...]) -> str:
    found = (
        f"name one with --extrinsics: {', '.join(matrices)}"
        if matrices
        else "continue with `lukou calibrate points --camera`"
    )
    return f"the file's pose was not read; {found}"
