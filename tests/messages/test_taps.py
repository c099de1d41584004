"""Taps: whoever looks pays for what he looks at; whoever records gets steps too."""

import time
from pathlib import Path

import zmq

from lukou_messages.transport.sockets import SubscriptionSocket, TapSocket


def until(is_so: object) -> bool:
    assert callable(is_so)
    ends = time.monotonic() + 5.0
    while time.monotonic() < ends:
        if is_so():
            return True
        time.sleep(0.002)
    return False


def test_only_who_listens_to_the_journal_makes_a_process_keep_one(tmp_path: Path) -> None:
    context = zmq.Context()
    try:
        endpoint = f"ipc://{tmp_path / 'a.tap'}"
        tap = TapSocket(context, endpoint)
        tap.send("objects", b"nobody hears it")
        looks = SubscriptionSocket(context, endpoint, ("objects", "picture"), None, None)

        def heard() -> list[str]:
            tap.is_recorded()
            for topic in ("objects", "picture", "health"):
                tap.send(topic, b"x")
            return [packet.topic for packet in looks.drain()]

        assert until(heard)
        assert set(heard() + heard()) <= {"objects", "picture"}
        assert not tap.is_recorded()
        assert not tap.new_recorders()
        records = SubscriptionSocket(context, endpoint, ("journal",), None, None)
        assert until(tap.is_recorded)
        assert tap.new_recorders()
        assert not tap.new_recorders()
        second = SubscriptionSocket(context, endpoint, ("journal",), None, None)
        assert until(tap.new_recorders)  # the second needs a snapshot of its own
        records.socket.close(linger=0)
        second.socket.close(linger=0)
        assert until(lambda: not tap.is_recorded())
        assert until(heard)
    finally:
        context.destroy(linger=0)
