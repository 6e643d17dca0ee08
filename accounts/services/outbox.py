"""The outbox. Sending mail only stores it, in the transaction of the sender. The background worker delivers it later.

A request never waits for the mail server, and its response does not depend on whether the server works. A message can
be sent twice: if a worker is killed after the server has accepted a message, but before the row is deleted, the message
is sent again, with the same Message-ID.

The text of a message can contain a link or a code that lets its reader in. Therefore it is stored encrypted.
"""

import json
import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from email.utils import format_datetime, parseaddr

from django.core.mail import EmailMessage, EmailMultiAlternatives, mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.message import make_msgid
from django.db import transaction
from django.db.models import F, Q
from django.tasks import TaskResultStatus, task
from django_tasks_db.models import DBTaskResult

from accounts.domain.mail_schedule import CLAIM_LASTS, MAX_MAIL_ATTEMPTS, pause_after
from accounts.models import OutgoingMail
from accounts.models.outgoing_mail import GIVEN_UP_KEPT_FOR
from accounts.services.sealed_text import seal, unseal
from iopmanager import clock

logger = logging.getLogger(__name__)

TASKS_KEPT_FOR = timedelta(days=1)
NOBODY = 0
"""Id of a made-up user. Mail for an address that no user has is written to this user, and never sent."""
SEALED = "sealed"
LISTS_OF_ADDRESSES = ("to", "cc", "bcc", "reply_to")


class OutboxBackend(BaseEmailBackend):
    """Django's default mailer: it puts messages into the outbox, in the transaction of its caller."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Put the messages into the outbox, and return their number."""
        for message in email_messages:
            put_in_outbox(message=message, now=clock.now())
        return len(email_messages)


@transaction.atomic
def put_in_outbox(*, message: EmailMessage, now: datetime, is_dropped: bool = False) -> OutgoingMail:
    """Store the message, and tell the worker to send it.

    With `is_dropped`, the message is stored in the same way but never sent. Raises ValueError for attachments.
    """
    mail = OutgoingMail.objects.create(
        content=_as_content(message, now), created_at=now, next_try=now, is_dropped=is_dropped
    )
    send_outgoing_mail.enqueue(mail.pk)
    return mail


def _as_content(message: EmailMessage, now: datetime) -> dict[str, object]:
    """Return the message as JSON values. Its date and Message-ID are included, so all attempts to send it share them."""
    if message.attachments:
        raise ValueError("mail with attachments can't be stored")
    message.message()  # raises an error for forbidden headers here, where the sender sees it
    host = parseaddr(str(message.from_email))[1].rpartition("@")[2] or "localhost"
    text = {
        "body": str(message.body),
        "alternatives": [[str(content), mimetype] for content, mimetype in getattr(message, "alternatives", [])],
    }
    return {
        "subject": str(message.subject),
        SEALED: seal(json.dumps(text)),
        "subtype": message.content_subtype,
        "from_email": str(message.from_email),
        **{name: [str(address) for address in getattr(message, name)] for name in LISTS_OF_ADDRESSES},
        "headers": {
            "Message-ID": make_msgid(domain=host),
            "Date": format_datetime(now),
            **{name: str(value) for name, value in message.extra_headers.items()},
        },
    }


def _as_message(content: dict[str, object]) -> EmailMultiAlternatives:
    """Return the message. Raises CannotUnseal if its text was encrypted with a key that this server does not have."""
    fields = {name: value for name, value in content.items() if name not in ("subtype", SEALED)}
    if SEALED in content:  # earlier versions stored the text as it is
        fields |= json.loads(unseal(str(content[SEALED])))
    message = EmailMultiAlternatives(**fields)  # type: ignore[arg-type]
    message.content_subtype = str(content["subtype"])
    return message


@task(backend="background")
def send_outgoing_mail(mail_id: int) -> None:
    """Send the message, if it is due and no other worker is sending it.

    Errors are caught, because the queue would otherwise store their texts, which can name the address.
    """
    try:
        deliver_mail(mail_id=mail_id, now=clock.now)
    except Exception as error:
        logger.error("message %s could not be handled: %s", mail_id, type(error).__name__)


def deliver_mail(*, mail_id: int, now: Callable[[], datetime]) -> None:
    """Send the message and delete it. If the mail server fails, put the message back until its next attempt.

    Do nothing if the message is not due, for example because another worker is sending it.
    """
    mail = _claim_mail(mail_id, now())
    if mail is None:
        return
    if not mail.is_dropped:
        try:
            mailers["server"].send_messages([_as_message(mail.content)])
        except Exception as error:
            logger.warning("message %d, attempt %d: %s", mail.pk, mail.attempts, type(error).__name__)
            _put_back(mail, now())
            return
    mail.delete()


def _claim_mail(mail_id: int, now: datetime) -> OutgoingMail | None:
    """Claim the message for this worker, for the time CLAIM_LASTS, and return it.

    Return None if the message is not due, if another worker claims it first, or if no attempts are left.
    """
    mail = OutgoingMail.objects.due(now).filter(pk=mail_id).first()
    if mail is None:
        return None
    if mail.attempts >= MAX_MAIL_ATTEMPTS:  # the worker was killed during the last attempt
        _put_back(mail, now)
        return None
    unchanged = OutgoingMail.objects.filter(pk=mail.pk, attempts=mail.attempts, next_try=mail.next_try)
    if not unchanged.update(attempts=F("attempts") + 1, next_try=now + CLAIM_LASTS):
        return None
    mail.attempts += 1
    return mail


def _put_back(mail: OutgoingMail, now: datetime) -> None:
    """After a failed attempt, set the time of the next one, or give the message up and delete its content."""
    pause = pause_after(mail.attempts)
    mine = OutgoingMail.objects.filter(pk=mail.pk, attempts=mail.attempts)
    if pause is not None:
        mine.update(next_try=now + pause)
    else:
        mine.update(next_try=None, given_up_at=now, content={})
        logger.error("message %d was given up after %d attempts", mail.pk, mail.attempts)


def queue_due_mail(*, now: datetime) -> int:
    """Tell the worker to send each message that is due and for which no task waits. Return the number of messages.

    This replaces tasks that were lost with a killed worker, and starts each new attempt after a failure.
    """
    waiting = DBTaskResult.objects.filter(status=TaskResultStatus.READY, task_path=send_outgoing_mail.module_path)
    queued = {arguments["args"][0] for arguments in waiting.values_list("args_kwargs", flat=True)}
    due = [pk for pk in OutgoingMail.objects.due(now).values_list("pk", flat=True) if pk not in queued]
    for pk in due:
        send_outgoing_mail.enqueue(pk)
    return len(due)


def delete_old_tasks(*, now: datetime) -> int:
    """Delete tasks that are over a day old, except waiting ones, and mail that was given up over a month ago.

    Return how many tasks and messages were deleted.
    """
    recent = Q(enqueued_at__gt=now - TASKS_KEPT_FOR, enqueued_at__lt=now + TASKS_KEPT_FOR)
    tasks = DBTaskResult.objects.exclude(status=TaskResultStatus.READY).exclude(recent)
    mail = OutgoingMail.objects.filter(given_up_at__lt=now - GIVEN_UP_KEPT_FOR)
    return tasks.delete()[0] + mail.delete()[0]
