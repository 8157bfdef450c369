"""create_app(): one application out of all the areas."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import redis.exceptions
from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError
from govuk_frontend_wtf.main import WTFormsHelpers
from jinja2 import ChoiceLoader, FileSystemLoader, PackageLoader, PrefixLoader
from sqlalchemy.exc import DataError, OperationalError
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix

from marketplace import access, clock, presentation, queueing, security
from marketplace.access import PUBLIC, SIGNED_IN, acting, audience
from marketplace.adapters.email import EmailAdapter, FilesOnDisk, GovukNotify, Smtp
from marketplace.adapters.files import Files
from marketplace.adapters.payments.stripe import Payments
from marketplace.adapters.pdf import PdfRenderer
from marketplace.config import CHECKOUT, Mode, Settings
from marketplace.errors import Refused
from marketplace.extensions import csrf, db, limiter, login_manager, migrate
from marketplace.vault import Vault
from marketplace.waiting import Provider, Waiting

AREAS = (
    "marketplace.places",
    "marketplace.accounts",
    "marketplace.framework",
    "marketplace.suppliers",
    "calloffs.funds",
    "calloffs.plans",
    "calloffs.competitions",
    "calloffs.bids",
    "calloffs.evaluation",
    "calloffs.awards",
    "contracts.agreements",
    "contracts.mobilisation",
    "contracts.changes",
    "contracts.referrals",
    "contracts.handovers",
    "contracts.volumes",
    "contracts.cohorts",
    "contracts.performance",
    "contracts.ledger",
    "contracts.invoices",
    "contracts.payments",
    "catalogue.entries",
    "catalogue.search",
    "catalogue.publishing",
)


def create_app(settings: Settings | None = None) -> Flask:
    """The application, with every area's models, views and home-page providers."""
    settings = settings or Settings.from_environment()
    app = Flask("marketplace", root_path=str(Path(__file__).parent), static_folder=str(CHECKOUT / "static"))
    app.config.update(
        SETTINGS=settings,
        SECRET_KEY=settings.keys.secret,
        # Letters are written by jobs too, where no request says what the address is.
        SERVER_NAME=urlsplit(settings.public_url).netloc,
        PREFERRED_URL_SCHEME=urlsplit(settings.public_url).scheme,
        SQLALCHEMY_DATABASE_URI=settings.database_url,
        # hide_parameters: an error's text never repeats what people typed.
        SQLALCHEMY_ENGINE_OPTIONS={"pool_pre_ping": True, "hide_parameters": True},
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=settings.public_url.startswith("https://"),
        SESSION_COOKIE_NAME="marketplace",
        MAX_CONTENT_LENGTH=2 * 1024 * 1024,
        RATELIMIT_STORAGE_URI=_limits_store(settings),
        RATELIMIT_ENABLED=settings.mode is not Mode.TEST,
        RATELIMIT_HEADERS_ENABLED=False,
        # Without Valkey people still sign in: the lock-out in the database holds.
        RATELIMIT_SWALLOW_ERRORS=True,
        WTF_CSRF_TIME_LIMIT=None,
    )
    _templates(app)
    db.init_app(app)
    logging.getLogger("sqlalchemy.engine.Engine").addFilter(_is_no_row)
    migrate.init_app(app, db, directory=str(CHECKOUT / "marketplace" / "migrations"))
    login_manager.init_app(app)
    csrf.init_app(app)
    limiter.init_app(app)
    security.init_app(app, https=settings.public_url.startswith("https://"))
    presentation.init_app(app)
    queueing.init_app(app, settings.redis_url)
    app.extensions["vault"] = Vault(settings.keys.sealing)
    app.extensions["email"] = _email(settings)
    app.extensions["files"] = Files(settings.home / "files")
    app.extensions["pdf"] = PdfRenderer(CHECKOUT / "static")
    app.extensions["payments"] = Payments(
        api_key=settings.stripe_key,
        webhook_secret=settings.stripe_webhook_secret,
        connect_secret=settings.stripe_connect_secret,
        base_url=settings.stripe_base,
    )
    if settings.mode is Mode.PRODUCTION:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=1, x_proto=1)  # type: ignore[method-assign]
    _areas(app)
    _pages(app)
    _errors(app)
    return app


def _is_no_row(record: logging.LogRecord) -> bool:
    """At DEBUG the engine would log every row it reads, sealed columns already opened. `hide_parameters` hides none."""
    return record.levelno > logging.DEBUG


def _limits_store(settings: Settings) -> str:
    url = settings.redis_url
    return url.replace("unix://", "redis+unix://", 1) if url.startswith("unix://") else url


