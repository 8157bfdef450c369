"""E-mail by each of the three ways, and which failures are worth another try."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from marketplace.adapters.email import (
    FilesOnDisk,
    GovukNotify,
    Message,
    PermanentFailure,
    SendingFailed,
    Smtp,
    TemporaryFailure,
)

LETTER = Message(
    to="bid.manager@supplier.example",
    subject="Your bid – received £",
    body="Hello\n\nYour receipt is at https://x.example/" + "a" * 120,
    reference="bid-7:receipt",
)


def parsed(content: bytes) -> Any:
    return message_from_bytes(content, policy=default)


# Files on disk


def test_a_message_becomes_one_file_that_a_mail_reader_opens(tmp_path: Path) -> None:
    FilesOnDisk(tmp_path / "mail", sender="market@place.example").send(LETTER)
    files = list((tmp_path / "mail").iterdir())
    assert len(files) == 1
    assert files[0].suffix == ".eml"
    email = parsed(files[0].read_bytes())
    assert (email["To"], email["Subject"], email["From"]) == (LETTER.to, LETTER.subject, "market@place.example")
    assert email.get_content().strip() == LETTER.body
    assert LETTER.body in files[0].read_text()  # also for who opens it with anything else
    assert files[0].stat().st_mode & 0o077 == 0


def test_the_same_reference_is_written_once(tmp_path: Path) -> None:
    mail = FilesOnDisk(tmp_path)
    mail.send(LETTER)
    mail.send(Message(LETTER.to, "Other", "Other", LETTER.reference))
    mail.send(Message(LETTER.to, "Third", "Third", "bid-7/receipt"))  # reads alike once cleaned, and is another
    assert sorted(parsed(path.read_bytes())["Subject"] for path in tmp_path.iterdir()) == ["Third", LETTER.subject]


def test_no_reference_points_outside_the_folder(tmp_path: Path) -> None:
    mail = FilesOnDisk(tmp_path / "mail")
    mail.send(Message(LETTER.to, "s", "b", "../../escape"))
    assert [path.parent for path in tmp_path.rglob("*.eml")] == [tmp_path / "mail"]


def test_a_folder_that_cannot_be_written_is_a_temporary_failure(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file stands in the way")
    with pytest.raises(TemporaryFailure):
        FilesOnDisk(tmp_path / "mail").send(LETTER)


@pytest.mark.parametrize(
    "wrong",
    [
        {"to": "a@b.example, c@d.example"},
        {"to": "a@b.example\nBcc: c@d.example"},
        {"to": "nobody"},
        {"subject": "Hello\nBcc: c@d.example"},
    ],
)
def test_nobody_smuggles_in_a_header_or_a_second_address(tmp_path: Path, wrong: dict[str, str]) -> None:
    message = Message(**{"to": LETTER.to, "subject": "s", "body": "b", "reference": "r", **wrong})
    with pytest.raises(PermanentFailure):
        FilesOnDisk(tmp_path).send(message)
    assert list(tmp_path.iterdir()) == []


# SMTP


@dataclass
class Server:
    """A mail server of a few lines: answers as told, keeps what it takes."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    took: list[bytes] = field(default_factory=list)


