"""``lukou bench``: benchmarks by name."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from lukou_messages.errors import SettingsError
from lukou_messages.report import WRONG_USAGE, plain_errors, print_json

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Benchmarks; each prints what it compares with."""


@app.command()
def objects(
    count: Annotated[int, typer.Option(help="Road users per list")] = 30,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Object lists: columns with every refusal check, against one message per road user with the same fields."""
    from lukou_sim.bench.objects import measure

    figures = measure(count)
    if as_json:
        print_json(figures)
        return
    for name, value in figures.items():
        print(f"{name:<40}{value}")


@app.command()
def timing(
    seeds: Annotated[int, typer.Option(help="Number of seeds, from 1")] = 5,
    seconds: Annotated[float, typer.Option(help="Length of each run [s]")] = 900.0,
    source: Annotated[str, typer.Option(help="Where road users come from: truth or sensors")] = "truth",
    scenario: Annotated[str, typer.Option(help="Scenario file, or the name of a shipped one")] = "calm",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Adaptive timing against the optimised fixed plan: the same minutes, demand and seeds, in lockstep."""
    from lukou_sim.bench.timing import compare

    figures = compare(seeds, seconds, source, scenario)
    if as_json:
        print_json(figures)
        return
    for row in figures["runs"]:
        print(
            f"seed {row['seed']}: {row['delay_s']:.1f} s against {row['delay_fixed_plan_s']:.1f} s on the fixed plan, {row['gain']:+.1%}"
        )
    print(f"median gain {figures['median_gain']:+.1%}")


@app.command()
def signals(
    folder: Annotated[Path, typer.Argument(help="Folder with a .sumocfg")],
    seed: Annotated[int, typer.Option(help="Of SUMO, and of who is visible")] = 1,
    controller: Annotated[str, typer.Option(help="lukou, plan, actuated, max-pressure or greedy")] = "lukou",
    penetration: Annotated[float, typer.Option(min=0, max=1, help="Share of vehicles that are visible")] = 1.0,
    scale: Annotated[float, typer.Option(min=0, help="Factor on the demand")] = 1.0,
    all_red: Annotated[float, typer.Option(min=0, max=10, help="After every yellow [s]")] = 0.0,
    interval: Annotated[
        int, typer.Option(min=1, max=30, help="Between decisions; 10 for the baselines by default [s]")
    ] = 1,
    range_m: Annotated[float, typer.Option("--range", min=20, help="Sight along the lanes [m]")] = 200.0,
    commit: Annotated[
        float | None,
        typer.Option(min=0, max=30, help="lukou tells ends of green so long before; default: the configuration's [s]"),
    ] = None,
    tripinfo: Annotated[Path | None, typer.Option(help="Keep SUMO's trip file here")] = None,
    cabinet: Annotated[str, typer.Option(help="What cabinets take under lukou: stages or plans")] = "stages",
    noise: Annotated[
        float, typer.Option(min=0, max=10, help="Deviation of every place and speed that lukou is told [m, m/s]")
    ] = 0.0,
    false_tracks: Annotated[float, typer.Option(min=0, max=0.9, help="Share of the list that is not there")] = 0.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """A signal controller on any SUMO scenario, the guard in the loop: delay over all scheduled vehicles."""
    from lukou_sim.bench.scenario_folder import ScenarioFolder
    from lukou_sim.bench.signals import Options, Run
    from lukou_sim.bench.unsure import Sight

    with plain_errors("lukou bench signals --help"):
        if controller not in ("lukou", "plan", "actuated", "max-pressure", "greedy"):
            raise SettingsError([f"--controller {controller}: lukou, plan, actuated, max-pressure or greedy"])
        _check_cabinet(cabinet)
        sight = Sight(noise, noise, false_tracks) if noise or false_tracks else None
        options = Options(
            controller, seed, penetration, scale, all_red, interval, range_m, commit, tripinfo, cabinet, sight
        )
        figures = Run(ScenarioFolder.open(folder), options).run()
    if as_json:
        print_json(figures, seed=seed)
        return
    for name, value in figures.items():
        print(f"{name:<22}{value}")


@app.command()
def lawful(
    folders: Annotated[list[Path], typer.Argument(help="Folders that `lukou site` made")],
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds, from 1")] = 10,
    commit: Annotated[int, typer.Option(min=0, max=30, help="Ends of green are told so long before [s]")] = 10,
    jobs: Annotated[int, typer.Option(min=1, help="Runs at a time")] = 1,
    cabinet: Annotated[str, typer.Option(help="What cabinets take under lukou: stages or plans")] = "stages",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Lukou beside the better of fixed plan and actuation, under a city's rules: delay of people, waits, promises."""
    from lukou_sim.bench.lawful import FLOORS, LEAST, compare
    from lukou_sim.bench.scenario_folder import ScenarioFolder

    with plain_errors("lukou bench lawful --help"):
        _check_cabinet(cabinet)
        for folder in folders:
            if not ScenarioFolder.open(folder).periods or not list(folder.glob("*.signal.json")):
                raise SettingsError(
                    [f"{folder}: no day or no signals; make a site with `lukou site tee --out {folder}`"]
                )
        if len({folder.resolve().name for folder in folders}) < len(folders):
            raise SettingsError(["two folders of one name: the figures are told by it; rename one"])
        figures = compare(
            folders,
            range(1, seeds + 1),
            commit,
            jobs,
            lambda text: print(text, file=sys.stderr, flush=True),
            cabinet,
        )
    if as_json:
        print_json({"commit_s": commit, "cabinet": cabinet, "sites": figures})
        return
    for name, site in figures.items():
        print(f"{name}: better baseline {site['better_baseline']}, {site['seeds']} seeds, ends told {commit} s before")
        for key, value in site.items():
            if isinstance(value, float):
                aim = f"  (at most {FLOORS[key]:g})" if key in FLOORS else ""
                aim = f"  (at least {LEAST[key]:g})" if key in LEAST else aim
                print(f"  {key:<34}{value:8.2f}{aim}")
        print(
            f"  missed: {', '.join(site['missed']) or 'none'}; not measured: {', '.join(site['not_measured']) or 'none'}"
        )


def _check_cabinet(cabinet: str) -> None:
    if cabinet not in ("stages", "plans"):
        raise SettingsError([f"--cabinet {cabinet}: stages or plans"])


@app.command()
def matching(
    map_file: Annotated[Path, typer.Option("--map", help="map of any kind that Lukou reads")],
    seed: Annotated[int, typer.Option(help="seed of the points")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Points to lanes (lane, arc length, offset) in bulk, beside sumolib and lanelet2 on the same points."""
    from lukou_maps.errors import MapError
    from lukou_sim.bench.matching import measure

    if not map_file.exists():
        print(f"lukou bench matching: there is no {map_file}; name a map file", file=sys.stderr)
        raise typer.Exit(2)
    try:
        figures = measure(map_file, seed)
    except MapError as error:
        print(f"lukou bench matching: {error}", file=sys.stderr)
        raise typer.Exit(1) from None
    if figures["lanelet2_points_per_s"] is None:
        print("lanelet2 is not installed: `pip install lanelet2` shows it beside the others", file=sys.stderr)
    if as_json:
        print_json(figures, seed)
        return
    for name, value in figures.items():
        print(f"{name:<40}{value}")


@app.command()
def detector(
    model: Annotated[
        Path | None, typer.Option(help="ONNX file of `make detector`, its card beside it; default: the shipped one")
    ] = None,
    conditions: Annotated[str, typer.Option(help="Comma-separated: day, night, rain, fog, night_rain")] = "day",
    cameras: Annotated[int, typer.Option(min=1, help="Cameras per condition")] = 24,
    pictures: Annotated[int, typer.Option(min=1, help="Pictures of each camera")] = 20,
    seed: Annotated[int, typer.Option(min=0, help="Of cameras, streets and traffic")] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """The shipped detector on rendered cameras that it has never seen: mAP50, and vehicles' places on the map."""
    from lukou_sim.bench.detector import lines, measure
    from lukou_sim.training.streets import CONDITIONS

    wanted = [name.strip() for name in conditions.split(",") if name.strip()]
    with plain_errors("lukou bench detector --help", WRONG_USAGE):
        unknown = [name for name in wanted if name not in CONDITIONS]
        if unknown:
            raise SettingsError([f"--conditions {', '.join(unknown)}: expected {', '.join(CONDITIONS)}"])
        for file in () if model is None else (model, model.with_suffix(".toml")):
            if not file.is_file():
                raise SettingsError([f"--model: there is no {file}; name a model that `make detector` wrote"])
    figures = measure(model, wanted, cameras, pictures, seed, _progress)
    if as_json:
        print_json(figures, seed=seed)
        return
    for line in lines(figures):
        print(line)


@app.command()
def perception(
    conditions: Annotated[
        str, typer.Option(help="Comma-separated: day, night, rain, fog, night_rain")
    ] = "day,night,rain",
    seconds: Annotated[float, typer.Option(min=1, help="Judged in each condition [s]")] = 60.0,
    cameras: Annotated[str, typer.Option(help="Comma-separated cameras of k1 that perception has; empty: all")] = "",
    standing: Annotated[float, typer.Option(min=0, help="How long vehicles stand; 0: not measured [s]")] = 120.0,
    scenario: Annotated[str, typer.Option(help="Scenario file, or the name of a shipped one")] = "calm",
    seed: Annotated[int, typer.Option(min=0, help="Of everything random")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """The camera and radar perception of k1 on rendered scenes, offline: figures by class, range, weather and light."""
    from lukou_sim.bench.perception import CONDITIONS, lines, measure
    from lukou_sim.demo.sites import CAMERAS
    from lukou_sim.world.scenario import load_scenario

    wanted = [name.strip() for name in conditions.split(",") if name.strip()]
    with plain_errors("lukou bench perception --help", WRONG_USAGE):
        only = [name.strip() for name in cameras.split(",") if name.strip()]
        for option, given, known in (("conditions", wanted, tuple(CONDITIONS)), ("cameras", only, CAMERAS)):
            unknown = [name for name in given if name not in known]
            if unknown:
                raise SettingsError([f"--{option} {', '.join(unknown)}: expected {', '.join(known)}"])
        try:
            chosen = load_scenario(scenario)
        except (FileNotFoundError, ValueError) as error:
            raise SettingsError([f"{scenario}: {error}"]) from None
    figures = measure(chosen, wanted, seconds, standing, seed, _progress, only)
    if as_json:
        print_json(figures, seed=seed)
        return
    for line in lines(figures):
        print(line)


def _progress(share: float) -> None:
    if sys.stderr.isatty():
        print(f"\r{share * 100:3.0f} %", end="" if share < 0.995 else "\r", file=sys.stderr, flush=True)


@app.command()
def calibration(
    map_file: Annotated[
        list[Path] | None, typer.Option("--map", help="SUMO net; repeatable; default: the district")
    ] = None,
    cameras: Annotated[int, typer.Option(min=1, help="Cameras per map")] = 8,
    seed: Annotated[int, typer.Option(min=0, help="Of everything random")] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """`lukou calibrate` on rendered cameras of known pose: error on the ground at 20, 40 and 60 m by method."""
    from lukou_sim.bench.calibration import lines, measure
    from lukou_sim.district import FOLDER

    maps = map_file or [FOLDER / "district.net.xml"]
    absent = [str(path) for path in maps if not path.exists()]
    if absent:
        print(f"lukou bench calibration: there is no {', '.join(absent)}; name a SUMO net", file=sys.stderr)
        raise typer.Exit(2)
    figures = measure(maps, cameras, seed, _progress)
    if as_json:
        print_json(figures, seed=seed)
        return
    for line in lines(figures):
        print(line)


@app.command()
def conflicts(
    map_file: Annotated[list[Path], typer.Option("--map", help="Map file; one per folder, in order")],
    folder: Annotated[list[Path], typer.Option("--run", help="Folder of recorded traffic with its truth; repeatable")],
    baselines: Annotated[
        bool, typer.Option(help="Run free space, constant speed along lanes and SUMO's SSM too")
    ] = True,
    tracked_s: Annotated[
        float, typer.Option("--tracked", help="Also the first seconds of each run as a roadside unit tracks them [s]")
    ] = 0.0,
    seed: Annotated[int, typer.Option(help="Of the unit's errors, with --tracked")] = 1,
    speed: Annotated[bool, typer.Option(help="Also the time of a step for 30, 100 and 200 road users")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Collision warnings against physical truth, beside other ways to warn, on the same recordings."""
    from lukou_sim.bench.conflicts import measure

    if len(map_file) != len(folder):
        print(f"lukou bench conflicts: {len(map_file)} maps for {len(folder)} folders; give one each", file=sys.stderr)
        raise typer.Exit(2)
    absent = [str(path) for path in (*map_file, *folder) if not path.exists()]
    if absent:
        print(f"lukou bench conflicts: there is no {', '.join(absent)}", file=sys.stderr)
        raise typer.Exit(2)
    runs = list(zip(map_file, folder, strict=True))
    figures = measure(runs, baselines)
    if tracked_s > 0.0:
        from lukou_sim.bench.conflicts_tracked import measure_tracked

        figures["in_view_of_one_unit"] = measure_tracked(runs, seed, tracked_s)
    if speed:
        from lukou_sim.bench.conflicts_speed import measure_speed

        figures["step_ms_by_count"] = [measure_speed(*run) for run in runs]
    if as_json:
        print_json(figures, seed=seed if tracked_s > 0.0 else None)
        return
    for name, row in [*figures["systems"].items(), *figures.get("in_view_of_one_unit", {}).items()]:
        print(f"{name}: recall 1.5 s {row['recall_1_5s']}, 3 s {row['recall_3s']}, precision {row['precision']}")
        print(f"    false per vehicle-hour {row['false_per_vehicle_hour']}, red lights {row['red_light_foreseen_1s']}")
    print(f"Lukou's step [ms of CPU], all: {figures['step_ms']}")
    for one in figures.get("step_ms_by_count", []):
        print(f"    by number of road users: {one}")


@app.command()
def handover(
    folder: Annotated[Path, typer.Argument(help="Folder with a .sumocfg and several signalised intersections")],
    seed: Annotated[int, typer.Option(help="Of SUMO and of the units' errors")] = 1,
    seconds: Annotated[float, typer.Option(min=30, help="Length of the run [s]")] = 600.0,
    radius: Annotated[float, typer.Option(min=20, help="Sight of each intersection's unit [m]")] = 90.0,
    edges: Annotated[
        int, typer.Option(min=1, help="Edges that share the intersections; their lists the region fuses")
    ] = 1,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Identities over the gaps between intersections: edge or region fuses the lists of units that do not see each other."""
    from lukou_sim.bench.handover import measure

    with plain_errors("lukou bench handover --help"):
        figures = measure(folder, seed, seconds, radius, edges, _progress)
    if as_json:
        print_json(figures, seed=seed)
        return
    for name, value in figures.items():
        print(f"{name:<22}{value}")


@app.command()
def tracking(
    folder: Annotated[Path, typer.Argument(help="Folder of recorded measurements with gt.csv")],
    kind: Annotated[str, typer.Option("--input", help="sync or async")] = "async",
    peers: Annotated[
        Path, typer.Option(help="Python interpreter of an environment with norfair and stonesoup, shown beside Lukou")
    ] = Path(sys.executable),
    limit_s: Annotated[float, typer.Option(help="No other tracker is waited for longer [s]", min=1.0)] = 300.0,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object")] = False,
) -> None:
    """Tracking and fusion on recorded measurements: accuracy, cost, honesty of covariances, beside others."""
    from lukou_sim.bench.tracking import PEERS, measure

    with plain_errors("lukou bench tracking --help"):
        if kind not in ("sync", "async"):
            raise SettingsError([f"--input {kind}: sync or async"])
        if not peers.exists():
            raise SettingsError([f"--peers {peers}: no such interpreter; name one, or leave it out"])
        figures = measure(folder, kind, peers, limit_s)
    for name in PEERS:
        if figures[name] is None:
            print(
                f"{name} is not installed or did not finish in {limit_s:.0f} s: "
                "`python -m venv peers && peers/bin/pip install norfair stonesoup`, then `--peers peers/bin/python`",
                file=sys.stderr,
            )
    if as_json:
        print_json(figures)
        return
    columns = ("hota", "idf1", "gospa_m", "velocity_rmse_mps", "frame_ms")
    print(f"{'':<22}" + "".join(f"{name:>20}" for name in columns))
    for name, row in figures.items():
        if row is not None:
            print(f"{name:<22}" + "".join(f"{row[column]:>20}" for column in columns))
    alone = figures["lukou_cameras_only"]
    if alone is not None:
        better = figures["lukou"]["hota"] - alone["hota"]
        print(
            f"all sensors against cameras alone: {better:+.1f} HOTA, {alone['gospa_m'] - figures['lukou']['gospa_m']:+.2f} m GOSPA better"
        )
    for what in ("position", "velocity"):
        one = figures["lukou"][what]
        print(
            f"NEES of {what}: {one['nees']} (95 % band of {one['road_users']} road users: {one['nees_band']}), "
            f"{one['inside_95']:.1%} inside the 95 % ellipse, {one['inside_99']:.1%} inside the 99 % one"
        )
