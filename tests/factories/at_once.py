"""The same work done by many at the same moment: real commits, real threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from marketplace.errors import Refused
from marketplace.extensions import db
from marketplace.transactions import transaction


def at_once(app: Flask, count: int, work: Callable[[int], object]) -> list[object]:
    """The work, in so many threads that begin together; a refusal is its own answer."""
    gate = threading.Barrier(count)

    def one(number: int) -> object:
        with app.app_context():
            gate.wait(30)
            try:
                with transaction():
                    return work(number)
            except Refused as refused:
                return refused
            finally:
                db.session.remove()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
