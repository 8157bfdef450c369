"""Settings of the web server (gunicorn) for one machine. Production may use its own."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from marketplace.local.guard import die_with_parent

wsgi_app = "marketplace.app:create_app()"
bind = [f"127.0.0.1:{os.environ.get('PORT', '5000')}"]
worker_class = "gthread"
workers = int(os.environ.get("WEB_PROCESSES", "2"))
threads = 4
timeout = 60
graceful_timeout = 4
control_socket_disable = True
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() and os.access("/dev/shm", os.W_OK) else None
loglevel = "warning"
# The route's pattern and not the path or the address of who asks: a path may carry a one-time link.
accesslog = "-"
access_log_format = "%(m)s %({marketplace.route}e)s %(s)s %(M)s ms"


def post_fork(server: Any, worker: Any) -> None:
    """A web process never outlives the one that forked it."""
    die_with_parent(signal.SIGTERM, worker.ppid)
