"""Keys of devices, who may say what, and the ZAP handler that admits connections.

One CURVE key pair per device. The public keys of those who may connect stand in one file, the register::

    [devices."k1/perception"]
    public_key = "…40 characters of Z85…"
    topics = ["objects", "health"]          # what it may send; "*" for all
    sources = ["k1/perception"]             # in whose name; "k1/*" for a gateway
    revoked = false

The register is read again when its file changes. ZAP acts only when a connection is made, so every message is checked
too: a device that was revoked falls silent on its live connection.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import zmq
from zmq.auth.thread import ThreadAuthenticator
from zmq.utils import z85

from lukou_messages.errors import Refused, SettingsError

DOMAIN = "lukou"
"""ZAP domain of every server socket; the callback is bound to it by name, since ``*`` would not cover it."""

SAMPLE_KEYS = frozenset({"rq:rM>}U?@Lns47E1%kR.o@n%FcmmsL/@{H8]yf7", "Yne@$w-vo<fVvi]a<NY6T1ed:M$fCG*[IaLV{hID"})
"""Key pair printed in the CURVE documentation; refused at start."""


@dataclass(frozen=True, slots=True)
class KeyPair:
    """A CURVE key pair in Z85."""

    public: bytes
    secret: bytes

    @classmethod
    def new(cls) -> KeyPair:
        """A new pair; its public key begins with no "-", which a command line takes for an option."""
        while (pair := cls(*zmq.curve_keypair())).public.startswith(b"-"):
            pass
        return pair

    @classmethod
    def load(cls, path: Path) -> KeyPair:
        """Read a key file; raises SettingsError for files that others may write or read, and for sample keys."""
        problems = []
        try:
            mode = path.stat().st_mode
            data = tomllib.loads(path.read_text())
            pair = cls(str(data["public_key"]).encode(), str(data["secret_key"]).encode())
        except (OSError, tomllib.TOMLDecodeError, KeyError, UnicodeDecodeError) as error:
            raise SettingsError([f"{path}: not a key file ({error}); make one with `lukou keys new`"]) from None
        if mode & (stat.S_IRWXG | stat.S_IRWXO):
            problems.append(f"{path}: others may read or write this secret key; run `chmod 600 {path}`")
        if pair.secret.decode() in SAMPLE_KEYS or pair.public.decode() in SAMPLE_KEYS:
            problems.append(f"{path}: a sample key from documentation; make your own with `lukou keys new`")
        try:
            if zmq.curve_public(pair.secret) != pair.public:
                problems.append(f"{path}: public and secret key do not belong together")
        except (ValueError, zmq.ZMQError) as error:
            problems.append(f"{path}: {error}")
        if problems:
            raise SettingsError(problems)
        return pair

    def save(self, path: Path) -> None:
        """Write a key file that only its owner may read."""
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w") as file:
            # Z85 holds characters that TOML basic strings would need escapes for; literal strings hold all of them.
            file.write(f"public_key = '{self.public.decode()}'\nsecret_key = '{self.secret.decode()}'\n")


@dataclass(frozen=True, slots=True)
class Device:
    """A device that may connect, and what it may say."""

    name: str
    public_key: bytes
    topics: frozenset[str] = frozenset()
    sources: tuple[str, ...] = ()
    revoked: bool = False

    def may_send(self, topic: str) -> bool:
        return not self.revoked and ("*" in self.topics or topic in self.topics)

    def may_speak_for(self, source: str) -> bool:
        return source == self.name or any(fnmatchcase(source, pattern) for pattern in self.sources)


@dataclass(slots=True)
class Register:
    """The devices that may connect; follows its file."""

    path: Path | None = None
    devices: dict[str, Device] = field(default_factory=dict)
    _names_by_key: dict[bytes, str] = field(default_factory=dict)
    _stamp: tuple[int, int] = (0, 0)

    @classmethod
    def of(cls, devices: Iterable[Device]) -> Register:
        register = cls()
        register._take({device.name: device for device in devices})
        return register

    @classmethod
    def load(cls, path: Path) -> Register:
        register = cls(path)
        register.refresh()
        return register

    def refresh(self) -> bool:
        """Read the file again where it has changed; a broken file keeps the last good register and raises."""
        if self.path is None:
            return False
        try:
            status = self.path.stat()
            stamp = (status.st_mtime_ns, status.st_size)
            if stamp == self._stamp:
                return False
            self._stamp = stamp
            data = tomllib.loads(self.path.read_text())
            devices = {
                name: Device(
                    name,
                    str(entry["public_key"]).encode(),
                    frozenset(map(str, entry.get("topics", []))),
                    tuple(map(str, entry.get("sources", []))),
                    bool(entry.get("revoked", False)),
                )
                for name, entry in data.get("devices", {}).items()
            }
        except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, KeyError, TypeError, AttributeError) as error:
            raise SettingsError([f"{self.path}: register of devices cannot be read: {error!r}"]) from None
        self._take(devices)
        return True

    def _take(self, devices: dict[str, Device]) -> None:
        self.devices = devices
        self._names_by_key = {device.public_key: device.name for device in devices.values() if not device.revoked}

    def name_of(self, public_key: bytes) -> str | None:
        """Device with this public key; None where it is unknown or revoked."""
        return self._names_by_key.get(public_key)

    def check(self, user: str, topic: str, source: str | None = None) -> None:
        """Raise Refused unless the device may send on the topic in the source's name."""
        device = self.devices.get(user)
        if device is None or device.revoked:
            raise Refused("revoked_key", user)
        if not device.may_send(topic):
            raise Refused("not_entitled", f"{user} on {topic}")
        if source is not None and not device.may_speak_for(source):
            raise Refused("speaks_for_another", f"{user} as {source[:80]}")


class Authenticator:
    """The ZAP handler of one context: admits the keys of its register and names the device in ``User-Id``."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], register: Register) -> None:
        self.register = register
        self.denied = 0
        self._thread = ThreadAuthenticator(context)
        self._thread.curve_user_id = self._user_id  # type: ignore[method-assign]
        self._thread.configure_curve_callback(domain=DOMAIN, credentials_provider=self)
        self._thread.start()

    def _user_id(self, client_public_key: bytes) -> str:
        return self.register.name_of(z85.encode(client_public_key)) or ""

    def callback(self, domain: str, key: bytes) -> bool:
        """Called by the ZAP thread for each handshake; `key` in Z85."""
        with contextlib.suppress(SettingsError):
            self.register.refresh()
        admitted = self.register.name_of(key) is not None
        self.denied += not admitted
        return admitted

    def close(self) -> None:
        self._thread.stop()


def save_register(path: Path, devices: dict[str, Device]) -> None:
    """Write a register, replacing the old one in one go."""
    lines = []
    for device in devices.values():
        topics = ", ".join(f'"{topic}"' for topic in sorted(device.topics))
        sources = ", ".join(f'"{source}"' for source in device.sources)
        lines += [
            f'[devices."{device.name}"]',
            f"public_key = '{device.public_key.decode()}'",
            f"topics = [{topics}]",
            f"sources = [{sources}]",
            f"revoked = {'true' if device.revoked else 'false'}",
            "",
        ]
    text = "\n".join(lines)
    if set(tomllib.loads(text).get("devices", {})) != set(devices):
        raise SettingsError([f"{path}: a name or key cannot be written; nothing was changed"])
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_suffix(".tmp")
    temporary.write_text(text)
    os.replace(temporary, path)
