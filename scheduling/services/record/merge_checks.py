"""The reasons against a merge of two records of one person."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef

from patients.models import (
    CalendarState,
    CommitmentProposal,
    Delegate,
    Episode,
    ImportedCalendar,
    Patient,
    ProposalState,
)
from scheduling.models import Booking, Site
from timekeeping.reasons import Reason


@dataclass(frozen=True, slots=True)
class CareOverlaps(Reason):
    """Both records have an episode of care on the same days. The episodes begin on `one` and on `other`."""

    one: date
    other: date


@dataclass(frozen=True, slots=True)
class BookedTwice(Reason):
    """Both records are booked at the same time. `session` is one of the two sessions."""

    session: str
    on: date


@dataclass(frozen=True, slots=True)
class TwoSignIns(Reason):
    """Both records have a sign-in that works."""


@dataclass(frozen=True, slots=True)
class TwoCalendars(Reason):
    """Both records have a saved calendar of the same kind, or both have one of the same kind that waits for review."""

    calendar: str


@dataclass(frozen=True, slots=True)
class SharedTwice(Reason):
    """Both records share the schedule with the same person."""

    name: str


@dataclass(frozen=True, slots=True)
class SharedWithOwnSignIn(Reason):
    """One record shares its schedule with the sign-in of the other record."""

    name: str


@dataclass(frozen=True, slots=True)
class RecordInOtherZone(Reason):
    """The record has current commitments or open requests, in the time of a site in another time zone."""

    code_of_record: str
    site: str
    times: int


def site_after_merge(kept: Patient, absorbed: Patient) -> Site:
    """Return the site of the merged record: where the person is in care, or else the kept record's site."""
    in_care = [each for each in _episodes(kept, absorbed) if each.ends is None]
    return in_care[0].site if in_care else kept.site


def reasons_against_merge(kept: Patient, absorbed: Patient, site: Site, today: date) -> Iterable[Reason]:
    """Yield the reasons why the absorbed record can't become part of the kept record. `site` is the site afterward.

    Double bookings are reported only if no episodes overlap.
    """
    overlapping = list(_overlapping_care(kept, absorbed))
    yield from overlapping or _double_bookings(kept, absorbed)
    if all(each.user is not None and each.user.is_active for each in (kept, absorbed)):
        yield TwoSignIns()
    yield from _calendars_of_one_kind(kept, absorbed)
    yield from _sharing(kept, absorbed)
    for record in (kept, absorbed):
        if record.site.time_zone != site.time_zone:
            times = record.commitments.in_force_from(today).count()
            times += CommitmentProposal.objects.filter(patient=record, state=ProposalState.WAITING).count()
            if times:
                yield RecordInOtherZone(record.code, record.site.name, times)


def _episodes(*records: Patient) -> list[Episode]:
    return list(Episode.objects.filter(patient__in=records).select_related("site").order_by("starts", "pk"))


def _overlapping_care(kept: Patient, absorbed: Patient) -> Iterable[Reason]:
    episodes = _episodes(kept, absorbed)
    for number, one in enumerate(episodes):
        for other in episodes[number + 1 :]:
            if one.patient_id != other.patient_id and (one.ends is None or other.starts < one.ends):
                yield CareOverlaps(one.starts, other.starts)


def _double_bookings(kept: Patient, absorbed: Patient) -> Iterable[Reason]:
    """Yield a reason for each session of the absorbed record at the time of a session of the kept record.

    Bookings are on days of their episodes. So without overlapping episodes, this happens only if the dates of an episode
    were changed without its bookings.
    """
    same_time = (
        Booking.objects.active().of_patient(kept.pk).filter(starts__lt=OuterRef("ends"), ends__gt=OuterRef("starts"))
    )
    booked = Booking.objects.active().of_patient(absorbed.pk).filter(Exists(same_time))
    for booking in booked.select_related("session").order_by("starts"):
        yield BookedTwice(booking.session.name, booking.session.on)


def _calendars_of_one_kind(kept: Patient, absorbed: Patient) -> Iterable[Reason]:
    decided = ImportedCalendar.objects.filter(state__in=[CalendarState.WAITING, CalendarState.KEPT])
    of_kept = set(decided.filter(patient=kept).values_list("kind", "state"))
    for calendar in decided.filter(patient=absorbed):
        if (calendar.kind, calendar.state) in of_kept:
            yield TwoCalendars(calendar.label)


def _sharing(kept: Patient, absorbed: Patient) -> Iterable[Reason]:
    delegates = Delegate.objects.open().filter(patient__in=[kept, absorbed]).select_related("user")
    shared_by: dict[int, int] = {}
    for delegate in delegates:
        if shared_by.setdefault(delegate.user_id, delegate.patient_id) != delegate.patient_id:
            yield SharedTwice(str(delegate.user))
        if delegate.user_id in {kept.user_id, absorbed.user_id}:
            yield SharedWithOwnSignIn(str(delegate.user))
