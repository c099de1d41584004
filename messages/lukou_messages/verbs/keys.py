"""``lukou keys``: make key pairs, register and revoke devices."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from zmq.utils import z85

from lukou_messages.codec import SOURCE
from lukou_messages.errors import SettingsError
from lukou_messages.report import plain_errors
from lukou_messages.security import Device, KeyPair, Register, save_register
from lukou_messages.topics import TOPICS

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def new(
    file: Annotated[Path, typer.Argument(help="Where to write the key pair; must not exist")],
) -> None:
    """Make a key pair; prints the public key. The file is readable by its owner only."""
    with plain_errors():
        if file.exists():
            raise SettingsError([f"{file} exists; a key is never overwritten, name another file"])
        pair = KeyPair.new()
        pair.save(file)
    print(pair.public.decode())


@app.command()
def add(
    register: Annotated[Path, typer.Argument(help="Register file (TOML)")],
    name: Annotated[str, typer.Argument(help="Name of the device, for example k1/perception")],
    public_key: Annotated[str, typer.Argument(help="Its public key, 40 characters of Z85")],
    topics: Annotated[list[str], typer.Option("--topic", help="Topic that it may send; repeat for several")],
    sources: Annotated[list[str] | None, typer.Option("--source", help="Name it may speak for, beside its own")] = None,
) -> None:
    """Register a device; running processes take it up within a second."""
    with plain_errors():
        problems = [f"{topic} is no topic; there are {', '.join(TOPICS)}" for topic in topics if topic not in TOPICS]
        if SOURCE.fullmatch(name) is None:
            problems.append(f"name {name!r}: expected 1 to 64 of a-z 0-9 . _ / -")
        try:
            is_key = len(z85.decode(public_key.encode())) == 32
        except Exception:
            is_key = False
        if not is_key or len(public_key) != 40:
            problems.append(f"{public_key!r} is no public key: expected 40 characters of Z85")
        if problems:
            raise SettingsError(problems)
        devices = Register.load(register).devices if register.exists() else {}
        device = Device(name, public_key.encode(), frozenset(topics), tuple(sources or ()))
        save_register(register, {**devices, name: device})


@app.command()
def revoke(
    register: Annotated[Path, typer.Argument(help="Register file (TOML)")],
    name: Annotated[str, typer.Argument(help="Name of the device")],
) -> None:
    """Revoke a device: its next message is refused, also on a live connection."""
    with plain_errors():
        devices = dict(Register.load(register).devices)
        if name not in devices:
            raise SettingsError([f"{register} has no device {name}; it has {', '.join(sorted(devices)) or 'none'}"])
        old = devices[name]
        devices[name] = Device(name, old.public_key, old.topics, old.sources, revoked=True)
        save_register(register, devices)


@app.command(name="list")
def list_devices(register: Annotated[Path, typer.Argument(help="Register file (TOML)")]) -> None:
    """The devices of a register and what they may say."""
    with plain_errors():
        for device in Register.load(register).devices.values():
            state = "revoked" if device.revoked else "may send " + ", ".join(sorted(device.topics))
            print(f"{device.name:<24}{state}")
