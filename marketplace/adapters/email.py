"""E-mail leaves here: to files on disk, by SMTP, or through GOV.UK Notify.

Every adapter has one method, `send`. It returns when the message has been handed over, and otherwise raises
TemporaryFailure (try again later) or PermanentFailure (trying again cannot help). `Message.reference` is the
sender's own name for the message; where the carrier lets us, a second sending of one reference is not made.
No error text repeats a body, because bodies may hold one-time links.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import smtplib
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from notifications_python_client.errors import APIError
from notifications_python_client.notifications import NotificationsAPIClient


@dataclass(frozen=True)
class Message:
    """One plain-text message to one person."""

    to: str
    subject: str
    body: str
    reference: str


class SendingFailed(Exception):
    """The message was not handed over."""


class TemporaryFailure(SendingFailed):
    """It may go later: the carrier is away, busy, or out of order, or our own settings for it are wrong."""


class PermanentFailure(SendingFailed):
    """It will never go as it is: the address or the message itself is refused."""


class EmailAdapter(Protocol):
    """What the outbox needs of a carrier."""

    def send(self, message: Message) -> None:
        """Hand the message over, or raise TemporaryFailure or PermanentFailure."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _as_email(message: Message, *, sender: str, now: datetime, encoding: str | None = None) -> EmailMessage:
    """The message in its wire form. Its identity follows from the reference, so a second copy is recognisable."""
    address = parseaddr(message.to)[1]
    if not re.fullmatch(r"[^@\s<>,;\"]+@[^@\s<>,;\"]+", message.to) or address != message.to:
        raise PermanentFailure("The address is not a single e-mail address")
    identity = hashlib.sha256(message.reference.encode()).hexdigest()[:32]
    domain = parseaddr(sender)[1].rpartition("@")[2] or "localhost"
    email = EmailMessage()
    try:
        email["From"] = sender
        email["To"] = message.to
        email["Subject"] = message.subject
        email["Date"] = format_datetime(now)
        email["Message-ID"] = f"<{identity}@{domain}>"
        # Answers from holiday robots would only come back to a mailbox that nobody reads.
        email["Auto-Submitted"] = "auto-generated"
        email.set_content(message.body, cte=encoding)
    except ValueError as error:  # a line break in a header is the mark of somebody trying to add headers
        raise PermanentFailure("The subject or the sender cannot stand in an e-mail header") from error
    return email


class FilesOnDisk:
    """One .eml file per message in a folder: the default, for demonstration and development. Nothing is sent."""

    def __init__(
        self, folder: Path, *, sender: str = "marketplace@localhost", clock: Callable[[], datetime] = _utc_now
    ) -> None:
        self.folder = folder
        self._sender = sender
        self._clock = clock

    def path(self, reference: str) -> Path:
        """Where the message with this reference stands. No reference can point outside the folder."""
        readable = re.sub(r"[^A-Za-z0-9_-]+", "-", reference).strip("-")[:60]
        return self.folder / f"{readable}.{hashlib.sha256(reference.encode()).hexdigest()[:12]}.eml"

    def send(self, message: Message) -> None:
        """Write the file, whole and once: the same reference again changes nothing."""
        # Eight bits and whole lines: whoever opens the file can copy the links in it.
        content = bytes(_as_email(message, sender=self._sender, now=self._clock(), encoding="8bit"))
        final = self.path(message.reference)
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            if final.exists():
                return
            fresh = self.folder / f".{secrets.token_hex(8)}.part"
            try:
                with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                os.link(fresh, final)
            except FileExistsError:
                return  # another worker wrote it between our look and our link
            finally:
                fresh.unlink(missing_ok=True)
        except OSError as error:
            raise TemporaryFailure(f"The e-mail folder cannot be written: {error.strerror}") from error


