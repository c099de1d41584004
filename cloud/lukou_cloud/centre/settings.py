"""Settings of the centre process: section ``[centre]`` of the site file."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ArchiveSettings(_Frozen):
    """Where records arrive and where they are kept."""

    file: Path = Field(description="SQLite file of the archive")
    endpoint: str | None = Field(None, description="Address to bind for records, for example tcp://0.0.0.0:5703")
    secret_key: Path | None = Field(None, description="File with the centre's CURVE key pair")
    register_file: Path | None = Field(None, description="Register of the devices that may send records")


class PageSettings(_Frozen):
    """The operator page and its API."""

    host: str = Field("127.0.0.1", description="Address to listen on; the page has no log-in, keep it inside")
    port: int = Field(8080, ge=0, le=65535, description="Port of the page; 0: any free one")
    names: tuple[str, ...] = Field(
        (), description="Host names under which the page is reached, beside this machine's own"
    )
    title: str = Field("Lukou", description="Name of the city or district on the page")
    port_file: Path | None = Field(None, description="Where the port is written once the page is served")


class CentreSettings(_Frozen):
    """The centre process."""

    map: str = Field(description="map file, relative to the site file")
    configurations: tuple[str, ...] = Field((), description="signal configurations of the intersections (JSON)")
    processes: tuple[str, ...] = Field((), description="sources that should be there; others are listed when heard")
    down_after_s: float = Field(2.5, gt=0.5, description="a process silent for longer is down [s]")
    page_rate_hz: float = Field(5.0, gt=0, le=10, description="how often road users are sent to the page [1/s]")
    archive: ArchiveSettings = Field(description="records")
    page: PageSettings = Field(default_factory=PageSettings, description="operator page")
