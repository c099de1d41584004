"""Right of way from the request matrices of SUMO's junctions: row = link, bit k from the right = link k."""

from __future__ import annotations

import numpy as np

from lukou_maps.ragged import Booleans, Ints, Ragged, spread
from lukou_maps.sumo_file import SumoFile
from lukou_maps.tables import Lanes, Priorities
from lukou_maps.vocabulary import LaneKind

BATCH = 4096
"""Requests worked on at once, so that memory does not grow with the map."""


def priorities(file: SumoFile, lanes: Lanes) -> Priorities:
    """Foes and who yields, lane by lane, of all junctions of a network.

    Parameters
    ----------
    file : SumoFile
        Junctions with their requests.
    lanes : Lanes
        Lanes; every piece of a way through a junction gets the rules of its link.
    """
    link_start, pieces = _pieces(file, lanes)
    rows, foes, responses, junctions = [], [], [], []
    for number, (attributes, requests) in enumerate(file.junctions):
        count = len(attributes.get("intLanes", "").split())
        for request in requests:
            text = request.number
            row = int(text) if text.isascii() and text.isdigit() and len(text) < 6 else -1
            if 0 <= row < count:
                rows.append(row)
                junctions.append(number)
                foes.append(request.foes)
                responses.append(request.response)
    parts = [
        _yielding(
            rows[k : k + BATCH], junctions[k : k + BATCH], foes[k : k + BATCH], responses[k : k + BATCH], link_start
        )
        for k in range(0, len(rows), BATCH)
    ]
    if not parts:
        return Priorities.empty()
    keys, yields = (np.concatenate(column) for column in zip(*parts, strict=True))
    links = int(link_start[-1]) + 1
    return _per_lane(pieces, keys // links, keys % links, yields, len(lanes))


def _yielding(
    rows: list[int], junctions: list[int], foes: list[str], responses: list[str], link_start: Ints
) -> tuple[Ints, Booleans]:
    """Key of (link, foe), and whether it yields, for some requests."""
    base = link_start[np.array(junctions, np.int64)]
    most = link_start[np.array(junctions, np.int64) + 1]
    request, foe = _ones(foes)
    other, response = _ones(responses)
    links = int(link_start[-1]) + 1
    known = [_keys(rows, base, most, request, foe, links), _keys(rows, base, most, other, response, links)]
    keys = np.concatenate(known)
    yields = np.repeat([False, True], [len(request), len(other)])
    yields, keys = yields[keys >= 0], keys[keys >= 0]
    keys, place = np.unique(keys, return_inverse=True)
    yielding = np.zeros(len(keys), np.bool_)
    np.logical_or.at(yielding, place, yields)
    return keys, yielding


def _keys(rows: list[int], base: Ints, most: Ints, request: Ints, bit: Ints, links: int) -> Ints:
    """Key of (link, other link), numbered over all junctions; -1 where a bit stands for no link."""
    own = np.array(rows, np.int64)[request] + base[request]
    other = base[request] + bit
    return np.asarray(np.where(other < most[request], own * links + other, -1))


def _ones(texts: list[str]) -> tuple[Ints, Ints]:
    """Row and bit (counted from the right) of every 1 in rows of 0 and 1."""
    lengths = np.array([len(text) for text in texts], np.int64)
    joined = np.frombuffer("".join(texts).encode("ascii", "replace"), np.uint8)
    place = np.flatnonzero(joined == ord("1"))
    ends = np.cumsum(lengths)
    row = np.searchsorted(ends, place, side="right")
    return row, ends[row] - 1 - place


def _pieces(file: SumoFile, lanes: Lanes) -> tuple[Ints, Ragged]:
    """First link of each junction, and the lanes of each link, last piece first."""
    counts, last = [], []
    index = lanes.index
    for attributes, _ in file.junctions:
        names = attributes.get("intLanes", "").split()
        counts.append(len(names))
        last += [index.get(name, -1) for name in names]
    start = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=start[1:])
    lane, link = np.array(last, np.int64), np.arange(len(last))
    of_lane, of_link = [lane[lane >= 0]], [link[lane >= 0]]
    before = lanes.predecessors
    single = np.diff(before.start) == 1
    seen = np.zeros(len(lanes), np.bool_)
    seen[of_lane[0]] = True
    for _ in range(3):
        lane, link = of_lane[-1], of_link[-1]
        further = single[lane] & (lanes.kind[lane] == LaneKind.JUNCTION)
        lane, link = before.values[before.start[lane[further]]], link[further]
        inside = (lanes.kind[lane] == LaneKind.JUNCTION) & ~seen[lane]
        seen[lane[inside]] = True
        of_lane.append(lane[inside])
        of_link.append(link[inside])
    return start, Ragged.grouped(np.concatenate(of_link), np.concatenate(of_lane), int(start[-1]))


def _per_lane(pieces: Ragged, link: Ints, foe: Ints, yields: Booleans, lanes: int) -> Priorities:
    own_count = pieces.start[link + 1] - pieces.start[link]
    foe_count = pieces.start[foe + 1] - pieces.start[foe]
    pair = np.repeat(np.arange(len(link)), own_count * foe_count)
    number = spread(np.zeros(len(link), np.int64), own_count * foe_count)
    lane = pieces.values[pieces.start[link[pair]] + number // np.maximum(foe_count[pair], 1)]
    other = pieces.values[pieces.start[foe[pair]] + number % np.maximum(foe_count[pair], 1)]
    key, first = np.unique(lane * lanes + other, return_index=True)
    return Priorities(key // lanes, key % lanes, yields[pair][first])
