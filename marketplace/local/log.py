"""One readable log of everything that runs: on the terminal and in the installation's log folder."""

from __future__ import annotations

import sys
from collections import deque
from datetime import datetime
from logging import LogRecord, makeLogRecord
from logging.handlers import RotatingFileHandler
from pathlib import Path

MEGABYTES = 5
KEPT = 5


class _File(RotatingFileHandler):
    """A full disk must not take the supervisor down: the terminal still gets every line."""

    def handleError(self, record: LogRecord) -> None:
        """Say nothing: there is nowhere to say it."""


class Log:
    """Writes lines as `2026-11-22 18:01:02 web        message`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "marketplace.log"
        self._file = _File(self.path, maxBytes=MEGABYTES * 1_000_000, backupCount=KEPT, delay=True)
        self._terminal = True
        self._last: dict[str, deque[str]] = {}

    def write(self, name: str, text: str) -> None:
        """One line of one program."""
        self._last.setdefault(name, deque(maxlen=6)).append(text)
        line = f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S} {name:<10} {text}"
        self._file.handle(makeLogRecord({"msg": line}))
        self.say(line)

    def say(self, line: str) -> None:
        """To the terminal only."""
        if not self._terminal:
            return
        try:
            print(line, flush=True)
        except (OSError, ValueError):  # the terminal is gone, or the disk behind it is full
            self._terminal = sys.stdout.isatty()

    def last_words(self, name: str) -> list[str]:
        """What a program said last."""
        return list(self._last.get(name, ()))