@pytest.fixture
def server() -> Iterator[Server]:
    """The mail server on loopback."""
    state = Server()

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            for line in self.rfile:
                verb = line.split()[0].decode().upper()
                answer = state.answers.get(verb, {"DATA": "354 go on", "QUIT": "221 bye"}.get(verb, "250 ok"))
                self.wfile.write(f"{answer}\r\n".encode())
                if verb == "QUIT":
                    return
                if verb == "DATA" and answer.startswith("354"):
                    body = b""
                    while not body.endswith(b"\r\n.\r\n"):
                        body += self.rfile.readline()
                    state.took.append(body)
                    self.wfile.write(b"250 taken\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as tcp:
        state.port = tcp.server_address[1]
        thread = threading.Thread(target=tcp.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield state
        tcp.shutdown()
        thread.join()


def smtp(server: Server, **more: Any) -> Smtp:
    return Smtp(**{"host": "127.0.0.1", "port": server.port, "sender": "m@p.example", "starttls": False, **more})


def test_the_mail_server_gets_the_message_under_an_identity_of_its_reference(server: Server) -> None:
    for _ in range(2):
        smtp(server).send(LETTER)
    first, again = (parsed(content) for content in server.took)
    assert first["Subject"] == LETTER.subject
    assert LETTER.body in first.get_content().replace("\r\n", "\n")
    assert first["Message-ID"] == again["Message-ID"]


def test_a_clumsy_farewell_does_not_send_the_message_again(server: Server) -> None:
    server.answers["QUIT"] = "451 what"
    smtp(server).send(LETTER)
    assert len(server.took) == 1


@pytest.mark.parametrize(
    ("verb", "answer", "expected"),
    [
        ("RCPT", "550 no such person", PermanentFailure),
        ("RCPT", "451 later", TemporaryFailure),
        ("DATA", "554 no", PermanentFailure),
        ("MAIL", "421 busy", TemporaryFailure),
    ],
)
def test_the_servers_word_decides_whether_to_try_again(
    server: Server, verb: str, answer: str, expected: type[SendingFailed]
) -> None:
    server.answers[verb] = answer
    with pytest.raises(expected):
        smtp(server).send(LETTER)


def test_wrong_settings_are_not_the_messages_fault(server: Server) -> None:
    server.answers |= {"EHLO": "250-here\r\n250 AUTH PLAIN", "AUTH": "535 wrong"}
    with pytest.raises(TemporaryFailure):
        smtp(server, user="u", password="p").send(LETTER)
    with pytest.raises(TemporaryFailure):
        smtp(server, starttls=True).send(LETTER)  # this server knows no TLS: nothing is sent in the clear
    with pytest.raises(TemporaryFailure):
        smtp(server, port=9).send(LETTER)
    assert server.took == []


def test_no_password_goes_out_without_tls() -> None:
    with pytest.raises(ValueError, match="without TLS"):
        Smtp(host="mail.example", user="u", password="p", sender="m@p.example", starttls=False)


def test_smtp_from_an_address() -> None:
    mail = Smtp.from_url("smtp://user%40x:p%3Aw@mail.example:2525", sender="m@p.example")
    assert (mail._host, mail._port, mail._user, mail._password, mail._starttls) == (
        "mail.example",
        2525,
        "user@x",
        "p:w",
        True,
    )
    with pytest.raises(ValueError, match="SMTP_URL"):
        Smtp.from_url("mail.example", sender="m@p.example")


# GOV.UK Notify


@dataclass
class Notify:
    """Answers as GOV.UK Notify does, as far as we ask."""

    url: str = ""
    status: int = 201
    took: list[dict[str, Any]] = field(default_factory=list)

    def __call__(self, environ: Any, start: Any) -> Any:
        request = Request(environ)
        if request.method == "GET":
            wanted = request.args["reference"]
            found = [{"id": "n"} for each in self.took if each["reference"] == wanted]
            answer = Response(json.dumps({"notifications": found, "links": {}}), mimetype="application/json")
        elif self.status == 201:
            self.took.append(json.loads(request.get_data()))
            answer = Response(json.dumps({"id": "n"}), status=201, mimetype="application/json")
        else:
            body = {"status_code": self.status, "errors": [{"error": "BadRequestError", "message": "no"}]}
            answer = Response(json.dumps(body), status=self.status, mimetype="application/json")
        return answer(environ, start)


@pytest.fixture
def notify() -> Iterator[Notify]:
    """Notify on loopback."""
    state = Notify()
    http = make_server("127.0.0.1", 0, state, threaded=True)
    state.url = f"http://127.0.0.1:{http.server_port}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def govuk(url: str) -> GovukNotify:
    key = "test-" + "-".join(["12345678-1234-1234-1234-123456789012"] * 2)
    return GovukNotify(api_key=key, template_id="t-1", base_url=url)


def test_notify_fills_one_template_and_is_not_asked_twice(notify: Notify) -> None:
    for _ in range(2):
        govuk(notify.url).send(LETTER)
    assert notify.took == [
        {
            "email_address": LETTER.to,
            "template_id": "t-1",
            "personalisation": {"subject": LETTER.subject, "body": LETTER.body},
            "reference": LETTER.reference,
        }
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [(400, PermanentFailure), (403, TemporaryFailure), (429, TemporaryFailure), (500, TemporaryFailure)],
)
def test_notifys_answer_decides_whether_to_try_again(
    notify: Notify, status: int, expected: type[SendingFailed]
) -> None:
    notify.status = status
    with pytest.raises(expected) as failure:
        govuk(notify.url).send(LETTER)
    assert LETTER.body not in str(failure.value)


def test_notify_away_is_a_temporary_failure() -> None:
    with pytest.raises(TemporaryFailure):
        govuk("http://127.0.0.1:9").send(LETTER)