class Smtp:
    """A mail server. SMTP knows no idempotency: a retry after a lost answer may deliver twice, with one Message-ID."""

    def __init__(
        self,
        *,
        host: str,
        port: int = 587,
        user: str = "",
        password: str = "",
        sender: str,
        starttls: bool = True,
        timeout: float = 20.0,
        clock: Callable[[], datetime] = _utc_now,
    ) -> None:
        if user and not starttls and host not in ("localhost", "127.0.0.1", "::1"):
            raise ValueError("A password is never sent to a mail server without TLS")
        self._host, self._port = host, port
        self._user, self._password = user, password
        self._sender, self._starttls, self._timeout, self._clock = sender, starttls, timeout, clock

    @classmethod
    def from_url(cls, url: str, *, sender: str) -> Smtp:
        """From smtp://user:password@host:port; TLS is on unless the address ends in ?starttls=no."""
        parts = urlsplit(url)
        if parts.scheme != "smtp" or not parts.hostname:
            raise ValueError("SMTP_URL must look like smtp://user:password@host:587")
        return cls(
            host=parts.hostname,
            port=parts.port or 587,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            sender=sender,
            starttls=parts.query != "starttls=no",
        )

    def send(self, message: Message) -> None:
        """Hand the message to the server."""
        email = _as_email(message, sender=self._sender, now=self._clock())
        try:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout)
            try:
                if self._starttls:
                    server.starttls(context=ssl.create_default_context())
                if self._user:
                    server.login(self._user, self._password)
                server.send_message(email)
            finally:
                # The message is taken once the server has said so: a clumsy farewell must not send it again.
                with suppress(smtplib.SMTPException, OSError):
                    server.quit()
        except smtplib.SMTPAuthenticationError as error:
            # Nothing is wrong with the message: it goes once somebody has mended the settings.
            raise TemporaryFailure("The mail server refused our user or password") from error
        except smtplib.SMTPRecipientsRefused as error:
            code = max(code for code, _ in error.recipients.values())
            raise _by_code(code, "The mail server refused the address") from error
        except smtplib.SMTPResponseException as error:
            raise _by_code(error.smtp_code, "The mail server refused the message") from error
        except (smtplib.SMTPException, OSError) as error:
            raise TemporaryFailure(f"The mail server could not be used: {type(error).__name__}") from error


def _by_code(code: int, words: str) -> SendingFailed:
    """RFC 5321 4.2.1: a reply of 500 and above is for good, of 400 to 499 for now."""
    kind = PermanentFailure if code >= 500 else TemporaryFailure
    return kind(f"{words} ({code})")


class GovukNotify:
    """GOV.UK Notify, with one template whose subject is ((subject)) and whose body is ((body))."""

    def __init__(
        self,
        api_key: str,
        template_id: str,
        *,
        base_url: str = "https://api.notifications.service.gov.uk",
        timeout: int = 20,
    ) -> None:
        self._api_key, self._template_id = api_key, template_id
        self._base_url, self._timeout = base_url, timeout

    def send(self, message: Message) -> None:
        """Hand the message over, unless Notify has one of this reference: it takes the same one twice."""
        # The client is not thread-safe (its own docstring), so each sending makes one.
        client: Any = NotificationsAPIClient(  # type: ignore[no-untyped-call]
            self._api_key, base_url=self._base_url, timeout=self._timeout
        )
        try:
            if client.get_all_notifications(reference=message.reference)["notifications"]:
                return
            client.send_email_notification(
                email_address=message.to,
                template_id=self._template_id,
                personalisation={"subject": message.subject, "body": message.body},
                reference=message.reference,
            )
        except APIError as error:
            status = error.status_code
            # 401 and 403 speak of our key, 408 and 429 of the moment: none of them of the message.
            if status in (401, 403, 408, 429) or status >= 500:
                raise TemporaryFailure(f"GOV.UK Notify could not be used ({status})") from error
            raise PermanentFailure(f"GOV.UK Notify refused the message ({status})") from error
        except (KeyError, TypeError) as error:
            raise TemporaryFailure("GOV.UK Notify answered with something that is not its answer") from error
