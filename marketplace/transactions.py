"""Where work is committed: actions flush, edges commit.

    with transaction():
        submit_bid(bid, actor=actor, now=now)

All of it goes in or none of it. Whatever leaves the house (mail, payment, job) is a row written in the same
transaction and sent afterwards by a job; `after_commit` only wakes that job early.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from marketplace.extensions import db

_AFTER = "marketplace.after_commit"
_BEFORE = "marketplace.before_commit"


def after_commit(call: Callable[[], object]) -> None:
    """Call this once the present transaction is in, and not at all if it is rolled back."""
    db.session.info.setdefault(_AFTER, []).append(call)


def after_commit_once(call: Callable[[], object]) -> None:
    """The same, but once however often the transaction asks for this very function."""
    if call not in db.session.info.get(_AFTER, []):
        after_commit(call)


def before_commit(check: Callable[[], object]) -> None:
    """Call this at the last moment before the commit; if it raises, nothing is kept.

    For rules the clock decides: "submitted" means committed before the instant of closing.
    """
    db.session.info.setdefault(_BEFORE, []).append(check)


def settle() -> None:
    """Flush, and make the last checks now, as a commit would: steps of one transaction, each at its own time."""
    session = db.session
    session.flush()
    for check in session.info.pop(_BEFORE, []):
        check()


@contextmanager
def transaction() -> Iterator[None]:
    """Commit what was done inside, or nothing of it."""
    session = db.session
    try:
        yield
        settle()
        session.commit()
    except BaseException:
        session.info.pop(_AFTER, None)
        session.info.pop(_BEFORE, None)
        session.rollback()
        raise
    for call in session.info.pop(_AFTER, []):
        call()
