"""Every scheduled job, in one list, and the scheduler that puts them in the queue.

A scheduled job takes no arguments, does whatever is due at that moment, and may run twice or late: when the
scheduler starts it queues every job once, so that nothing that fell due while it was away is missed. Times of day
are London's.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module

from flask import Flask
from rq.cron import CronScheduler

from marketplace import queueing


@dataclass(frozen=True)
class Scheduled:
    """One job of the timetable: every so often, or at the times of a cron expression."""

    name: str
    function: str
    what_for: str
    every: timedelta | None = None
    cron: str = ""

    @property
    def when(self) -> str:
        """When it runs, for people."""
        if self.every is not None:
            seconds = int(self.every.total_seconds())
            return f"every {seconds // 60} minutes" if seconds > 60 else f"every {seconds} seconds"
        return f"at {self.cron} (minute, hour, day, month, weekday; London time)"

    def load(self) -> Callable[[], object]:
        """The function itself."""
        module, name = self.function.rsplit(".", 1)
        found: Callable[[], object] = getattr(import_module(module), name)
        return found


TIMETABLE: tuple[Scheduled, ...] = (
    Scheduled(
        "letters",
        "marketplace.outbox.send_waiting_letters",
        "sends letters that are due, and again those that failed",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "contracts-drawn",
        "contracts.agreements.jobs.draw_due_agreements",
        "draws the contract of each award whose standstill is over",
        every=timedelta(minutes=2),
    ),
    Scheduled(
        "contract-documents",
        "contracts.agreements.jobs.make_waiting_documents",
        "makes the PDF of each signed contract that has none yet",
        every=timedelta(minutes=2),
    ),
    Scheduled(
        "mobilisation",
        "contracts.mobilisation.jobs.begin_mobilisations",
        "makes the milestones of each contract that was signed since",
        every=timedelta(minutes=2),
    ),
    Scheduled(
        "mobilisation-reminders",
        "contracts.mobilisation.jobs.remind",
        "tells of milestones near or late, reports asked for and clearances that end",
        cron="20 6 * * *",
    ),
    Scheduled(
        "scorecards",
        "contracts.performance.jobs.make_due_scorecards",
        "makes each contract's scorecard of a month that is over",
        cron="40 5 * * *",
    ),
    Scheduled(
        "improvement-reminders",
        "contracts.performance.jobs.remind",
        "tells of actions to improve that are late",
        cron="25 6 * * *",
    ),
    Scheduled(
        "invoices",
        "contracts.invoices.jobs.raise_due_invoices",
        "raises the invoices of every month that is over, and works out every contract year that is",
        cron="30 2,4,6 * * *",
    ),
    Scheduled(
        "grant-reports",
        "contracts.invoices.jobs.remind_of_uses",
        "tells holders of grants that are over to report what instalments were used for",
        cron="35 6 * * *",
    ),
    Scheduled(
        "invoice-documents",
        "contracts.invoices.jobs.make_waiting_documents",
        "makes the PDF of each invoice and credit note that has none yet",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "invoices-sent",
        "contracts.payments.jobs.send_due_invoices",
        "sends invoices that the payment provider does not have yet",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "credits-sent",
        "contracts.payments.jobs.send_due_credits",
        "tells the payment provider of credit notes that it does not know of yet",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "recoveries",
        "contracts.payments.jobs.make_due_recoveries",
        "takes back from suppliers’ accounts what banks took from the marketplace",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "payment-accounts",
        "contracts.payments.jobs.open_accounts",
        "has the payment provider open the accounts that suppliers have begun",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "payment-events",
        "contracts.payments.jobs.apply_waiting_events",
        "applies what the payment provider told us",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "reconciliation",
        "contracts.payments.jobs.reconcile",
        "takes the payment provider's news that never came, and compares its books with ours",
        cron="15 3 * * *",
    ),
    Scheduled(
        "invitations",
        "calloffs.competitions.jobs.invite_newly_qualified",
        "invites who has qualified since a call-off was published",
        every=timedelta(minutes=5),
    ),
    Scheduled(
        "places-passed-on",
        "contracts.referrals.jobs.pass_places_on",
        "offers free places to those who wait, and passes on those not taken in time",
        every=timedelta(minutes=5),
    ),
    Scheduled(
        "leads",
        "contracts.changes.jobs.hand_leads_over",
        "hands the lead of a contract to another body from the day that was agreed",
        cron="5 0 * * *",
    ),
    Scheduled(
        "endings",
        "contracts.changes.jobs.prepare_endings",
        "makes the exit plan of each contract that nears its end",
        cron="40 5 * * *",
    ),
    Scheduled(
        "endings-reminders",
        "contracts.changes.jobs.remind",
        "tells of options that must be decided, and of tasks of endings that are near or late",
        cron="25 6 * * *",
    ),
    Scheduled(
        "suspensions-told",
        "contracts.referrals.jobs.tell_of_suspensions",
        "tells officers that a service takes no new referrals for now, or takes them again",
        every=timedelta(minutes=5),
    ),
    Scheduled(
        "referrals-counted-again",
        "contracts.referrals.jobs.compare_counters",
        "compares the running count of each service with its referrals",
        cron="50 3 * * *",
    ),
    Scheduled(
        "volume-alerts",
        "contracts.volumes.jobs.raise_due_alerts",
        "tells those who can act of services near their cap or heading under their minimum",
        every=timedelta(minutes=2),
    ),
    Scheduled(
        "volume-actions",
        "contracts.volumes.jobs.remind",
        "reminds of what was decided about a volume, on the day on which it is looked at again",
        cron="25 6 * * *",
    ),
    Scheduled(
        "services-made-known",
        "contracts.volumes.jobs.write_to_officers",
        "tells officers of the area of a service that has room",
        every=timedelta(minutes=2),
    ),
    Scheduled(
        "handovers",
        "contracts.handovers.jobs.run_handovers",
        "moves the referrals of each handover whose day has come, and undoes those to be undone",
        every=timedelta(minutes=1),
    ),
    Scheduled(
        "moved-people-chased",
        "contracts.handovers.jobs.chase",
        "reminds suppliers of people who were moved to them and are not taken on",
        cron="40 6 * * *",
    ),
    Scheduled(
        "sessions-cleared",
        "marketplace.accounts.jobs.clear_away",
        "forgets sessions and one-time links that ended a month ago",
        cron="10 3 * * *",
    ),
)


def scheduled(name: str) -> Scheduled | None:
    """The job of that name."""
    return next((job for job in TIMETABLE if job.name == name), None)


def run_scheduler(app: Flask) -> None:
    """Be the scheduler until told to stop. One to an installation; two would only do the same work twice."""
    os.environ["TZ"] = "Europe/London"  # RQ reads cron expressions in the process's own time zone
    time.tzset()
    scheduler = CronScheduler(queueing.connection(app), logging_level="WARNING")
    for job in TIMETABLE:
        # What no worker takes before it is due again is dropped: no heap of the same job waits for a worker.
        waits = int(job.every.total_seconds()) if job.every else 24 * 3600
        entry = scheduler.register(
            job.load(),
            queueing.QUEUE,
            interval=waits if job.every else None,
            cron=job.cron or None,
            job_timeout=queueing.JOB_SECONDS,
            result_ttl=60,
            ttl=waits,
            failure_ttl=7 * 24 * 3600,
            name=job.name,
        )
        if job.cron:  # those with an interval start at once by themselves
            entry.enqueue(queueing.connection(app))
    scheduler.start()
