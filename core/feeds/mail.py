"""A digest as an e-mail: the message, made from values alone, and handing it to an SMTP server.

Equal digests give equal messages: date and Message-ID are the mailing's, so a mail that is sent twice is seen once by
programs that know duplicates.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import getaddresses
from hashlib import sha256
from typing import Literal

from core.errors import ArxivFeedsError, BadConfig
from core.feeds.digest import Digest, render_plain_digest, say_title
from core.feeds.digest_page import render_digest_mail
from core.mailings import mailing_moment
from core.profiles import say_count

Security = Literal["starttls", "tls", "none"]

PORTS: dict[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
_SECONDS = 30.0  # for each answer of the server

_POLICY = SMTP.clone(cte_type="7bit")  # no server has to know 8BITMIME
_MAILBOX = re.compile(r"[!#-'*+/-9=?A-Z^-~-]+(?:\.[!#-'*+/-9=?A-Z^-~-]+)*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")


class MailNotSent(ArxivFeedsError):
    """The server could not be reached, or did not take the mail; the message says what to look at."""

    def __init__(self, server: str, reason: str) -> None:
        super().__init__(f"The digest could not be mailed by {server}: {reason}")
        self.server = server
        self.reason = reason


@dataclass(frozen=True, slots=True)
class MailSettings:
    """Which server sends, from whom and to whom; without `user` nobody signs in."""

    host: str
    port: int
    security: Security
    sender: Address
    recipients: tuple[Address, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def server(self) -> str:
        return f"{self.host}:{self.port}"


def build_mail_settings(
    *,
    host: str | None,
    port: int | None,
    security: Security,
    user: str | None,
    password: str | None,
    sender: str | None,
    recipients: str | None,
) -> MailSettings:
    """The settings of the environment, checked. Raises BadConfig naming the variable and what is expected."""
    if not host:
        raise BadConfig("environment variable SMTP_HOST: the mail server's name is needed to send a digest")
    if bool(user) != bool(password):
        missing = "SMTP_PASSWORD" if user else "SMTP_USER"
        raise BadConfig(f"environment variable {missing}: user and password are needed both, or neither")
    if not f"{user or ''}{password or ''}".isascii():
        raise BadConfig("environment variable SMTP_PASSWORD: smtplib knows ASCII only, in user and password")
    (first, *others) = _parse_addresses("MAIL_FROM", sender)
    if others:
        raise BadConfig("environment variable MAIL_FROM: one address is expected")
    return MailSettings(
        host=host.strip(),
        port=port or PORTS[security],
        security=security,
        sender=first,
        recipients=_parse_addresses("MAIL_TO", recipients),
        user=user or None,
        password=password or None,
    )


def _parse_addresses(name: str, text: str | None) -> tuple[Address, ...]:
    expected = "addresses such as Ada <ada@example.org> are expected, several joined by commas"
    text = (text or "").strip().strip(",").strip()  # a pasted one often ends in a newline
    if not text.isprintable() or not text:
        raise BadConfig(f"environment variable {name}: {expected}")
    pairs = getaddresses([text])
    for _, mailbox in pairs:
        if not _MAILBOX.fullmatch(mailbox):
            raise BadConfig(f"environment variable {name}: {expected}; a domain with other letters as xn--…")
    return tuple(Address(display_name=shown, addr_spec=mailbox) for shown, mailbox in pairs)


def build_message(digest: Digest, settings: MailSettings) -> EmailMessage:
    """*digest* as a message with a plain text, which is its Markdown, and the same as HTML."""
    title = say_title(digest)
    identity = sha256(title.encode()).hexdigest()[:16]
    message = EmailMessage(policy=_POLICY)
    message["From"] = settings.sender
    message["To"] = settings.recipients
    message["Subject"] = f"{title}: {_outcome(digest)}"
    message["Date"] = mailing_moment(digest.day)
    message["Message-ID"] = f"<{digest.day}.{identity}.arxiv-feeds@{settings.sender.domain}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no automatic answers, please
    message.set_content(render_plain_digest(digest))
    message.add_alternative(render_digest_mail(digest), subtype="html")
    # By default it is random. Neither encoding of the parts has "=_" in it (RFC 2045 6.7).
    message.set_boundary(f"=_{identity}")
    return message


def _outcome(digest: Digest) -> str:
    return "no mailing" if digest.silence else say_count(len(digest.items), "paper")


def send(message: EmailMessage, settings: MailSettings, *, context: ssl.SSLContext | None = None) -> None:
    """Hand *message* to the server. Raises MailNotSent.

    Certificates are checked, by *context* where one is given. Where TLS is asked for and not to be had, nothing is
    sent, neither password nor mail. Where only some recipients are refused, the others have got it.
    """
    with _translating(settings), _connect(settings, context or ssl.create_default_context()) as server:
        if settings.user and settings.password:
            server.login(settings.user, settings.password)
        refused = server.send_message(
            message, settings.sender.addr_spec, [recipient.addr_spec for recipient in settings.recipients]
        )
    if refused:
        told = "; ".join(f"{recipient} ({_said(*answer)})" for recipient, answer in sorted(refused.items()))
        raise MailNotSent(settings.server, f"it was sent, but not to {told}; see MAIL_TO")


@contextmanager
def _connect(settings: MailSettings, context: ssl.SSLContext) -> Iterator[smtplib.SMTP]:
    if settings.security == "tls":
        server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=_SECONDS, context=context)
    else:
        server = smtplib.SMTP(settings.host, settings.port, timeout=_SECONDS)
    with server:
        if settings.security == "starttls":
            server.starttls(context=context)
        yield server


@contextmanager
def _translating(settings: MailSettings) -> Iterator[None]:
    """What smtplib raises as MailNotSent; its errors are OSErrors, so the order matters."""
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        reason = f"it refused user or password ({_said(error.smtp_code, error.smtp_error)}); see SMTP_USER"
        raise MailNotSent(settings.server, reason) from error
    except smtplib.SMTPRecipientsRefused as error:
        told = "; ".join(f"{recipient} ({_said(*answer)})" for recipient, answer in sorted(error.recipients.items()))
        raise MailNotSent(settings.server, f"it refused every recipient: {told}; see MAIL_TO") from error
    except smtplib.SMTPSenderRefused as error:
        told = _said(error.smtp_code, error.smtp_error)
        raise MailNotSent(settings.server, f"it refused the sender {error.sender} ({told}); see MAIL_FROM") from error
    except smtplib.SMTPResponseException as error:
        raise MailNotSent(settings.server, f"it said {_said(error.smtp_code, error.smtp_error)}") from error
    except smtplib.SMTPNotSupportedError as error:
        raise MailNotSent(settings.server, f"{error}; see SMTP_SECURITY and SMTP_USER") from error
    except ssl.SSLError as error:
        raise MailNotSent(settings.server, f"no secure connection ({error.reason}); see SMTP_SECURITY") from error
    except smtplib.SMTPException as error:
        raise MailNotSent(settings.server, f"{error}; see SMTP_PORT and SMTP_SECURITY") from error
    except (OSError, UnicodeError) as error:  # UnicodeError of a name that is no host's
        reason = f"it cannot be reached ({getattr(error, 'strerror', None) or error}); see SMTP_HOST and SMTP_PORT"
        raise MailNotSent(settings.server, reason) from error


def _said(code: int, answer: bytes | str) -> str:
    """An answer of the server on one line, at most 200 characters of it."""
    text = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    return f"{code} {' '.join(text.split())}"[:200]
