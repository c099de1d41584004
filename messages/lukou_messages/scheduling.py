"""Which processes go first where cores are few: those that answer within milliseconds before those that compute for long."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def give_way(niceness: int, pid: int | None = None) -> str:
    """Let all threads of a process give way; also its session, if it is its own, between which Linux's autogroups share the cores first.

    Niceness counts only within a session there, so a process that shall give way to others needs a session of its own.

    Parameters
    ----------
    niceness : int
        0 to 19.
    pid : int, optional
        Which process; this one if not given.

    Returns
    -------
    str
        Why the system does not allow it; empty where it does, and where the process has ended.
    """
    number = os.getpid() if pid is None else pid
    here = Path("/proc") / str(number)
    try:
        for thread in (here / "task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                nice = max(niceness, os.getpriority(os.PRIO_PROCESS, int(thread.name)))
                os.setpriority(os.PRIO_PROCESS, int(thread.name), nice)
                os.sched_setscheduler(int(thread.name), os.SCHED_OTHER, os.sched_param(0))  # children inherit real time
        if os.getsid(number) == number:  # others in the session shall not give way too
            (here / "autogroup").write_text(str(niceness))
    except (FileNotFoundError, ProcessLookupError):  # it has ended, or this system has no autogroups
        return ""
    except OSError as error:
        return str(error)
    return ""


def answer_first(priority: int) -> str:
    """Let all threads of this process, those of the transport included, go before whatever is not real-time.

    A process that is woken by a message otherwise waits until another's time slice has passed, which on busy cores is longer than its own work.

    Parameters
    ----------
    priority : int
        Of Linux's round-robin class, 1 to 99.

    Returns
    -------
    str
        Why the system does not allow it; empty where it does. Refused, the process runs as others do.
    """
    return _scheduled(os.SCHED_RR, priority)


def answer_like_others() -> None:
    """Take `answer_first` back."""
    _scheduled(os.SCHED_OTHER, 0)


def _scheduled(policy: int, priority: int) -> str:
    try:
        for thread in Path("/proc/self/task").iterdir():
            with contextlib.suppress(ProcessLookupError):  # it has ended meanwhile
                os.sched_setscheduler(int(thread.name), policy, os.sched_param(priority))
    except (OSError, AttributeError) as error:
        return str(error)
    return ""
