"""Serves the operator page, its API and its live stream, in a thread of the centre process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from fastapi import FastAPI, HTTPException, Query, Request, Response, WebSocket, WebSocketDisconnect
from fastapi.responses import FileResponse, JSONResponse
from fastapi.staticfiles import StaticFiles

from lukou_cloud.centre.archive import Archive
from lukou_cloud.centre.settings import CentreSettings
from lukou_cloud.web.geometry import PageMap
from lukou_cloud.web.near_misses import add_near_misses
from lukou_maps.reading import load_map
from lukou_maps.signal_configuration import load
from lukou_messages.process import Input, Output
from lukou_messages.topics import TOPICS

log = structlog.get_logger()

STATIC = Path(__file__).parent / "static"
MOST_CLIENTS = 50
SUMMARY_S = 2.0
"""Counting the archive takes its lock: not more often than this."""

MOST_PICTURES = 5000
"""Cameras and sites that are kept."""

CLIENT_QUEUE = 40
KEPT = ("objects", "signals", "warnings", "processes", "figures")
"""Updates of which a new client first gets the newest."""

SECURITY_POLICY = (
    "default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; worker-src 'self' blob:; "
    "connect-src 'self' ws: wss:; frame-ancestors 'none'"
)


class PageDevice:
    """The page as a device of the centre's shell: takes updates, serves them to browsers."""

    name = "page"

    def __init__(self, settings: CentreSettings, archive: Archive) -> None:
        self._settings = settings
        self._hub = _Hub([plain_record(row) for row in archive.query("event", limit=60)][::-1])
        self._map = PageMap(load_map(settings.map), [load(path) for path in settings.configurations])
        self.app = make_app(settings, archive, self._map, self._hub)
        self._socket = _bind(settings.page.host, settings.page.port)
        self.port = int(self._socket.getsockname()[1])
        config = uvicorn.Config(self.app, log_level="warning", lifespan="on", ws="websockets-sansio", access_log=False)
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._run, name="page", daemon=True)
        self._thread.start()
        if settings.page.port_file is not None:
            settings.page.port_file.write_text(str(self.port))

    def _run(self) -> None:
        self._server.run(sockets=[self._socket])

    def poll(self, now_ns: int) -> Sequence[Input]:
        return ()

    def send(self, outputs: Sequence[Output]) -> None:
        for output in outputs:
            self._hub.publish(output.value)

    def close(self) -> None:
        self._server.should_exit = True
        self._thread.join(timeout=2)
        with contextlib.suppress(OSError):
            self._socket.close()


def _bind(host: str, port: int) -> socket.socket:
    made = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((host, port))
    return made


class _Hub:
    """Passes updates from the shell's thread to the clients' queues; a slow client loses old ones, nobody waits."""

    def __init__(self, events: Sequence[dict[str, Any]] = ()) -> None:
        self.latest: dict[str, str] = {}
        self.plain: dict[str, dict[str, Any]] = {}
        self.events: list[str] = [json.dumps(event) for event in events]
        self.pictures: dict[str, bytes] = {}
        self.sensors: dict[str, dict[str, Any]] = {}
        self._clients: set[asyncio.Queue[str]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()

    def publish(self, update: dict[str, Any]) -> None:
        kind = str(update["type"])
        with self._lock:
            if kind == "picture":
                update = dict(update)
                if update["key"] not in self.pictures and len(self.pictures) >= MOST_PICTURES:
                    return
                self.pictures[update["key"]] = update.pop("jpeg")
                kind = f"picture {update['key']}"
            elif kind == "sensors" and (update["site"] in self.sensors or len(self.sensors) < MOST_PICTURES):
                self.sensors[update["site"]] = update
                kind = f"sensors {update['site']}"
            if kind in KEPT:
                self.plain[kind] = update
            if kind == "event":
                self.events = [*self.events[-99:], json.dumps(update)]
            if not self._clients and kind == "objects":
                self.latest[kind] = ""  # nobody looks: do not serialise
                return
            text = json.dumps(update, separators=(",", ":"))
            if kind in KEPT or " " in kind:
                self.latest[kind] = text
            clients = list(self._clients)
        if self._loop is not None and clients:
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self._spread, clients, text)

    @staticmethod
    def _spread(clients: list[asyncio.Queue[str]], text: str) -> None:
        for client in clients:
            if client.full():
                client.get_nowait()
            client.put_nowait(text)

    @contextlib.contextmanager
    def client(self) -> Any:
        """A queue that gets the newest of everything first."""
        mine: asyncio.Queue[str] = asyncio.Queue(CLIENT_QUEUE + len(self.events) + len(self.latest))
        with self._lock:
            if len(self._clients) >= MOST_CLIENTS:
                raise ConnectionRefusedError("too many pages are open")
            for text in [*self.events, *self.latest.values()]:
                if text:
                    mine.put_nowait(text)
            self._clients.add(mine)
        try:
            yield mine
        finally:
            with self._lock:
                self._clients.discard(mine)


