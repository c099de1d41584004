"""``lukou status --sensors``: hears the reports at the taps."""

from __future__ import annotations

import json
import tempfile
import threading
import time
from pathlib import Path

import pytest
import zmq
from typer.testing import CliRunner

from lukou_messages.codec import encode
from lukou_messages.transport.sockets import BroadcastSocket
from lukou_messages.v1.header_pb2 import Header, Validity
from lukou_messages.v1.sensor_pb2 import SensorQuality, SensorReport
from lukou_messages.verbs.status import app


@pytest.mark.parametrize(("state", "code"), [(Validity.VALIDITY_VALID, 0), (Validity.VALIDITY_INVALID, 1)])
def test_sensors_are_told_from_the_tap(state: int, code: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        context = zmq.Context()
        socket = BroadcastSocket(context, f"ipc://{folder}/k1.perception.tap", None)
        report = SensorReport(sensors=[SensorQuality(sensor="camera-north", state=state, scans=7, rate_hz=10.0)])  # type: ignore[arg-type]
        stop = threading.Event()

        def speak() -> None:
            while not stop.wait(0.05):
                now = time.time_ns()
                header = Header(
                    source="k1/perception",
                    epoch=now,
                    sequence=1,
                    measured_at_ns=now,
                    sent_at_ns=now,
                    validity=Validity.VALIDITY_VALID,
                )
                socket.send("sensor_report", encode("sensor_report", header, report))

        thread = threading.Thread(target=speak)
        thread.start()
        try:
            done = CliRunner().invoke(app, ["--taps", folder, "--sensors", "--json"])
        finally:
            stop.set()
            thread.join()
            context.destroy(linger=0)
    assert done.exit_code == code
    [row] = json.loads(done.stdout)["sensors"]
    assert (row["site"], row["sensor"], row["rate_hz"], row["latency_p50_ms"]) == ("k1", "camera-north", 10.0, None)


def test_silence_is_told(tmp_path: Path) -> None:
    (tmp_path / "k1.perception.tap").touch()
    done = CliRunner().invoke(app, ["--taps", str(tmp_path), "--sensors"])
    assert done.exit_code == 1
    assert "is a perception process running" in done.stdout