def _templates(app: Flask) -> None:
    app.jinja_loader = ChoiceLoader(
        [
            FileSystemLoader(CHECKOUT / "templates"),
            PrefixLoader(
                {
                    "govuk_frontend_jinja": PackageLoader("govuk_frontend_jinja"),
                    "govuk_frontend_wtf": PackageLoader("govuk_frontend_wtf"),
                }
            ),
        ]
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    WTFormsHelpers(app)


def _email(settings: Settings) -> EmailAdapter:
    if settings.email == "smtp":
        return Smtp.from_url(settings.smtp_url, sender=settings.email_sender)
    if settings.email == "notify":
        return GovukNotify(settings.notify_key, settings.notify_template)
    return FilesOnDisk(settings.home / "letters", sender=settings.email_sender)


def _areas(app: Flask) -> None:
    """Import every area; take its blueprint and what it says waits for people."""

    @app.before_request
    def name_route_for_log() -> None:
        # The access log shows the route's pattern, because a path may carry a one-time link.
        request.environ["marketplace.route"] = str(request.url_rule or "(no such page)")

    app.before_request(access.closed_by_default)
    providers: list[Provider] = []
    for area in AREAS:
        for part in ("models", "queries", "views"):
            name = f"{area}.{part}"
            if not _is_there(name):
                continue
            module = import_module(name)
            if part == "views":
                app.register_blueprint(module.bp)
            if part == "queries" and hasattr(module, "waiting"):
                providers.append(module.waiting)
    app.extensions["waiting"] = providers


def _is_there(name: str) -> bool:
    base = CHECKOUT / name.replace(".", "/")
    return base.with_suffix(".py").exists() or (base / "__init__.py").exists()


def _pages(app: Flask) -> None:
    @app.get("/")
    @audience(PUBLIC)
    def front() -> str:
        return render_template("marketplace/front.html")

    @app.get("/home")
    @audience(SIGNED_IN)
    def home() -> str:
        actor, now = acting(), clock.now()
        items: list[Waiting] = []
        for provider in app.extensions["waiting"]:
            items.extend(provider(actor, now))
        items.sort(key=lambda item: (item.runs_out_at is None, item.runs_out_at or now))
        return render_template("marketplace/home.html", items=items)

    @app.get("/help")
    @audience(PUBLIC)
    def help_page() -> str:
        return render_template("marketplace/help.html")

    @app.get("/health")
    @audience(PUBLIC)
    def health() -> tuple[dict[str, str], int]:
        answers = {"database": "up", "queue": "up"}
        try:
            db.session.execute(db.text("SELECT 1"))
        except OperationalError:
            answers["database"] = "down"
        try:
            app.extensions["redis"].ping()
        except redis.exceptions.RedisError:
            answers["queue"] = "down"
        return answers, 200 if answers["database"] == "up" else 503


def _errors(app: Flask) -> None:
    log = logging.getLogger("marketplace")

    def page(status: int, heading: str, words: str) -> tuple[str, int]:
        return render_template("marketplace/error.html", heading=heading, words=words), status

    @app.errorhandler(Refused)
    def refused(error: Refused) -> tuple[str, int]:
        db.session.rollback()
        headings = {403: "You cannot do this", 404: "Page not found"}
        return page(error.status, headings.get(error.status, "This could not be done"), error.words)

    @app.errorhandler(DataError)
    def beyond_columns(error: DataError) -> tuple[str, int]:
        """A key, date or text that no column can hold: nothing has it, and nothing can be kept under it."""
        db.session.rollback()
        log.warning("A value that no column can hold, in %s", request.endpoint)
        if request.method in ("GET", "HEAD"):
            return page(404, "Page not found", "If you typed the web address, check it is correct.")
        words = "Something in what you sent is too large, or holds characters that cannot be kept. Go back, check it."
        return page(422, "This could not be done", words)

    @app.errorhandler(CSRFError)
    def csrf_error(error: CSRFError) -> tuple[str, int]:
        return page(
            400, "Try again", "This page was open for a long time, or in another window. Go back and try again."
        )

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> tuple[str, int] | Response:
        known = {
            403: ("You cannot see this page", "Your role does not include it. If it should, ask your administrator."),
            404: ("Page not found", "If you typed the web address, check it is correct."),
            405: ("Page not found", "If you typed the web address, check it is correct."),
            413: ("Too much at once", "What you sent is larger than this service takes. Shorten it and try again."),
            429: ("Too many attempts", "Wait a few minutes and try again."),
        }
        code = error.code or 500
        if code < 400:
            return Response(error.get_response(request.environ).get_data(), status=code)
        return page(code, *known.get(code, ("This could not be done", "Go back and try again.")))

    @app.errorhandler(Exception)
    def failed(error: Exception) -> tuple[str, int]:
        db.session.rollback()
        # The kind of error and where; never its text, which may repeat what a person typed.
        trace = error.__traceback__
        while trace is not None and trace.tb_next is not None:
            trace = trace.tb_next
        where = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else "?"
        log.error("%s at %s in %s", type(error).__name__, where, request.endpoint)
        if app.testing or app.debug:
            raise error
        return page(
            500,
            "Sorry, there is a problem with the service",
            "Try again later. What you had saved before is kept.",
        )