def plain_record(row: dict[str, Any]) -> dict[str, Any]:
    """An archived event as the page gets events."""
    severity = str(row.get("severity", "")).removeprefix("SEVERITY_").lower()
    kept = {name: str(row.get(name, "")) for name in ("kind", "subject", "text")}
    return {"type": "event", "at_ms": row["measured_at_ns"] // 10**6, "severity": severity, **kept}


def make_app(settings: CentreSettings, archive: Archive, page_map: PageMap, hub: _Hub) -> FastAPI:
    """The web application."""

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        hub.start()
        yield

    app = FastAPI(title="Lukou", lifespan=lifespan, docs_url=None, redoc_url=None, openapi_url="/api/openapi.json")
    summary_cache: list[Any] = [-SUMMARY_S, {}]
    geojson = json.dumps(page_map.geojson(), separators=(",", ":"))

    allowed = {settings.page.host, "127.0.0.1", "localhost", "::1", socket.gethostname(), *settings.page.names}

    @app.middleware("http")
    async def headers(request: Request, call_next: Any) -> Any:
        if request.url.hostname not in allowed:  # a foreign name that resolves to us: DNS rebinding
            return Response("unknown host name; add it to centre.page.names", status_code=421, media_type="text/plain")
        response = await call_next(request)
        response.headers["Content-Security-Policy"] = SECURITY_POLICY
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Referrer-Policy"] = "no-referrer"
        return response

    @app.get("/api/site")
    def site() -> dict[str, Any]:
        """Title, map frame, intersections."""
        return {"title": settings.page.title, "frame": page_map.frame(), "schema_version": 1}

    @app.get("/api/map")
    def road_map() -> Response:
        """The map as GeoJSON."""
        return Response(geojson, media_type="application/geo+json")

    @app.get("/api/figures")
    def figures() -> dict[str, Any]:
        """Indicators of the last minutes."""
        return hub.plain.get("figures", {"type": "figures"})

    @app.get("/api/processes")
    def processes() -> dict[str, Any]:
        """Health of every process."""
        return hub.plain.get("processes", {"type": "processes", "processes": []})

    @app.get("/api/sensors")
    def sensors() -> dict[str, Any]:
        """How well every sensor of every site does."""
        return {"schema_version": 1, "sites": [one for _, one in sorted(hub.sensors.items())]}

    @app.get("/api/picture/{site}/{camera}")
    def picture(site: str, camera: str) -> Response:
        """The newest picture of a camera, where its site sends any."""
        packed = hub.pictures.get(f"{site}/{camera}")
        if packed is None:
            raise HTTPException(404, "no picture of that camera; set perception.pictures.period_s at its site")
        return Response(packed, media_type="image/jpeg", headers={"Cache-Control": "no-store"})

    @app.get("/api/archive/{topic}")
    def records(
        topic: str,
        from_ns: int = Query(0, ge=0),
        to_ns: int = Query(2**62, ge=0, le=2**62),
        limit: int = Query(200, ge=1, le=5000),
    ) -> JSONResponse:
        """Records of a topic, newest first."""
        if topic not in TOPICS or TOPICS[topic].delivery != "record":
            names = ", ".join(name for name, one in TOPICS.items() if one.delivery == "record")
            raise HTTPException(404, f"no such archive; there are {names}")
        return JSONResponse({"topic": topic, "records": list(archive.query(topic, from_ns, to_ns, limit))})

    add_near_misses(app, archive, page_map)

    @app.get("/api/archive")
    def summary() -> dict[str, Any]:
        """Counts and gaps of the archive."""
        now = time.monotonic()
        if now - summary_cache[0] < SUMMARY_S:
            cached: dict[str, Any] = summary_cache[1]
            return cached
        gaps = [dict(zip(("source", "epoch", "topic", "missing"), gap, strict=True)) for gap in archive.gaps()]
        found: dict[str, Any] = {"counts": archive.counts(), "gaps": gaps}
        summary_cache[:] = [now, found]
        return found

    @app.websocket("/live")
    async def live(client: WebSocket) -> None:
        """Updates as they come, one JSON object per message; only for pages that this server has served."""
        origin, host = client.headers.get("origin"), client.headers.get("host", "")
        if origin is not None and origin.split("://", 1)[-1] != host:
            await client.close(code=1008)
            return
        await client.accept()
        try:
            with hub.client() as queue:
                while True:
                    await client.send_text(await queue.get())
        except (WebSocketDisconnect, RuntimeError, ConnectionRefusedError):
            with contextlib.suppress(RuntimeError):
                await client.close()

    _serve_page(app)
    return app


def _serve_page(app: FastAPI) -> None:
    if (STATIC / "index.html").exists():

        @app.get("/", include_in_schema=False)
        def index() -> FileResponse:
            return FileResponse(STATIC / "index.html")

        app.mount("/", StaticFiles(directory=STATIC), name="page")
        return

    @app.get("/", include_in_schema=False)
    def missing() -> Response:
        return Response("the page is not built; run `make page`", status_code=503, media_type="text/plain")
