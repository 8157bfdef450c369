"""Letters that leave the house: a row in the same transaction as what they tell of, sent by a job, retried.

The body is sealed at rest, because it may carry a one-time link. A letter is posted once for its `key`: posting
it again changes nothing, so whatever posts letters may run twice.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from flask import current_app
from sqlalchemy import BigInteger, ForeignKey, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from marketplace import clock
from marketplace.adapters.email import (
    EmailAdapter,
    Message,
    PermanentFailure,
    TemporaryFailure,
)
from marketplace.database import Base, Key, When, choice
from marketplace.extensions import db
from marketplace.queueing import awake, wake
from marketplace.transactions import after_commit_once, transaction
from marketplace.vault import SealedText

MOST_ATTEMPTS = 8
BATCH = 50
# A run gives way to other jobs after this long, well within what a job may take, and has another one go on.
RUN_SECONDS = 120


class LetterStatus(StrEnum):
    """Where a letter stands."""

    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class Letter(Base):
    """One e-mail to one person."""

    __tablename__ = "letters"

    id: Mapped[Key]
    key: Mapped[str] = mapped_column(unique=True)
    person_id: Mapped[int | None] = mapped_column(BigInteger, ForeignKey("people.id"), index=True)
    email: Mapped[str]
    subject: Mapped[str]
    body: Mapped[str] = mapped_column(SealedText("letters.body"))
    holds_secret: Mapped[bool] = mapped_column(default=False)
    status: Mapped[LetterStatus] = mapped_column(choice(LetterStatus, "status"), default=LetterStatus.WAITING)
    created_at: Mapped[When]
    next_attempt_at: Mapped[When] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[When | None]
    last_error: Mapped[str | None]


def post(
    *,
    key: str,
    email: str,
    subject: str,
    body: str,
    now: datetime,
    person_id: int | None = None,
    holds_secret: bool = False,
) -> None:
    """Put a letter in the outbox, once for its key; a job sends it after the commit.

    `holds_secret`: the body carries a one-time link and is not shown again in the app.
    """
    made = db.session.execute(
        insert(Letter)
        .values(
            key=key,
            email=email,
            person_id=person_id,
            subject=subject,
            body=body,
            holds_secret=holds_secret,
            status=LetterStatus.WAITING,
            created_at=now,
            next_attempt_at=now,
            attempts=0,
        )
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(Letter.id)
    ).scalar()
    if made is not None:
        after_commit_once(_wake)


def _wake() -> None:
    """Have a worker send what waits: one job for all letters that wait by then, of however many transactions."""
    wake(send_waiting_letters)


def letters_to(person_id: int) -> Sequence[Letter]:
    """The letters sent or waiting to be sent to this person, latest first."""
    return db.session.scalars(select(Letter).where(Letter.person_id == person_id).order_by(Letter.id.desc())).all()


def send_letter(letter_id: int) -> None:
    """Send one letter, if it still waits. Two workers at once: the row's lock lets one of them send."""
    adapter: EmailAdapter = current_app.extensions["email"]
    with transaction():
        letter = db.session.scalar(
            select(Letter)
            .where(Letter.id == letter_id, Letter.status == LetterStatus.WAITING)
            .with_for_update(skip_locked=True)
        )
        if letter is None:
            return
        now = clock.now()
        letter.attempts += 1
        try:
            adapter.send(
                Message(to=letter.email, subject=letter.subject, body=letter.body, reference=_reference(letter))
            )
        except PermanentFailure as error:
            letter.status, letter.last_error = LetterStatus.FAILED, str(error)[:500]
        except TemporaryFailure as error:
            letter.last_error = str(error)[:500]
            letter.next_attempt_at = now + timedelta(minutes=2**letter.attempts)
            if letter.attempts >= MOST_ATTEMPTS:
                letter.status = LetterStatus.FAILED
        else:
            letter.status, letter.sent_at, letter.last_error = LetterStatus.SENT, now, None


def _reference(letter: Letter) -> str:
    """The carrier's name for the letter: with its time, as keys come again when a database is made anew."""
    return f"{letter.id}-{letter.created_at:%Y%m%d%H%M%S%f}"


def send_waiting_letters() -> None:
    """Send what is due: after each transaction that posted letters, and every minute, which makes good a lost job.

    By batches, each letter in a transaction of its own. What this run has tried it does not try again, so that it ends
    when nothing is due that it has not seen. Two at once (a worker and the timetable) share the work: each letter's
    lock lets one of them send. What is still waiting when its time is over is left to the next run.
    """
    awake(send_waiting_letters)
    last, began = 0, time.monotonic()
    while time.monotonic() - began < RUN_SECONDS:
        batch = db.session.scalars(
            select(Letter.id)
            .where(Letter.status == LetterStatus.WAITING, Letter.next_attempt_at <= clock.now(), Letter.id > last)
            .order_by(Letter.id)
            .limit(BATCH)
        ).all()
        for letter_id in batch:
            send_letter(letter_id)
        if len(batch) < BATCH:
            return
        last = batch[-1]
    _wake()
