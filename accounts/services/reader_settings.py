"""What users set for themselves: the language and the clock of the pages that they read."""

from datetime import datetime

from django.db import models, transaction

from accounts.audit import record
from accounts.models import Action, User


@transaction.atomic
def choose_reader_settings(*, user: User, language: str, hour_clock: str, by: User, now: datetime) -> None:
    """Save the language and the clock of the pages that the user reads.

    `language` is a language code, or blank to follow the browser. `hour_clock` is an `HourClock` value, or blank to
    follow the site. Values other than these are refused by the forms.
    """
    change_user(user.pk, about=user, by=by, now=now, language=language, hour_clock=hour_clock)


def change_user(user_id: int, *, about: models.Model, by: User, now: datetime, **values: str) -> None:
    """Save the given values of a user. If this changes the user, write one audit event about the record `about`.

    Call this in a transaction.
    """
    user = User.objects.select_for_update().get(pk=user_id)
    changed = [field for field, value in values.items() if getattr(user, field) != value]
    if not changed:
        return
    for field in changed:
        setattr(user, field, values[field])
    user.save(update_fields=changed)
    names = [_PLAIN_NAMES[field] for field in changed]
    record(about, by=by, action=Action.CHANGED, at=now, detail=f"{' and '.join(names)} of the pages")


_PLAIN_NAMES = {"language": "language", "hour_clock": "clock"}
