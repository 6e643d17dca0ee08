"""Rules for when mail is sent, and when mail that could not be sent is tried again."""

from datetime import datetime, timedelta

CLAIM_LASTS = timedelta(minutes=5)
"""A worker that takes a message has this long to send it. If it was killed meanwhile, the message is then due again."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)
MAX_MAIL_ATTEMPTS = 19
"""Attempts at one message. With the pauses between them, the last attempt is a day after the first."""
WORKER_SILENCE_LIMIT = timedelta(minutes=5)
"""If a message has waited this long for its first attempt, the worker must have stopped."""


def pause_after(attempt: int) -> timedelta | None:
    """Return the pause after the failed attempt with this number, or None if the mail is given up.

    Attempts are numbered from 1. The pause doubles from one minute to two hours. These are product rules.
    """
    if attempt >= MAX_MAIL_ATTEMPTS:
        return None
    return FIRST_PAUSE * 2 ** (attempt - 1) if attempt < 8 else LONGEST_PAUSE


def is_mail_due(next_try: datetime, now: datetime) -> bool:
    """Whether a message is due whose next attempt was set to `next_try`.

    No pause is longer than two hours. A later time was written by a clock that was ahead, so the message is due.
    """
    return next_try <= now or next_try - now > LONGEST_PAUSE


def mail_worker_seems_stopped(*, untried_since: datetime | None, now: datetime) -> bool:
    """Whether the worker seems to have stopped. `untried_since` is the age of the oldest message without an attempt."""
    return untried_since is not None and now - untried_since > WORKER_SILENCE_LIMIT
