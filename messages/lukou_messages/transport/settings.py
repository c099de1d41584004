"""Which sockets a process opens; section ``[links.<process>]`` of the site file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Uplink(_Frozen):
    """Telemetry to a cloud tier: DEALER, CURVE."""

    endpoint: str = Field(description="Address of the tier's intake, for example tcp://10.0.0.5:5701")
    server_key: str = Field(description="Public key of the tier, Z85", min_length=40, max_length=40)
    topics: tuple[str, ...] = Field(description="Topics of this process to send")
    forward: tuple[str, ...] = Field((), description="Topics received from others to pass on unchanged")


class Intake(_Frozen):
    """Telemetry from devices: ROUTER, CURVE, ZAP."""

    endpoint: str = Field(description="Address to bind, for example tcp://0.0.0.0:5701")
    messages_per_second: float = Field(500.0, gt=0, description="What one key may send before it is cut off [1/s]")


class Broadcast(_Frozen):
    """PUB of this process: warnings (CURVE over tcp), or anything on one box (ipc)."""

    endpoint: str = Field(description="Address to bind")
    topics: tuple[str, ...] = Field(description="Topics to publish")


class Subscription(_Frozen):
    """SUB of this process."""

    endpoint: str = Field(description="Address of the publisher")
    topics: tuple[str, ...] = Field(description="Topics to take")
    server_key: str | None = Field(None, description="Public key of the publisher, Z85; none over ipc")


class CommandLink(_Frozen):
    """Where a device fetches its commands: DEALER, CURVE."""

    endpoint: str = Field(description="Address of the command server")
    server_key: str = Field(description="Public key of the command server, Z85", min_length=40, max_length=40)


class RecordLink(_Frozen):
    """Where records go that may not be lost: outbox on disk, acknowledged."""

    endpoint: str = Field(description="Address of the archive's record intake")
    server_key: str = Field(description="Public key of the archive, Z85", min_length=40, max_length=40)
    outbox: Path = Field(description="SQLite file that holds records until they are acknowledged")


class LinkSettings(_Frozen):
    """Sockets of one process."""

    identity: str = Field(description="Source name of the process, for example k1/perception")
    secret_key: Path | None = Field(None, description="File with this process's CURVE key pair; needed for tcp")
    register_file: Path | None = Field(None, description="Register of the devices that may connect here")
    uplinks: tuple[Uplink, ...] = Field((), description="Cloud tiers to send telemetry to")
    intake: Intake | None = Field(None, description="Where devices send telemetry")
    broadcasts: tuple[Broadcast, ...] = Field((), description="What to publish")
    subscriptions: tuple[Subscription, ...] = Field((), description="What to subscribe to")
    command_server: str | None = Field(None, description="Address to bind for giving commands")
    commands: CommandLink | None = Field(None, description="Where to fetch commands")
    records: RecordLink | None = Field(None, description="Where records go")
    tap: str | None = Field(None, description="ipc address to bind for recorders and `lukou status`")
