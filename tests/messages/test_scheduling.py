"""Who goes first: as the system tells it of real processes."""

import subprocess
import sys
import textwrap

from lukou_messages.scheduling import give_way


def in_another_process(code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        timeout=30,
        start_new_session=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_all_threads_give_way_and_so_does_the_session() -> None:
    told = in_another_process("""
        import os, threading, time
        from pathlib import Path
        from lukou_messages.scheduling import give_way
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        give_way(11)
        print(sorted({os.getpriority(os.PRIO_PROCESS, int(one.name)) for one in Path("/proc/self/task").iterdir()}))
        group = Path("/proc/self/autogroup")
        print(group.read_text() if group.exists() else "nice 11")
    """)
    assert told.startswith("[11]\n")
    assert told.rstrip().endswith("nice 11")


def test_others_in_the_session_do_not_give_way_too() -> None:
    told = in_another_process("""
        import os, subprocess, sys
        from pathlib import Path
        ours = "from lukou_messages.scheduling import give_way; import os; print(give_way(11), os.getpriority(os.PRIO_PROCESS, 0), flush=True)"
        subprocess.run([sys.executable, "-c", ours], check=True)
        group = Path("/proc/self/autogroup")
        print(group.read_text() if group.exists() else "nice 0")
    """)
    assert told.split()[0] == "11"
    assert told.rstrip().endswith("nice 0")


def test_who_is_gone_cannot_give_way_and_nobody_minds() -> None:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait(30)
    assert give_way(5, ended.pid) == ""


def test_real_time_is_for_all_threads_or_said_to_be_refused() -> None:
    told = in_another_process("""
        import os, threading, time
        from pathlib import Path
        from lukou_messages.scheduling import answer_first, answer_like_others
        threading.Thread(target=time.sleep, args=(1,), daemon=True).start()
        refused = answer_first(1)
        policies = {os.sched_getscheduler(int(one.name)) for one in Path("/proc/self/task").iterdir()}
        answer_like_others()
        after = {os.sched_getscheduler(int(one.name)) for one in Path("/proc/self/task").iterdir()}
        print(policies == {os.SCHED_RR} and after == {os.SCHED_OTHER} if not refused else "refused")
    """).strip()
    assert told in ("True", "refused")
