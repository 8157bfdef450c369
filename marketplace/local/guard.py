"""Starts one program so that it can never outlive whoever started it.

Run as a script by a bare interpreter: `python -I -S guard.py SIGNAL PARENT USER COMMAND...`. It becomes the user
(when one is named), asks Linux to send it SIGNAL when PARENT dies, however it dies, and turns into COMMAND. The
order matters: Linux forgets the wish when the user changes.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def die_with_parent(sig: int, parent: int) -> None:
    """Have Linux send this process a signal when the process that started it is gone."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(sig), 0, 0, 0)
    if os.getppid() != parent:  # it was gone before we asked
        os.kill(os.getpid(), signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Become the command."""
    sig, parent, user, command = int(arguments[0]), int(arguments[1]), arguments[2], arguments[3:]
    if user != "-":
        uid, gid = (int(part) for part in user.split(":"))
        os.setgroups([])
        os.setgid(gid)
        os.setuid(uid)
    die_with_parent(sig, parent)
    os.execv(command[0], command)


if __name__ == "__main__":
    main(sys.argv[1:])
