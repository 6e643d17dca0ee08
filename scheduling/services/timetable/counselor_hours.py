"""The hours in which counselors see people one to one: stated, changed, taken out. What was arranged in them stays."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import ClassVar

from django.db import transaction
from django.db.models import Q

from accounts.audit import record
from accounts.models import Action, User
from scheduling.models import CounselorHours, Site
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.rosters import lock_site
from scheduling.services.sessions.slots import check_opening_hours
from timekeeping.reasons import EndDateBeforeStart, Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class HoursEndFirst(Reason):
    """Hours lie within one day, and end after they start."""

    code: ClassVar[str] = "hours_end_first"
    starts: time
    ends: time


@dataclass(frozen=True, slots=True)
class HoursOverlap(Reason):
    """Other hours of the same person have some of these; `site` is where."""

    code: ClassVar[str] = "hours_stated_already"
    weekday: int
    starts: time
    ends: time
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CounselorHoursValues:
    """Hours as they were stated; dates are half-open, None is open."""

    weekday: int
    starts: time
    ends: time
    valid_from: date | None = None
    valid_until: date | None = None


@transaction.atomic
def add_counselor_hours(
    *, site: Site, user: User, values: CounselorHoursValues, by: User | None, now: datetime
) -> CounselorHours:
    """Raises Refused for hours that end before they start, lie outside the site's or have some that were stated already."""
    hours = CounselorHours(site=site, user=user)
    _write(hours, values)
    record(hours, by=by, action=Action.CREATED, at=now)
    return hours


@transaction.atomic
def change_counselor_hours(
    *, hours: CounselorHours, values: CounselorHoursValues, by: User | None, now: datetime
) -> CounselorHours:
    """Raises Refused as `state_hours` does."""
    _write(hours, values)
    record(hours, by=by, action=Action.CHANGED, at=now)
    return hours


@transaction.atomic
def remove_counselor_hours(*, hours: CounselorHours, by: User, now: datetime) -> None:
    """Nothing more is proposed in them."""
    lock_site(hours.site_id)
    record(hours, by=by, action=Action.DELETED, at=now)
    hours.delete()


def _write(hours: CounselorHours, values: CounselorHoursValues) -> None:
    lock_site(hours.site_id)
    refuse_if_any(_check_hours(hours, values))
    for name in ("weekday", "starts", "ends", "valid_from", "valid_until"):
        setattr(hours, name, getattr(values, name))
    with translate_integrity_errors():
        hours.save()


def _check_hours(hours: CounselorHours, values: CounselorHoursValues) -> Iterator[Reason]:
    first, until = values.valid_from, values.valid_until
    if first is not None and until is not None and until <= first:
        yield EndDateBeforeStart(first, until - timedelta(days=1))
    if values.starts >= values.ends:
        yield HoursEndFirst(values.starts, values.ends)
        return
    yield from check_opening_hours(values.starts, values.ends, hours.site)
    others = CounselorHours.objects.filter(
        user=hours.user, weekday=values.weekday, starts__lt=values.ends, ends__gt=values.starts
    ).exclude(pk=hours.pk)
    if first is not None:
        others = others.open_on_or_after(first)
    if until is not None:
        others = others.filter(Q(valid_from=None) | Q(valid_from__lt=until))
    for other in others.select_related("site"):
        yield HoursOverlap(other.weekday, other.starts, other.ends, other.site.name)
