"""Background work: putting a job in the queue, and the worker that does it.

A job is a plain function of an area's `jobs.py` that takes keys (never objects, never personal data), reopens the
row, and may run twice. It runs inside an application context, one per job:

    after_commit(lambda: enqueue(make_contract_pdf, contract.id))

A job in the queue only wakes work early: whatever must happen is a row in the database that a scheduled job
(`marketplace.timetable`) finds as well, so an emptied queue loses nothing.
"""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import NoReturn

from flask import Flask, current_app
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Retry, Worker
from rq.executions import Execution
from rq.job import Job

from marketplace.extensions import db
from marketplace.local.guard import die_with_parent

log = logging.getLogger(__name__)

QUEUE = "marketplace"
JOB_SECONDS = 300
ATTEMPTS = 3
# How long a job may take to end once its worker has been asked to stop; then it is taken down and comes back later.
GRACE_SECONDS = 5
# A worker says this often that it lives. Short, so that the job of a killed worker comes back within two minutes.
WORKER_TTL = 30
MONITORING_SECONDS = 10
MAINTENANCE_SECONDS = 30
WAKE_SECONDS = 60


def init_app(app: Flask, redis_url: str) -> None:
    """Give the application its connection to Valkey."""
    app.extensions["redis"] = Redis.from_url(redis_url, health_check_interval=30)


def connection(app: Flask | None = None) -> Redis:
    """The application's connection to Valkey."""
    kept: Redis = (app or current_app).extensions["redis"]
    return kept


def queue(app: Flask | None = None) -> Queue:
    """The one queue of the marketplace."""
    return Queue(QUEUE, connection=connection(app))


def enqueue(job: Callable[..., object], *keys: int | str, first: bool = False) -> None:
    """Have the job done soon by a worker. Call it through `after_commit`, so that its rows are there.

    `first` goes before what waits already: payments do not stand behind some hundred letters.

    Valkey being away is no refusal: the row is committed, and the timetable finds it later.
    """
    try:
        queue().enqueue(
            job,
            args=keys,
            job_timeout=JOB_SECONDS,
            result_ttl=60,
            failure_ttl=7 * 24 * 3600,
            retry=Retry(max=ATTEMPTS),
            at_front=first,
        )
    except RedisError as error:
        log.warning("the queue is away (%s): %s waits for the timetable", type(error).__name__, job.__name__)


def wake(job: Callable[[], object], *, first: bool = False) -> None:
    """Have a job that does all that waits done soon: once, however often it is asked for before it begins.

    The job says that it has begun with `awake`. A flag that outlives a lost job ends by itself, and the timetable
    runs the job in any case.
    """
    try:
        if not connection().set(_flag(job), 1, nx=True, ex=WAKE_SECONDS):
            return
    except RedisError:
        return  # the queue is away: the timetable finds what waits
    enqueue(job, first=first)


def awake(job: Callable[[], object]) -> None:
    """The job begins: what comes from now on wakes it again."""
    with suppress(RedisError):
        connection().delete(_flag(job))


def _flag(job: Callable[[], object]) -> str:
    return f"marketplace:woken:{job.__module__}.{job.__name__}"


def for_each(keys: Iterable[int], work: Callable[[int], None]) -> None:
    """Do the work for every key. What fails keeps nothing else waiting, and is raised when all the rest is done."""
    failed: Exception | None = None
    for key in keys:
        try:
            work(key)
        except Exception as error:
            failed = failed or error
    if failed is not None:
        raise failed


class JobFailed(Exception):
    """A job did not work. Says the kind of error and where; never its text, which may repeat what a person typed."""


class MarketplaceJob(Job):
    """A job whose failure is logged, and kept in Valkey, without anybody's data."""

    def perform(self) -> object:
        """Do it."""
        try:
            return super().perform()
        except Exception as error:
            where = traceback.extract_tb(error.__traceback__)[-1]
            raise JobFailed(
                f"{self.func_name}: {type(error).__name__} at {where.filename.rsplit('/', 1)[-1]}:{where.lineno}"
            ) from None


class MarketplaceWorker(Worker):
    """The worker process: forks once per job; dies with its owner, and its forks with it."""

    def __init__(self, app: Flask) -> None:
        super().__init__(
            [queue(app)],
            connection=connection(app),
            job_class=MarketplaceJob,
            worker_ttl=WORKER_TTL,
            job_monitoring_interval=MONITORING_SECONDS,
            maintenance_interval=MAINTENANCE_SECONDS,
            log_job_description=False,
        )
        self.log_result_lifespan = False
        self.app = app

    def perform_job(self, job: Job, queue: Queue, execution: Execution) -> bool:
        """One job in one application context: its database session ends with it."""
        with self.app.app_context():
            return super().perform_job(job, queue, execution)

    def main_work_horse(self, job: Job, queue: Queue) -> NoReturn:
        """In the fork: never outlive the worker, never share its database connections."""
        die_with_parent(signal.SIGKILL, self.pid or os.getppid())
        with self.app.app_context():
            db.engine.dispose(close=False)
        super().main_work_horse(job, queue)
        raise AssertionError("a work horse never comes back")

    def handle_warm_shutdown_request(self) -> None:
        """Let the present job end, but not for long: what is cut off comes back."""
        super().handle_warm_shutdown_request()  # type: ignore[no-untyped-call]
        end = threading.Timer(GRACE_SECONDS, self._cut_off)
        end.daemon = True
        end.start()

    def _cut_off(self) -> None:
        if self.horse_pid:
            with suppress(ProcessLookupError):
                self.kill_horse()

    def reclaim(self) -> None:
        """Give back at once the jobs of workers of this machine that are no more, instead of when they expire."""
        registry = self.queues[0].started_job_registry
        for other in Worker.all(connection=self.connection):
            if other.name == self.name or other.hostname != socket.gethostname() or _lives(other.pid):
                continue
            for execution in other.get_current_executions():
                self.connection.zadd(registry.key, {execution.composite_key: 0}, xx=True)
            other.register_death()


def run_queued(app: Flask) -> int:
    """Do everything that is queued, and what that queues, now and in this very process.

    Raises whatever a job raises. Returns how many were done. For tests, demonstration data and commands: workers do
    the rest.
    """
    done = 0
    while (found := Queue.dequeue_any([queue(app)], None, connection=connection(app))) is not None:
        job, _ = found
        with app.app_context():
            job.perform()
        job.delete()
        done += 1
    return done


def run_worker(app: Flask) -> None:
    """Be the worker until told to stop."""
    worker = MarketplaceWorker(app)
    worker.reclaim()
    worker.work(logging_level="WARNING")


def _lives(pid: int | None) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
