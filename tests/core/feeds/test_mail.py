"""A digest as an e-mail: what the message is, and what becomes of it at a real SMTP server on this machine."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from threading import Thread
from typing import Any

import pytest
import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from core.errors import BadConfig
from core.feeds.digest import Digest, render_plain_digest
from core.feeds.digest_page import render_digest_mail
from core.feeds.mail import MailNotSent, MailSettings, build_mail_settings, build_message, send
from tests.builders import item, paper
from tests.core.feeds.test_digest import DAY_AFTER, HOSTILE, digest, everywhere, summarised, summary

USER, PASSWORD = "reader", "sesame"


def settings(**changes: Any) -> MailSettings:
    values: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": 25,
        "security": "none",
        "sender": Address("arXiv", addr_spec="feeds@example.org"),
        "recipients": (Address(addr_spec="ada@example.org"), Address("Émilie", addr_spec="emilie@example.net")),
    }
    return MailSettings(**(values | changes))


def chinese() -> Digest:
    told = summary(("主要贡献", "误差为 $x_1 \\le 10^{-3}$。" * 50), tldr="一句话。")
    return digest(summarised(told, paper=paper(title="Schrödinger’s Kernel")), title="arXiv: 量子, cs.LG")


def reread(message: EmailMessage) -> EmailMessage:
    """*message* as whoever gets it reads it."""
    return message_from_bytes(message.as_bytes(), policy=policy.default)


def text_in(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n")


# --- The message


def test_a_message_has_the_digest_as_text_and_as_html() -> None:
    message = reread(build_message(chinese(), settings()))
    assert message.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert text_in(message, "plain") == render_plain_digest(chinese())
    assert "<details>" not in text_in(message, "plain")
    assert text_in(message, "html") == render_digest_mail(chinese())


def test_its_head_is_of_the_mailing() -> None:
    message = reread(build_message(chinese(), settings()))
    head = {name: str(message[name]) for name in ("From", "To", "Subject", "Date", "Auto-Submitted")}
    assert head == {
        "From": "arXiv <feeds@example.org>",
        "To": "ada@example.org, Émilie <emilie@example.net>",
        "Subject": "arXiv: 量子, cs.LG · Thursday, 5 March 2026: 1 paper",
        "Date": "Thu, 05 Mar 2026 05:00:00 +0000",
        "Auto-Submitted": "auto-generated",
    }
    assert message["Date"].datetime == datetime(2026, 3, 5, 5, tzinfo=UTC)
    assert str(message["Message-ID"]).startswith("<2026-03-05.")
    assert str(message["Message-ID"]).endswith(".arxiv-feeds@example.org>")


@pytest.mark.parametrize(
    ("one", "subject"),
    [
        (digest(item(), item()), "5 March 2026: 2 papers"),
        (digest(items=()), "5 March 2026: 0 papers"),
        (digest(items=(), day=DAY_AFTER, silence="Thanksgiving."), "27 November 2026: no mailing"),
    ],
)
def test_the_subject_says_what_there_is(one: Digest, subject: str) -> None:
    assert str(build_message(one, settings())["Subject"]).endswith(subject)


def test_equal_digests_give_equal_bytes() -> None:
    assert build_message(chinese(), settings()).as_bytes() == build_message(chinese(), settings()).as_bytes()


def test_a_mailing_has_one_message_id_whatever_comes_later_and_each_mailing_and_feed_its_own() -> None:
    one, later, next_day, other = (
        str(build_message(told, settings())["Message-ID"])
        for told in (digest(), digest(summarised(summary())), digest(day=DAY_AFTER), digest(title="arXiv: cs.CL"))
    )
    assert (one == later, len({one, next_day, other})) == (True, 3)


def test_every_line_is_short_and_ascii_so_that_any_server_takes_it() -> None:
    lines = build_message(chinese(), settings()).as_bytes().split(b"\r\n")
    assert (max(map(len, lines)) <= 998, b"".join(lines).isascii()) == (True, True)


@pytest.mark.parametrize("text", [*HOSTILE, "x\r\nBcc: eve@evil.example\r\n\r\nBody", "x\nBcc: eve@evil.example"])
def test_no_text_adds_a_header(text: str) -> None:
    message = reread(build_message(everywhere(text), settings()))
    assert set(message.keys()) == {
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type"
    }  # fmt: skip
    assert message.defects == []


# --- The settings


def environment(**changes: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "host": " mail.example.org ",
        "port": None,
        "security": "starttls",
        "user": None,
        "password": None,
        "sender": "arXiv feeds <feeds@example.org>",
        "recipients": 'ada@example.org, "Du Châtelet, É." <emilie@example.net>',
    }
    return values | changes


def test_settings_of_the_environment() -> None:
    built = build_mail_settings(**environment(user=USER, password=PASSWORD))
    assert built == MailSettings(
        host="mail.example.org",
        port=587,
        security="starttls",
        sender=Address("arXiv feeds", addr_spec="feeds@example.org"),
        recipients=(
            Address(addr_spec="ada@example.org"),
            Address("Du Châtelet, É.", addr_spec="emilie@example.net"),
        ),
        user=USER,
        password=PASSWORD,
    )
    assert PASSWORD not in repr(built)


@pytest.mark.parametrize(("security", "port"), [("starttls", 587), ("tls", 465), ("none", 25)])
def test_the_usual_port_follows_from_the_security(security: str, port: int) -> None:
    assert build_mail_settings(**environment(security=security)).port == port


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"host": None}, "SMTP_HOST"),
        ({"user": "x"}, "SMTP_PASSWORD"),
        ({"password": "x"}, "SMTP_USER"),
        ({"user": "x", "password": "pässword"}, "SMTP_PASSWORD"),
        ({"sender": None}, "MAIL_FROM"),
        ({"sender": " "}, "MAIL_FROM"),
        ({"sender": "nobody"}, "MAIL_FROM"),
        ({"sender": "a@x.org, b@x.org"}, "MAIL_FROM: one address"),
        ({"sender": "a@x.org\r\nBcc: eve@evil.example"}, "MAIL_FROM"),
        ({"recipients": ""}, "MAIL_TO"),
        ({"recipients": "a@x.org; b@x.org"}, "MAIL_TO"),
        ({"recipients": "é@x.org"}, "MAIL_TO"),
        ({"recipients": "a@müller.example"}, "MAIL_TO: .* xn--"),
    ],
)
def test_a_mistake_in_the_settings_names_the_variable(changes: dict[str, Any], told: str) -> None:
    with pytest.raises(BadConfig, match=f"environment variable {told}"):
        build_mail_settings(**environment(**changes))


# --- The server


@dataclass
class Post:
    """A mail server's handler: keeps what it gets, refuses whom it is told to, and lets USER in with PASSWORD."""

    refused: frozenset[str] = frozenset()
    envelopes: list[Envelope] = field(default_factory=list)
    signed_in: list[bool] = field(default_factory=list)

    async def handle_RCPT(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802 - the library's name
        if address in self.refused:
            return "550 5.1.1 No such\tmailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_MAIL(self, _: SMTP, __: Session, envelope: Envelope, address: str, ___: list[str]) -> str:  # noqa: N802
        if address in self.refused:
            return "553 5.7.1 Not yours"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(self, _: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if "DATA" in self.refused:
            return "552 5.3.4 Too big"
        self.envelopes.append(envelope)
        self.signed_in.append(bool(session.authenticated))
        return "250 OK"

    @staticmethod
    def authenticate(_: SMTP, __: Session, ___: Envelope, ____: str, data: Any) -> AuthResult:  # Any: the library's
        is_right = data == LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=is_right, handled=is_right)


Serve = Callable[..., MailSettings]  # a handler and options of aiosmtpd -> settings that lead to the server


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(post: Post, *, implicit: ssl.SSLContext | None = None, **options: Any) -> MailSettings:
            return settings(port=stack.enter_context(_serving(post, implicit, options)))

        yield start


@contextmanager
def _serving(post: Post, implicit: ssl.SSLContext | None, options: dict[str, Any]) -> Iterator[int]:
    """The port of a server that runs in a thread."""
    listening = socket.create_server(("127.0.0.1", 0))
    loop = asyncio.new_event_loop()

    def build() -> SMTP:
        return SMTP(post, hostname="mail.example.org", authenticator=post.authenticate, loop=loop, **options)

    server = loop.run_until_complete(loop.create_server(build, sock=listening, ssl=implicit))
    thread = Thread(target=loop.run_forever)
    thread.start()
    try:
        yield listening.getsockname()[1]
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.run_until_complete(_close(server))
        loop.close()


async def _close(server: asyncio.Server) -> None:
    server.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def certified(authority: trustme.CA) -> ssl.SSLContext:
    """The server's side of TLS, for 127.0.0.1."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    return context


@pytest.fixture
def trusting(authority: trustme.CA) -> ssl.SSLContext:
    """Our side of TLS, which trusts nobody but *authority*."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def test_a_mail_arrives_as_it_was_built(serve: Serve) -> None:
    post = Post()
    where = serve(post)
    message = build_message(chinese(), where)
    send(message, where)
    (envelope,) = post.envelopes
    assert (envelope.mail_from, envelope.rcpt_tos) == ("feeds@example.org", ["ada@example.org", "emilie@example.net"])
    assert envelope.content == message.as_bytes()
    got = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert text_in(got, "plain") == render_plain_digest(chinese())


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_user_and_password_go_over_tls(
    serve: Serve, certified: ssl.SSLContext, trusting: ssl.SSLContext, security: str
) -> None:
    post = Post()
    options: dict[str, Any] = {"auth_required": True, "auth_require_tls": security == "starttls"}
    if security == "tls":
        where = serve(post, implicit=certified, auth_require_tls=False)
    else:
        where = serve(post, tls_context=certified, require_starttls=True, **options)
    where = replace(where, security=security, user=USER, password=PASSWORD)  # type: ignore[arg-type]  # one of Security
    send(build_message(digest(), where), where, context=trusting)
    assert post.signed_in == [True]


def test_a_wrong_password_is_told_without_repeating_it(
    serve: Serve, certified: ssl.SSLContext, trusting: ssl.SSLContext
) -> None:
    post = Post()
    where = replace(
        serve(post, tls_context=certified, auth_required=True), security="starttls", user=USER, password="not-that-one"
    )
    with pytest.raises(MailNotSent, match=r"it refused user or password \(535 .*\); see SMTP_USER") as caught:
        send(build_message(digest(), where), where, context=trusting)
    assert ("not-that-one" in str(caught.value), post.envelopes) == (False, [])


def test_a_server_without_starttls_gets_neither_password_nor_mail(serve: Serve) -> None:
    post = Post()
    where = replace(serve(post, auth_require_tls=False), security="starttls", user=USER, password=PASSWORD)
    with pytest.raises(MailNotSent, match=r"STARTTLS extension not supported by server.*see SMTP_SECURITY"):
        send(build_message(digest(), where), where)
    assert (post.envelopes, post.signed_in) == ([], [])


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_that_nobody_vouches_for_gets_nothing(
    serve: Serve, certified: ssl.SSLContext, security: str
) -> None:
    post = Post()
    options = {"implicit": certified} if security == "tls" else {"tls_context": certified}
    where = replace(serve(post, **options), security=security)  # type: ignore[arg-type]  # one of Security
    with pytest.raises(MailNotSent, match=r"no secure connection \(CERTIFICATE_VERIFY_FAILED\); see SMTP_SECURITY"):
        send(build_message(digest(), where), where, context=ssl.create_default_context())
    assert post.envelopes == []


def test_a_password_for_a_server_that_asks_for_none_is_an_error(serve: Serve) -> None:
    where = replace(serve(Post()), user=USER, password=PASSWORD)
    with pytest.raises(MailNotSent, match=r"AUTH extension not supported by server.*see SMTP_SECURITY and SMTP_USER"):
        send(build_message(digest(), where), where)


@pytest.mark.parametrize(
    ("refused", "told", "delivered"),
    [
        ({"ada@example.org"}, r"sent, but not to ada@example.org \(550 5.1.1 No such mailbox\); see MAIL_TO", 1),
        (
            {"ada@example.org", "emilie@example.net"},
            r"refused every recipient: ada@example.org \(550 .*\); emilie@example.net \(550 .*\); see MAIL_TO",
            0,
        ),
        ({"feeds@example.org"}, r"refused the sender feeds@example.org \(553 5.7.1 Not yours\); see MAIL_FROM", 0),
        ({"DATA"}, "it said 552 5.3.4 Too big", 0),
    ],
    ids=["a recipient", "all recipients", "the sender", "the mail"],
)
def test_a_refusal_is_told_in_the_server_s_words(serve: Serve, refused: set[str], told: str, delivered: int) -> None:
    post = Post(frozenset(refused))
    where = serve(post)
    with pytest.raises(MailNotSent, match=f"could not be mailed by 127.0.0.1:{where.port}: it .*{told}|{told}"):
        send(build_message(digest(), where), where)
    assert len(post.envelopes) == delivered


@contextmanager
def _answering(answer: bytes) -> Iterator[int]:
    """The port of something that says *answer* to whoever comes, and hangs up."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def run() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.sendall(answer)

        thread = Thread(target=run)
        thread.start()
        yield listening.getsockname()[1]
        thread.join()


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (b"", "Connection unexpectedly closed"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "it said -1"),
        (b"554 5.7.1 Go away\r\n", "it said 554 5.7.1 Go away"),
    ],
    ids=["silence", "HTTP", "refusal"],
)
def test_something_that_is_no_mail_server_is_told(answer: bytes, told: str) -> None:
    with _answering(answer) as port:
        where = settings(port=port)
        with pytest.raises(MailNotSent, match=told):
            send(build_message(digest(), where), where)


def test_a_server_that_is_not_there_is_told() -> None:
    told = r"it cannot be reached \(Connection refused\); see SMTP_HOST and SMTP_PORT"
    with socket.socket() as bound:  # so that nobody else listens there
        bound.bind(("127.0.0.1", 0))
        where = settings(port=bound.getsockname()[1])
        with pytest.raises(MailNotSent, match=told):
            send(build_message(digest(), where), where)


def test_a_name_that_no_host_can_have_is_told() -> None:
    where = settings(host="a..b")
    with pytest.raises(MailNotSent, match="it cannot be reached"):
        send(build_message(digest(), where), where)
