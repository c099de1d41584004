"""Going back over tracked lanes, so that later sightings decide earlier ones."""

from __future__ import annotations

import numpy as np

from lukou_maps.lane_tracking import FORGOTTEN_AFTER_S, HYPOTHESES, JUMP, LANE_CHANGES_PER_S, LaneTracker
from lukou_maps.matches import LaneCandidates
from lukou_maps.ragged import Ints


class Smoother:
    """Goes back over what a tracker found, so that later sightings decide earlier ones; for recorded points only.

    Parameters
    ----------
    tracker : LaneTracker
        The tracker that has gone forward.
    users : int
        Road users, numbered from 0.

    Notes
    -----
    Backward pass of the forward-backward algorithm in its form without emissions: with `a` the forward probability of a
    lane, `T` the transition and `g` the smoothed probability one sighting later, ``g_i = a_i sum_j T_ij g_j / sum_k a_k T_kj``
    (Särkkä, "Bayesian Filtering and Smoothing", 2013, chapter 8).
    """

    def __init__(self, tracker: LaneTracker, users: int) -> None:
        self._graph = tracker.graph
        self._lane = np.full((users, HYPOTHESES), -1, np.int64)
        self._probability = np.zeros((users, HYPOTHESES))
        self._time_s = np.full(users, np.inf)

    def back(self, time_s: float, ids: Ints, found: LaneCandidates) -> LaneCandidates:
        """One list, in falling order of time; its candidates with smoothed probabilities, best first."""
        count = len(ids)
        place = np.arange(len(found.point)) - np.searchsorted(found.point, found.point)
        lane, weight = np.full((count, HYPOTHESES), -1, np.int64), np.zeros((count, HYPOTHESES))
        lane[found.point, place], weight[found.point, place] = found.lane, found.probability
        later = np.flatnonzero(self._time_s[ids] - time_s <= FORGOTTEN_AFTER_S)
        if len(later):
            user = ids[later]
            lapse = np.maximum(self._time_s[user] - time_s, 1e-3)
            way, cost, changed = self._graph.ways(lane[later][:, :, None], self._lane[user][:, None, :])
            rate = (1.0 - np.exp(-LANE_CHANGES_PER_S * lapse))[:, None, None]
            step = np.exp(cost) * np.where(changed, rate, 1.0 - 2.0 * np.minimum(rate, 0.4))
            step = np.where(np.isnan(way), JUMP, np.maximum(step, JUMP))
            forward = weight[later]
            reached = np.einsum("ni,nij->nj", forward, step)
            share = self._probability[user] / np.maximum(reached, 1e-300)
            smoothed = forward * np.einsum("nij,nj->ni", step, share)
            total = smoothed.sum(axis=1, keepdims=True)
            weight[later] = np.where(total > 0, smoothed / np.maximum(total, 1e-300), forward)
        seen = np.unique(found.point)
        self._lane[ids[seen]], self._probability[ids[seen]] = lane[seen], weight[seen]
        self._time_s[ids[seen]] = time_s
        probability = weight[found.point, place]
        order = np.lexsort((-probability, found.point))
        return LaneCandidates(
            found.point[order], found.lane[order], found.s_m[order], found.d_m[order], probability[order]
        )
