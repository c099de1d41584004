"""The signal guard: turns any sequence of orders into a legal sequence of signal states.

``step(tables, state, now, inputs) -> (state, outputs)`` is pure, deterministic and needs the standard library only. Time
is counted in ticks of the monotonic clock; the quantum is a parameter of the tables (`guard_tables`). Numbers in brackets
are SAFETY's invariants.

The cabinet performs every change of stage by itself, along a timeline that the tables know. The guard keeps a *shadow* of
it: the running stage, or the change under way, and since when. Each reading must fit the shadow; the guard orders a
change only when the minima allow it, only in the fixed order, and only so that every other stage is still served in time.
`due` makes the last point simple: ticks until a stage must have begun. In control, for every stage k and at every tick::

    due[k] >= reach(k)      reach: ticks to the start of k when every stage before it gets its minimum

An order that would break this is refused; where merely staying would break it, the guard goes on to the next stage.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

# Colours, as on the wire.
DARK, RED, YELLOW, GREEN, FLASHING_GREEN, FLASHING_YELLOW, FLASHING_RED = 1, 2, 3, 4, 5, 6, 7
RIGHT_OF_WAY = (YELLOW, GREEN, FLASHING_GREEN)
# Authorities, as on the wire, highest first (10).
NOBODY, MANUAL, FAULT, OFFICER, OPERATOR, EMERGENCY, BUS, ADAPTIVE, LOCAL = range(9)
# Modes, as on the wire.
OBSERVE, ADVISE, SUPERVISED, AUTOMATIC = 1, 2, 3, 4
# Orders: a closed list (20).
STAGE, RELEASE, RENEWAL, PLAN = 1, 2, 3, 4
# What the cabinet says of itself.
NORMAL, IN_HAND, FLASHING = 0, 1, 2
# Latched faults (14), bits.
CONFLICT_SEEN, SECOND_WRITER, LAMP = 1, 2, 4


class Tables(NamedTuple):
    """What the guard knows of its intersection; all times in ticks. Compiled by `guard_tables.compile_tables`."""

    mode: int
    configuration: int  # first 8 bytes of the configuration hash
    version: int
    steady: tuple[tuple[int, ...], ...]  # [stage][group] colour
    line: tuple[tuple[tuple[tuple[int, ...], ...], ...], ...]  # [from][to][tick of the change][group] colour
    earliest: tuple[tuple[int, ...], ...]  # [from][to] least elapsed at which the change may be ordered (3, 4, 6)
    hold: tuple[int, ...]  # [stage] elapsed at which the guard must have ordered a change (7, 16)
    maximum: tuple[int, ...]  # [stage] elapsed that not even a dead guard may exceed (16)
    tail: tuple[tuple[int, ...], ...]  # [stage][k] from the start of stage to the start of k, minima only
    red: tuple[int, ...]  # [stage] longest time between leaving and next start (7, 24)
    fresh: tuple[tuple[int, ...], ...]  # [stage seen first][k] due at the start: red less the local plan's longest wait
    conflict: tuple[int, ...]  # [group] bits of the groups that it conflicts with (1)
    latency: int  # slowest command and read-back of the cabinet
    forced: int  # a stage with a demand begins within it (7, 24)
    decision: int  # least time between two decisions (12)
    skips: int  # stages that may be left out per cycle (12)
    fixed_order: bool
    nonce: int  # life of half a challenge (9)
    lease_min: int
    lease_max: int
    officer: int  # a manned hold is renewed at least this often (7)
    reading_age: int
    misses: int  # ticks of missing or wrong read-back that lead to the local plan (15)
    budget: int  # priority changes per hour (12)
    refill: int  # ticks per priority change


class Order(NamedTuple):
    """A command as the shell hands it over."""

    kind: int
    stage: int  # index; -1: a name that does not exist
    authority: int
    issuer: int
    epoch: int
    sequence: int
    nonce: int
    configuration: int
    version: int
    expires_in: int
    lease: int
    expected: int = -2  # index; -2: no expectation
    starts_in: int = 0
    is_addressed: bool = True  # names this intersection
    is_signed: bool = True  # the signature is right or the site demands none
    is_logged: bool = True  # written durably (19)
    splits: tuple[int, ...] = ()  # of a plan, changes included; empty: not of this intersection's stages
    begins_in: int = 0  # until the next start of the plan's first stage by its offset


class Reading(NamedTuple):
    """What the cabinet shows and says."""

    age: int
    colours: tuple[int, ...]
    condition: int = NORMAL
    calls: int = 0  # bits of stages with a demand
    is_foreign: bool = False  # controls are set that are not ours (8)
    has_lamp_fault: bool = False


class Inputs(NamedTuple):
    """All that arrives in one tick."""

    reading: Reading | None
    orders: tuple[Order, ...] = ()
    entropy: int = 0  # becomes the next challenge
    is_armed: bool = False  # an operator has armed the supervised mode
    is_clock_good: bool = True
    is_reset_on_site: bool = False
    own_splits: tuple[int, ...] = ()  # the cabinet's own plan by its calendar
    own_begins_in: int = 0  # until the next start of its first stage by the clock


class State(NamedTuple):
    """Everything the guard remembers."""

    now: int
    stage: int  # index; -1: not known
    to: int  # index of the stage changed to; -1: steady
    elapsed: int  # since the stage's start; in a change since its order (0: not yet seen)
    late: int  # how far the cabinet lags in this change
    is_synced: bool  # the start of the stage, or of the change, has been seen without a gap
    due: tuple[int, ...]  # [stage] ticks until it must have begun; all 0: not known
    skips: int  # used in this cycle
    since_decision: int
    authority: int
    issuer: int
    lease: int
    fences: tuple[tuple[int, int], ...]  # [authority] highest (epoch, sequence) seen
    nonces: tuple[int, int]  # challenge, previous challenge
    nonce_age: int
    misses: int
    latched: int
    condition: int
    budget: int
    budget_age: int


class Outputs(NamedTuple):
    """What follows from one tick."""

    request: int  # stage to be shown by the cabinet; -1: nothing is asked
    is_release: bool  # controls are to be cleared
    replies: tuple[str, ...]  # one per order: "" accepted, else why not
    events: tuple[str, ...]


def initial(tables: Tables, now: int = 0, entropy: int = 0) -> State:
    """State of a guard that has seen nothing: it observes until everything is read back (13)."""
    fences = ((0, 0),) * 9
    return State(
        now, -1, -1, 0, 0, False, (0,) * len(tables.steady), 0, tables.decision, LOCAL, 0, 0, fences, (entropy, entropy), 0, 0, 0, 0,
        tables.budget, 0,
    )  # fmt: skip


def step(tables: Tables, state: State, now: int, inputs: Inputs) -> tuple[State, Outputs]:
    """One tick."""
    before = state
    passed = max(0, now - state.now)
    state = _age(tables, state, now, passed, inputs.entropy)
    state, events = _follow(tables, state, passed, inputs.reading, inputs.is_reset_on_site)
    state = _demands(tables, state, inputs.reading)
    if state.authority < LOCAL and (reason := _must_release(tables, state, inputs)):
        state = _local(state)
        events = (*events, reason)
    replies: tuple[str, ...] = ()
    for order in inputs.orders:
        refusal = refuse(tables, state, order, inputs)
        if not refusal:
            state, event = _obey(tables, state, order)
            events += event
        replies += (refusal,)
    if state.authority < LOCAL and state.to < 0 and _must_leave(tables, state):
        state = _order(tables, state, (state.stage + 1) % len(tables.steady))
    in_control = state.authority < LOCAL
    request = (state.to if state.to >= 0 else state.stage) if in_control else -1
    is_release = not in_control and (before.authority < LOCAL or before.stage < 0)
    return state, Outputs(request, is_release, replies, events)


def reach(tables: Tables, state: State, k: int) -> int:
    """Ticks to the start of stage `k` when every stage before it gets its minimum, in the fixed order."""
    if state.to >= 0:
        remaining = len(tables.line[state.stage][state.to]) + 1 - state.elapsed + tables.latency - state.late
        return remaining + tables.tail[state.to][k]
    if k == state.stage:
        return 0
    following = (state.stage + 1) % len(tables.steady)
    wait = max(0, tables.earliest[state.stage][following] - state.elapsed)
    hop = len(tables.line[state.stage][following]) + 1 + tables.latency
    return wait + hop + tables.tail[following][k]


def allowed(tables: Tables, state: State, stage: int) -> str:
    """Why a change to `stage` may not be ordered now; empty if it may."""
    count = len(tables.steady)
    if state.to >= 0:
        return "" if stage == state.to else "changing"
    if stage == state.stage:
        return ""
    if state.elapsed < tables.earliest[state.stage][stage]:
        return "minimum"
    if state.since_decision < tables.decision:
        return "rate"
    skipped = (stage - state.stage) % count - 1
    used = 0 if stage <= state.stage else state.skips
    if skipped and tables.fixed_order and used + skipped > tables.skips:
        return "order"
    after = _order(tables, state, stage)
    if any(after.due[k] < reach(tables, after, k) for k in range(count) if k != stage):
        return "starvation"
    return ""


def refuse(tables: Tables, state: State, order: Order, inputs: Inputs) -> str:
    """Why an order is not obeyed; empty if it is. The words are documented in ``docs/guard.md``."""
    held = is_held(state)
    refusal = refuse_envelope(tables, state, order, inputs, held)
    if refusal or order.kind == RELEASE:
        return refusal
    return _refuse_control(tables, state, order, inputs, held)


def is_held(state: State) -> bool:
    """Whether somebody holds the signals."""
    return state.authority < LOCAL and state.lease > 0


def refuse_envelope(tables: Tables, state: State, order: Order, inputs: Inputs, held: bool) -> str:
    """Why an order of any kind is not looked at; empty if it is (9, 10, 11, 20)."""
    if order.kind not in (STAGE, RELEASE, RENEWAL, PLAN) or not OFFICER <= order.authority <= ADAPTIVE:
        return "unknown_order"
    if not order.is_addressed:
        return "intersection"
    if not order.is_signed:
        return "signature"
    if (order.configuration, order.version) != (tables.configuration, tables.version):
        return "configuration"
    if (order.epoch, order.sequence) <= state.fences[order.authority]:
        return "epoch" if order.epoch < state.fences[order.authority][0] else "sequence"
    if not inputs.is_clock_good and order.kind != RELEASE:
        return "clock"
    if order.nonce not in state.nonces:
        return "nonce"
    if order.expires_in <= 0:
        return "expired"
    if order.starts_in > 0:
        return "not_yet"
    if held and (order.authority > state.authority or (order.kind == RELEASE and order.authority != state.authority)):
        return "authority"
    is_rival = held and order.authority == state.authority and order.issuer != state.issuer
    if is_rival and order.epoch <= state.fences[order.authority][0]:
        return "authority"  # a rival of equal rank needs a higher fencing epoch
    return "no_lease" if order.kind == RELEASE and not held else ""


def refuse_lease(tables: Tables, state: State, order: Order, inputs: Inputs, held: bool) -> str:
    """Why an order may not take the signals, or not keep them; empty if it may (8, 13, 14, 15, 19)."""
    if tables.mode < SUPERVISED:
        return "mode"
    if tables.mode == SUPERVISED and not inputs.is_armed:
        return "not_armed"
    if state.latched:
        return "fault"
    if state.condition != NORMAL:
        return "cabinet"
    if state.stage < 0 or not state.is_synced or state.misses:
        return "read_back"
    if not order.is_logged:
        return "not_logged"
    longest = tables.officer if order.authority == OFFICER else tables.lease_max
    if not tables.lease_min <= order.lease <= longest:
        return "lease"
    if order.kind == RENEWAL:
        return "" if held and order.authority == state.authority else "no_lease"
    return "" if order.expected in (-2, state.stage) else "expected_stage"


def _refuse_control(tables: Tables, state: State, order: Order, inputs: Inputs, held: bool) -> str:
    refusal = refuse_lease(tables, state, order, inputs, held)
    if refusal or order.kind == RENEWAL:
        return refusal
    if order.kind == PLAN:
        return "takes_stages"
    if not 0 <= order.stage < len(tables.steady):
        return "unknown_stage"
    if order.authority in (EMERGENCY, BUS) and order.stage != state.stage and not state.budget:
        return "budget"
    if state.authority == LOCAL and any(state.due[k] < reach(tables, state, k) for k in range(len(state.due))):
        return "starvation"
    if state.authority == LOCAL and state.to < 0 and state.elapsed > tables.hold[state.stage]:
        return "maximum"  # too late to take over this stage: the local plan is about to leave it
    return allowed(tables, state, order.stage)


def _age(tables: Tables, state: State, now: int, passed: int, entropy: int) -> State:
    """All timers, by the monotonic clock (17)."""
    nonces, nonce_age = state.nonces, state.nonce_age + passed
    if nonce_age >= tables.nonce:
        nonces = (entropy, nonces[0] if nonce_age < 2 * tables.nonce else entropy)
        nonce_age = 0
    budget, budget_age = state.budget, state.budget_age + passed
    if budget_age >= tables.refill:
        budget, budget_age = min(tables.budget, budget + 1), 0
    if budget == tables.budget:
        budget_age = 0
    serving = state.stage if state.to < 0 else -1
    due = tuple(tables.red[k] if k == serving else max(0, d - passed) for k, d in enumerate(state.due))
    return state._replace(
        now=now, due=due, since_decision=min(tables.decision, state.since_decision + passed),
        lease=max(0, state.lease - passed), nonces=nonces, nonce_age=nonce_age, budget=budget, budget_age=budget_age,
    )  # fmt: skip


def _follow(
    tables: Tables, state: State, passed: int, reading: Reading | None, is_reset: bool
) -> tuple[State, tuple[str, ...]]:
    """Compare the reading with the shadow and move the shadow (15)."""
    if is_reset:
        state = state._replace(latched=0)  # on site only (14)
    if reading is None or reading.age > tables.reading_age:
        return _miss(tables, state, passed, "read_back_missing")
    latched = state.latched | (LAMP if reading.has_lamp_fault else 0)
    if reading.is_foreign:
        latched |= SECOND_WRITER
    if reading.condition != state.condition:
        state = state._replace(condition=reading.condition)
    if reading.condition == FLASHING or (reading.condition == NORMAL and len(reading.colours) != len(tables.conflict)):
        return _miss(tables, state._replace(latched=latched), tables.misses, "read_back_unknown")
    fitting = _fit(tables, state, passed, reading.colours)
    if fitting is not None:
        events = ("second_writer",) if latched & ~state.latched & SECOND_WRITER else ()
        return fitting._replace(misses=0, latched=latched), events
    if _shows_conflict(tables, reading.colours):
        latched |= CONFLICT_SEEN
    return _miss(tables, state._replace(latched=latched), passed, "read_back_differs")


def _fit(tables: Tables, state: State, passed: int, colours: tuple[int, ...]) -> State | None:
    """The shadow after this reading, or None if the reading does not fit it."""
    stage, to = state.stage, state.to
    if stage < 0:
        seen = next((a for a, steady in enumerate(tables.steady) if steady == colours), -1)
        due = state.due if any(state.due) else tables.fresh[seen]
        return state._replace(stage=seen, to=-1, elapsed=0, is_synced=False, due=due) if seen >= 0 else None
    if to < 0:
        if colours == tables.steady[stage]:
            elapsed = min(state.elapsed + passed, tables.maximum[stage]) if state.is_synced else 0
            return state._replace(elapsed=elapsed)
        return None if state.authority < LOCAL else _begun(tables, state, passed, colours)
    line, at = tables.line[stage][to], state.elapsed
    expected = at + passed
    for position in (expected, *range(expected + 1, expected + tables.latency + 1)):
        if 1 <= position <= len(line) and line[position - 1] == colours:
            return state._replace(elapsed=position, late=max(0, state.late - (position - expected)))
        if position > len(line) and tables.steady[to] == colours:
            return state._replace(stage=to, to=-1, elapsed=0, late=0, is_synced=True)
    shown = line[at - 1] if at else tables.steady[stage]
    if shown == colours and state.late + passed <= tables.latency:
        return state._replace(late=state.late + passed)
    if state.authority == LOCAL:  # what began as expected may turn out to lead to another stage
        for other, row in enumerate(tables.line[stage]):
            if expected <= len(row) and row[expected - 1] == colours:
                return state._replace(to=other, elapsed=expected)
    return None


def _begun(tables: Tables, state: State, passed: int, colours: tuple[int, ...]) -> State | None:
    """The local plan has begun a change: the nearest stage in order whose timeline shows these colours."""
    count = len(tables.steady)
    for ahead in range(1, count):
        to = (state.stage + ahead) % count
        line = tables.line[state.stage][to]
        for position in range(1, min(len(line), passed + tables.latency) + 1):
            if line[position - 1] == colours:
                skips = 0 if to <= state.stage else state.skips  # those of the local plan are its own
                is_exact = state.misses == 0  # otherwise it has begun some time during the gap
                return state._replace(to=to, elapsed=position, late=0, is_synced=is_exact, skips=skips)
    return None


def _miss(tables: Tables, state: State, passed: int, reason: str) -> tuple[State, tuple[str, ...]]:
    """A reading is missing or does not fit: the shadow goes on for a while, then nothing is known (15, 23)."""
    misses = min(tables.misses, state.misses + max(1, passed))
    if misses >= tables.misses:
        events = (reason,) if state.misses < tables.misses else ()
        return state._replace(misses=misses, stage=-1, to=-1, elapsed=0, late=0, is_synced=False), events
    if state.to < 0:
        elapsed = state.elapsed + passed if state.is_synced else 0
        return state._replace(misses=misses, elapsed=min(elapsed, tables.maximum[state.stage])), ()
    if state.elapsed == 0:  # whether the change has begun cannot be seen: its ends are not promised any more
        return state._replace(misses=misses, is_synced=False), ()
    line = tables.line[state.stage][state.to]
    return state._replace(misses=misses, elapsed=min(state.elapsed + passed, len(line))), ()


def _shows_conflict(tables: Tables, colours: Sequence[int]) -> bool:
    lit = sum(1 << group for group, colour in enumerate(colours) if colour in RIGHT_OF_WAY)
    return any(lit >> group & 1 and lit & others for group, others in enumerate(tables.conflict))


def _demands(tables: Tables, state: State, reading: Reading | None) -> State:
    """A stage with a demand is due within the forced-stage time, or as soon as the minima allow (7, 24)."""
    if reading is None or not reading.calls or state.stage < 0:
        return state
    due = list(state.due)
    for k in range(len(due)):
        if reading.calls >> k & 1 and (state.to >= 0 or k != state.stage):
            due[k] = min(due[k], max(tables.forced, reach(tables, state, k)))
    return state._replace(due=tuple(due))


def _must_release(tables: Tables, state: State, inputs: Inputs) -> str:
    """Why control ends now; empty if it goes on (8, 10, 14, 15)."""
    if state.condition == IN_HAND:
        return "cabinet_manual"
    if state.condition == FLASHING:
        return "cabinet_fault"
    if state.latched:
        return "fault_latched"
    if state.stage < 0:
        return "read_back_lost"
    if state.lease <= 0:
        return "lease_ended"
    if tables.mode == SUPERVISED and not inputs.is_armed:
        return "disarmed"
    return ""


def _must_leave(tables: Tables, state: State) -> bool:
    """Whether staying one tick longer would break a maximum (7, 16) or starve a stage (24)."""
    stage, count = state.stage, len(tables.steady)
    following = (stage + 1) % count
    if following == stage or state.elapsed < tables.earliest[stage][following]:
        return False
    if state.elapsed >= tables.hold[stage] and state.authority != OFFICER:
        return True
    ahead = len(tables.line[stage][following]) + 1 + tables.latency
    return any(state.due[k] - 1 < ahead + tables.tail[following][k] for k in range(count) if k != stage)


def _order(tables: Tables, state: State, stage: int) -> State:
    """Order a change; from now on nothing but the cabinet alters it (22)."""
    if stage == state.stage:
        return state
    skipped = (stage - state.stage) % len(tables.steady) - 1
    used = 0 if stage <= state.stage else state.skips
    return state._replace(to=stage, elapsed=0, late=0, since_decision=0, skips=min(used + skipped, len(tables.steady)))


def _obey(tables: Tables, state: State, order: Order) -> tuple[State, tuple[str, ...]]:
    fences = list(state.fences)
    fences[order.authority] = (order.epoch, order.sequence)
    if order.kind == RELEASE:
        return _local(state._replace(fences=tuple(fences))), ("released",)
    events = () if (state.authority, state.issuer) == (order.authority, order.issuer) else ("authority_taken",)
    state = state._replace(
        fences=tuple(fences), authority=order.authority, issuer=order.issuer, lease=order.lease
    )  # fmt: skip
    if order.kind == STAGE and state.to < 0 and order.stage != state.stage:
        if order.authority in (EMERGENCY, BUS):
            state = state._replace(budget=state.budget - 1)
        state = _order(tables, state, order.stage)
    return state, events


def _local(state: State) -> State:
    """Give the control back; a change that the cabinet has begun goes on, one not yet seen is forgotten (18)."""
    if state.to >= 0 and state.elapsed == 0:
        state = state._replace(to=-1, elapsed=0, late=0, is_synced=False)
    return state._replace(authority=LOCAL, issuer=0, lease=0)
