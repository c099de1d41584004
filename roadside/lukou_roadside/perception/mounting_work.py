"""Comparisons of camera pictures with the map, in a process of their own.

One takes a second of computing, and Python computes in one thread at a time whatever the threads' priority: in the process of the cameras,
frames would wait. The process starts with the first comparison and ends when its standard input does, so with whoever started it.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from lukou_maps.reading import load_map
from lukou_messages.scheduling import give_way
from lukou_roadside.calibration.pictures import median
from lukou_roadside.calibration.watch import Judgement, MountingWatch
from lukou_roadside.perception.settings import CameraSettings

NICENESS = 15
"""The process gives way to everything else; on a full machine it still gets some percent of a core, and answers within a minute."""

WORK_S, REST_S = 0.01, 0.04
"""After so much computing it rests: in one go, a comparison would fill a core that the cameras' frames find empty in between. [s]"""

STOP_S = 2.0


class Comparisons:
    """The other end of that process, for all cameras of one site.

    Parameters
    ----------
    map_file : str
        The site's map.
    """

    def __init__(self, map_file: str) -> None:
        self._map_file = map_file
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_closed = False

    def judged(self, camera: CameraSettings, pictures: Sequence[NDArray[np.uint8]]) -> Judgement | None:
        """Where a camera looks by some of its pictures; None where the process has failed, the next call starts it again.

        Parameters
        ----------
        camera : CameraSettings
            The calibration as it stands.
        pictures : sequence of (h, w, 3) uint8 arrays
            Pictures spread over some time; traffic vanishes in their median.
        """
        with self._lock:
            if self._is_closed:
                return None
            if self._process is not None and self._process.poll() is not None:
                self._end(self._process)
            process = self._process or self._started()
            assert process.stdin is not None and process.stdout is not None
            try:
                pickle.dump((camera.model_dump_json(), list(pictures)), process.stdin)
                process.stdin.flush()
                judgement = pickle.load(process.stdout)
            except (OSError, EOFError, pickle.UnpicklingError, ValueError):
                return None  # it has ended; `close` may have ended it
        return judgement if isinstance(judgement, Judgement) else None

    def _started(self) -> subprocess.Popen[bytes]:
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", __name__, self._map_file, str(NICENESS)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
            start_new_session=True,  # so that it can give way to the cameras, not only to what runs beside it here
        )
        give_way(NICENESS, process.pid)  # at once: its imports alone are half a second of computing
        return process

    def close(self) -> None:
        """End the process; a comparison that runs is given up."""
        self._is_closed = True
        if self._process is not None:
            self._process.kill()
        with self._lock:  # whoever asks has been told by now
            if self._process is not None:
                self._end(self._process)

    def _end(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        for pipe in (process.stdin, process.stdout):
            with contextlib.suppress(OSError):  # what could not be written any more
                assert pipe is not None
                pipe.close()
        process.wait(STOP_S)
        self._process = None


def rest() -> None:
    """From now on, compute in small pieces, with rests between them."""
    signal.signal(signal.SIGPROF, lambda *_: time.sleep(REST_S))
    signal.setitimer(signal.ITIMER_PROF, WORK_S, WORK_S)


def main(map_file: str, requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer until nobody asks any more."""
    model, watches = load_map(map_file), dict[str, MountingWatch]()
    while True:
        try:
            settings, pictures = pickle.load(requests)
        except EOFError:
            return
        if settings not in watches:
            watches[settings] = MountingWatch(CameraSettings.model_validate_json(settings), model)
        pickle.dump(watches[settings].judged(median(pictures)), answers)
        answers.flush()


if __name__ == "__main__":
    if int(sys.argv[2]):
        rest()
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints must not stand among the answers
    try:
        main(sys.argv[1], sys.stdin.buffer, answers)
    except (KeyboardInterrupt, BrokenPipeError):
        os._exit(0)
