"""Rules for when mail is sent, and when mail that could not be sent is tried again."""

from datetime import datetime, timedelta

CLAIM_LASTS = timedelta(minutes=5)
"""How long a worker has to send a message that it took. After that, the message is due again for any worker."""
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=2)
MAX_MAIL_ATTEMPTS = 19
"""Maximum number of attempts to send a message. With the pauses between them, the last attempt is a day after the first."""
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
    """Whether a message is due if its next attempt was set to `next_try`.

    No pause is longer than two hours. If `next_try` is further ahead, a clock was wrong, and the message is due.
    """
    return next_try <= now or next_try - now > LONGEST_PAUSE


def mail_worker_seems_stopped(*, untried_since: datetime | None, now: datetime) -> bool:
    """Whether the worker seems to have stopped. `untried_since` says when the oldest untried message was written."""
    return untried_since is not None and now - untried_since > WORKER_SILENCE_LIMIT
