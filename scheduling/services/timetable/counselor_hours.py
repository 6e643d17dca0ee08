"""Weekly hours in which counselors see patients individually. Changes do not affect sessions already arranged."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from scheduling.models import CounselorHours, Site
from scheduling.services.integrity import translate_integrity_errors
from scheduling.services.locks import lock_site
from scheduling.services.sessions.slots import EndTimeBeforeStart, check_opening_hours
from timekeeping.reasons import EndDateBeforeStart, Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class HoursOverlap(Reason):
    """The counselor already has overlapping hours at the site named `site`."""

    weekday: int
    starts: time
    ends: time
    site: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CounselorHoursValues:
    """Hours as entered, in the site's local time. They are valid in [valid_from, valid_until); None means no limit."""

    weekday: int
    starts: time
    ends: time
    valid_from: date | None = None
    valid_until: date | None = None


def counselors_managed_by(user: User, site: Site) -> QuerySet[User]:
    """Return the site's clinicians whose hours the user may enter: all of them, only the user, or none."""
    clinicians = User.objects.clinicians_at(site.pk)
    if user.may(Permission.MANAGE_TIMETABLE, site.pk):
        return clinicians
    return clinicians.filter(pk=user.pk) if user.may(Permission.KEEP_OWN_HOURS, site.pk) else clinicians.none()


@transaction.atomic
def add_counselor_hours(
    *, site: Site, user: User, values: CounselorHoursValues, by: User | None, now: datetime
) -> CounselorHours:
    """Add weekly hours in which the counselor sees patients at the site.

    Raises Refused if the hours end before they start, are outside the site's opening hours, or overlap other hours of
    the counselor. Raises ValueError if the user is not a clinician at the site.
    """
    if not User.objects.clinicians_at(site.pk).filter(pk=user.pk).exists():
        raise ValueError(f"{user} is not a clinician at {site}")
    hours = CounselorHours(site=site, user=user)
    _write(hours, values)
    record(hours, by=by, action=Action.CREATED, at=now)
    return hours


@transaction.atomic
def change_counselor_hours(
    *, hours: CounselorHours, values: CounselorHoursValues, by: User | None, now: datetime
) -> CounselorHours:
    """Change weekly hours of a counselor. Raises Refused as `add_counselor_hours` does."""
    _write(hours, values)
    record(hours, by=by, action=Action.CHANGED, at=now)
    return hours


@transaction.atomic
def remove_counselor_hours(*, hours: CounselorHours, by: User, now: datetime) -> None:
    """Remove weekly hours of a counselor. No new individual sessions are proposed in these hours."""
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
        yield EndTimeBeforeStart(values.starts, values.ends)
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
