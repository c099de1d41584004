"""Events of the signal process: every take-over, hand-back and fault has a name and a sentence."""

from __future__ import annotations

from lukou_messages.process import Output
from lukou_messages.v1.event_pb2 import Event, Severity
from lukou_messages.v1.signal_pb2 import Authority
from lukou_roadside.signal.guard import State

INFO, WARNING, ALARM = Severity.SEVERITY_INFO, Severity.SEVERITY_WARNING, Severity.SEVERITY_ALARM
SENTENCES: dict[str, tuple[int, str]] = {
    "authority_taken": (INFO, "An authority has taken the signals."),
    "released": (INFO, "The signals have been given back to the local plan."),
    "lease_ended": (WARNING, "The lease has ended; the local plan rules."),
    "disarmed": (WARNING, "The operator has disarmed the control; the local plan rules."),
    "cabinet_manual": (WARNING, "A hand at the cabinet has taken the signals."),
    "cabinet_fault": (ALARM, "The cabinet flashes; control is given up."),
    "read_back_lost": (ALARM, "What the controller shows does not fit or is missing; control is given up."),
    "plan_not_followed": (ALARM, "The cabinet does not run the plan that it was given; control is given up."),
    "read_back_missing": (ALARM, "The controller does not answer; signal states are unknown."),
    "read_back_differs": (ALARM, "The controller shows what no stage or change of the configuration shows."),
    "read_back_unknown": (WARNING, "The controller's signals are not in operation; signal states are unknown."),
    "second_writer": (ALARM, "Someone else writes to the controller; control is given up until cleared on site."),
    "fault_latched": (ALARM, "A fault is latched; no control until it is cleared on site."),
    "fault_cleared": (INFO, "Latched faults have been cleared on site."),
}


def event_of(name: str, number: int, intersection: str, before: State, after: State, now_ns: int) -> Output:
    """The message of an event of the guard."""
    severity, text = SENTENCES.get(name, (WARNING, name))
    event = Event(
        event_id=f"{intersection}/signal/{now_ns}/{number}",
        kind=f"signal.{name}",
        severity=severity,  # type: ignore[arg-type]
        subject=intersection,
        text=text,
        details={
            "authority_before": Authority.Name(before.authority),  # type: ignore[arg-type]
            "authority_after": Authority.Name(after.authority),  # type: ignore[arg-type]
            "latched": str(after.latched),
        },
    )
    return Output("event", event, now_ns)
