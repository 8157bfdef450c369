"""A Valkey of one installation's own: reached by a socket only, keeping what it was told."""

from __future__ import annotations

import signal
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from marketplace.local.binaries import valkey_server
from marketplace.local.places import Home
from marketplace.local.processes import User


@dataclass
class Valkey:
    """One server. `durable` is off only for tests, whose data nobody misses."""

    home: Home
    durable: bool = True
    name: str = "valkey"
    stop_signal: signal.Signals = signal.SIGTERM
    user: User | None = None
    data: Path = field(init=False)
    socket: Path = field(init=False)
    program: Path = field(init=False)

    def locate(self) -> None:
        """Find out where everything is."""
        self.data = self.home.folder("valkey")
        self.socket = self.home.sockets() / "valkey"

    def prepare(self) -> None:
        """Clear away what a killed server left: a socket that answers nobody."""
        self.locate()
        self.program = valkey_server()
        self.socket.unlink(missing_ok=True)

    def command(self) -> list[str | Path]:
        """The server's command line."""
        kept = ["--appendonly", "yes", "--appendfsync", "everysec"] if self.durable else ["--appendonly", "no"]
        # "--save ''": the append-only file is the one record, no dumps beside it.
        options = [
            "--set-proc-title",
            "no",
            "--port",
            "0",
            "--unixsocketperm",
            "700",
            "--daemonize",
            "no",
            "--loglevel",
            "warning",
            "--save",
            "",
        ]
        return [self.program, "--unixsocket", self.socket, "--dir", self.data, *options, *kept]

    def url(self) -> str:
        """Its address."""
        return f"unix://{quote(str(self.socket))}"

    def ready(self) -> bool:
        """Whether it answers and has read back what it kept."""
        try:
            with Redis(unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0), socket_timeout=5) as client:
                return bool(client.ping())
        except (RedisError, OSError):
            return False
