"""Connected vehicles: a share of the motor vehicles tells twice per second where it is and where it wants to go."""

from __future__ import annotations

import zlib

import libsumo
import numpy as np

from lukou_messages.v1.objects_pb2 import ObjectClass
from lukou_messages.v1.vehicle_pb2 import TurnIntention, VehicleReport, VehicleRole
from lukou_sim.world.road_users import RoadUsers

POSITION_DEVIATION_M = 0.6
"""Satellite receiver with corrections, open sky. [m]"""
SPEED_DEVIATION_MPS = 0.1
YAW_DEVIATION_RAD = 0.02
PERIOD_STEPS = 5
IDENTITY_S = 300
"""Temporary identities change this often. [s]"""
_CONNECTED = (ObjectClass.OBJECT_CLASS_CAR, ObjectClass.OBJECT_CLASS_TRUCK, ObjectClass.OBJECT_CLASS_BUS)
_TURNS = {
    "l": TurnIntention.TURN_INTENTION_LEFT,
    "r": TurnIntention.TURN_INTENTION_RIGHT,
    "s": TurnIntention.TURN_INTENTION_STRAIGHT,
}


def is_connected(name: str, share: float, seed: int) -> bool:
    """Whether a vehicle reports itself, for its whole trip."""
    return zlib.crc32(f"{seed}/{name}".encode()) / 0xFFFFFFFF < share


def temporary_id(name: str, seed: int, now_ns: int) -> int:
    """The identity under which a vehicle reports itself now."""
    period = now_ns // (IDENTITY_S * 1_000_000_000)
    return max(1, zlib.crc32(f"{seed}/{name}/{period}".encode()))


def reports(users: RoadUsers, share: float, seed: int, now_ns: int) -> list[VehicleReport]:
    """Reports of those whose turn it is at this step.

    Parameters
    ----------
    users : RoadUsers
        Everybody.
    share : float
        Share of motor vehicles that report.
    seed : int
        Who they are.
    now_ns : int
        Instant, nanoseconds POSIX UTC.
    """
    step = now_ns // 100_000_000
    made = []
    for k, name in enumerate(users.names):
        if users.kind[k] not in _CONNECTED or (users.number[k] + step) % PERIOD_STEPS:
            continue
        if not is_connected(name, share, seed):
            continue
        rng = np.random.default_rng((seed, 30, int(users.number[k]), step))
        noise = rng.normal(0, 1, 4)
        made.append(
            VehicleReport(
                temporary_id=temporary_id(name, seed, now_ns),
                object_class=int(users.kind[k]),
                x_m=float(users.x[k] + noise[0] * POSITION_DEVIATION_M),
                y_m=float(users.y[k] + noise[1] * POSITION_DEVIATION_M),
                speed_mps=max(0.0, float(users.speed[k] + noise[2] * SPEED_DEVIATION_MPS)),
                yaw_rad=float(users.yaw[k] + noise[3] * YAW_DEVIATION_RAD),
                acceleration_mps2=float(users.acceleration[k]),
                length_m=float(users.length[k]),
                width_m=float(users.width[k]),
                intention=_intention(name),
                position_deviation_m=POSITION_DEVIATION_M,
                role=(
                    VehicleRole.VEHICLE_ROLE_PUBLIC_TRANSPORT
                    if users.kind[k] == ObjectClass.OBJECT_CLASS_BUS
                    else VehicleRole.VEHICLE_ROLE_UNSPECIFIED
                ),
            )
        )
    return made


def _intention(name: str) -> TurnIntention:
    """Turn at the next signal, from the route."""
    coming = libsumo.vehicle.getNextLinks(name)
    for link in coming:
        if link[7] in _TURNS and (link[7] != "s" or link[6] > 0) and link[0].startswith(("k", ":k")):
            turn = _TURNS[link[7]]
            if link[7] != "s":
                return turn
    return TurnIntention.TURN_INTENTION_STRAIGHT
