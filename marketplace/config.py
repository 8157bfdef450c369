"""Settings, read from the environment once; an unsafe production is refused."""

from __future__ import annotations

import base64
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent


class Mode(StrEnum):
    """What this installation is for."""

    DEMONSTRATION = "demonstration"
    PRODUCTION = "production"
    TEST = "test"


class UnsafeSettings(Exception):
    """The settings would make an unsafe installation. The message says which, and what to do."""


@dataclass(frozen=True)
class Settings:
    """Every setting of one installation. Secrets never show in its repr."""

    mode: Mode
    home: Path
    port: int
    database_url: str
    redis_url: str
    public_url: str
    keys: Keys
    email: str  # "disk", "smtp" or "notify"
    email_sender: str
    smtp_url: str
    notify_key: str
    notify_template: str
    stripe_key: str
    stripe_base: str  # empty: Stripe itself
    stripe_webhook_secret: str
    stripe_connect_secret: str  # signs what happens to suppliers' accounts; empty: the same one

    @property
    def is_demonstration(self) -> bool:
        """Whether invented people may be listed on the sign-in page and demonstration data loaded."""
        return self.mode is Mode.DEMONSTRATION

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] | None = None) -> Settings:
        """Read the settings. Raises UnsafeSettings, naming all that is wrong at once."""
        env = os.environ if environment is None else environment
        mode = Mode(env.get("MARKETPLACE_MODE", Mode.DEMONSTRATION.value))
        home = Path(env.get("MARKETPLACE_HOME") or CHECKOUT / "var").absolute()
        port = int(env.get("PORT", "5000"))
        stripe_key = env.get("STRIPE_API_KEY", "")
        keys = Keys.from_environment(env, home, mode)
        settings = cls(
            mode=mode,
            home=home,
            port=port,
            database_url=_with_driver(env.get("DATABASE_URL", "")),
            redis_url=env.get("REDIS_URL", ""),
            public_url=env.get("PUBLIC_URL", f"http://127.0.0.1:{port}").rstrip("/"),
            keys=keys,
            email=env.get("EMAIL", "disk"),
            email_sender=env.get("EMAIL_SENDER", "marketplace@localhost"),
            smtp_url=env.get("SMTP_URL", ""),
            notify_key=env.get("NOTIFY_API_KEY", ""),
            notify_template=env.get("NOTIFY_TEMPLATE", ""),
            stripe_key=stripe_key or keys.stub_payments,
            stripe_base="" if stripe_key else env.get("STUB_PAYMENTS_URL", f"http://127.0.0.1:{port + 1}"),
            stripe_webhook_secret=env.get("STRIPE_WEBHOOK_SECRET") or keys.stub_webhook,
            stripe_connect_secret=env.get("STRIPE_CONNECT_WEBHOOK_SECRET", ""),
        )
        settings._refuse_unsafe(env)
        return settings

    def _refuse_unsafe(self, env: Mapping[str, str]) -> None:
        wrong = []
        if not self.database_url:
            wrong.append("DATABASE_URL is not set (script/run and the marketplace command set it for local servers)")
        if not self.redis_url:
            wrong.append("REDIS_URL is not set (script/run and the marketplace command set it for local servers)")
        if self.mode is Mode.PRODUCTION:
            required = ("SECRET_KEY", "SEALING_KEY", "STRIPE_API_KEY", "STRIPE_WEBHOOK_SECRET")
            wrong += [f"{name} must be set in production" for name in required if not env.get(name)]
            if not self.public_url.startswith("https://"):
                wrong.append("PUBLIC_URL must begin with https:// in production")
            if self.email == "disk":
                wrong.append("EMAIL must be smtp or notify in production: 'disk' sends nothing")
        if wrong:
            raise UnsafeSettings("; ".join(wrong))


@dataclass(frozen=True, repr=False)
class Keys:
    """The secrets of one installation."""

    secret: str
    sealing: bytes
    stub_payments: str
    stub_webhook: str

    @classmethod
    def from_environment(cls, env: Mapping[str, str], home: Path, mode: Mode) -> Keys:
        """From the environment in production; elsewhere made once and kept in the installation's home, mode 0600."""

        def key(name: str) -> str:
            if value := env.get(name):
                return value
            return "" if mode is Mode.PRODUCTION else _kept(home / "keys" / name.lower())

        sealing = key("SEALING_KEY")
        try:
            sealing_bytes = base64.urlsafe_b64decode(sealing) if sealing else b""
        except ValueError as error:
            raise UnsafeSettings("SEALING_KEY is not base64") from error
        if sealing and len(sealing_bytes) != 32:
            raise UnsafeSettings("SEALING_KEY must be 32 bytes in URL-safe base64")
        return cls(key("SECRET_KEY"), sealing_bytes, key("STUB_PAYMENTS_KEY"), key("STUB_WEBHOOK_SECRET"))


def _kept(path: Path) -> str:
    """A random key, made on first use. Two processes starting at once settle on one: the file is linked whole."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        fresh.touch(mode=0o600)
        fresh.write_text(base64.urlsafe_b64encode(secrets.token_bytes(32)).decode())
        try:
            os.link(fresh, path)
        except FileExistsError:
            pass
        finally:
            fresh.unlink()
    return path.read_text().strip()


def _with_driver(url: str) -> str:
    """The same address naming psycopg 3, the driver we use."""
    for short in ("postgres://", "postgresql://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url
