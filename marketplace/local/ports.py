"""Ports: whether one is free, and which to suggest."""

from __future__ import annotations

import errno
import socket

from marketplace.local.processes import CannotStart


def is_free(port: int) -> bool:
    """Whether we could listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                return False
            raise
    return True


def answers(port: int) -> bool:
    """Whether somebody listens there."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def demand(needed: dict[int, str], *, port: int) -> None:
    """Refuse, with another port to try, if one that we need is taken."""
    for number, what in needed.items():
        if not 0 < number < 65536:
            raise CannotStart(f"PORT={port} is not a port we can use. Choose one from 1024 to 65000.")
        if not is_free(number):
            ours = "" if number == port else f" (PORT is {port}; {what} uses the one after it)"
            raise CannotStart(
                f"Port {number}, wanted for {what}, is taken by another program{ours}. "
                f"Stop that program, or choose another port: PORT={_another(port, len(needed))} script/run"
            )


def _another(port: int, together: int) -> int:
    for first in range(port + 10, min(port + 1000, 65000), 10):
        if all(is_free(first + offset) for offset in range(together)):
            return first
    return 8080
