"""Tracks: create them, change them, and publish them if they follow the hours rule."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.db.models import QuerySet

from accounts.audit import record
from accounts.models import Action, User
from scheduling.domain.hours.rules import Verdict, WeeklyMeeting, assess_track
from scheduling.models import CohortStart, EntryMode, Site, Track, TrackStatus
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.locks import lock_site
from scheduling.services.rulebook import RuleBook
from scheduling.services.timetable.hours_check import refuse_rule_violations
from scheduling.services.timetable.values import TrackValues
from timekeeping.reasons import Reason, refuse_if_any

TRACK_FIELDS = ("code", "name", "population", "individual_minutes", "entry", "level", "from_age", "to_age")
"""The fields of TrackValues that are columns in the table of tracks."""


@dataclass(frozen=True, slots=True)
class CohortWithoutStartDates(Reason):
    """Patients can join the track only on its start dates, but the track has none."""


@dataclass(frozen=True, slots=True)
class AgesOutOfOrder(Reason):
    """The track's maximum age is below its minimum age."""


@dataclass(frozen=True, slots=True)
class TrackCodeTaken(Reason):
    """Another track of the site already has this code."""

    site: str
    taken_code: str


def check_start_dates(entry: str, cohort_starts: Collection[date]) -> Iterator[Reason]:
    """Yield CohortWithoutStartDates if patients can join only on start dates but there are none."""
    if entry == EntryMode.COHORT and not cohort_starts:
        yield CohortWithoutStartDates()


def check_ages(from_age: int | None, to_age: int | None) -> Iterator[Reason]:
    """Yield AgesOutOfOrder if the maximum age is below the minimum age. Ages are in years; None means no limit."""
    if from_age is not None and to_age is not None and to_age < from_age:
        yield AgesOutOfOrder()


def _check_track(track: Track, values: TrackValues) -> Iterator[Reason]:
    if Track.objects.filter(site=track.site, code=values.code).exclude(pk=track.pk).exists():
        yield TrackCodeTaken(str(track.site), values.code)
    yield from check_start_dates(values.entry, values.cohort_starts)
    yield from check_ages(values.from_age, values.to_age)


def with_meetings(tracks: QuerySet[Track]) -> QuerySet[Track]:
    """Prefetch what `track_verdict` reads: meetings with their service types and facilitators."""
    return tracks.prefetch_related("meetings__service_type", "meetings__meeting_facilitators")


def track_verdict(*, track: Track, on: date, book: RuleBook, candidates: Sequence[WeeklyMeeting] = ()) -> Verdict:
    """Assess the track's weekly hours as of the day `on`.

    The verdict covers the track's meetings that run on that day. If none of them runs, the verdict covers all meetings
    that start later. `candidates` are always included. A candidate replaces the track's meeting with the same key.
    Reads prefetched meetings.
    """
    keys = {each.key for each in candidates}
    meetings = [each.as_weekly_meeting() for each in track.meetings.all()]
    not_over = [each for each in meetings if each.key not in keys and each.runs_on_or_after(on)]
    running = [each for each in not_over if each.runs_from is None or each.runs_from <= on]
    counted = [*(running or not_over), *candidates]
    return assess_track(counted, book.on(on), individual_minutes=track.individual_minutes)


@transaction.atomic
def create_track(*, site: Site, values: TrackValues, by: User | None, now: datetime) -> Track:
    """Create a draft track. `publish_track` later checks its hours and creates its sessions.

    Raises Refused if another track of the site has the same code, or if the maximum age is below the minimum age. Also
    raises Refused if patients can join only on start dates, but there are no start dates.
    """
    track = Track(site=site)
    refuse_if_any(_check_track(track, values))
    _write_track(track, values)
    record(track, by=by, action=Action.CREATED, at=now)
    return track


@transaction.atomic
def change_track(
    *, track: Track, values: TrackValues, by: User | None, now: datetime, defer_checks: bool = False
) -> Track:
    """Change the track's own fields and its start dates.

    With `defer_checks`, the caller checks the hours rule after making further changes. Raises Refused as `create_track`
    does, and if a published track would break the hours rule.
    """
    track = _lock_track(track)
    refuse_if_any(_check_track(track, values))
    _write_track(track, values)
    if not defer_checks and track.status == TrackStatus.PUBLISHED:
        refuse_rule_violations([track], track.site.today_at(now))
    record(track, by=by, action=Action.CHANGED, at=now)
    return track


@transaction.atomic
def publish_track(*, track: Track, by: User | None, now: datetime) -> Track:
    """Publish the track and create its sessions up to the horizon.

    Raises Refused, with all reasons, if the track would break the hours rule today or at a later time.
    """
    track = _lock_track(track)
    today = track.site.today_at(now)
    refuse_rule_violations([track], today)
    track.status, track.published_at = TrackStatus.PUBLISHED, track.published_at or now
    track.save(update_fields=["status", "published_at"])
    extend_horizon(site=track.site, now=now)
    record(track, by=by, action=Action.PUBLISHED, at=now)
    return track


@transaction.atomic
def check_tracks_and_extend_horizon(*, tracks: Iterable[Track], site: Site, now: datetime) -> None:
    """For each published track in `tracks`, check the hours rule and create the missing sessions.

    Call this after saving meetings. `tracks` must include the meetings' previous tracks as well as their current ones.
    Raises Refused if a published track breaks the rule. This rolls back everything that was saved.
    """
    published = Track.objects.filter(pk__in={track.pk for track in tracks}, status=TrackStatus.PUBLISHED)
    if published:
        today = site.today_at(now)
        refuse_rule_violations(published.select_related("site"), today)
        extend_horizon(site=site, now=now)


def _lock_track(track: Track) -> Track:
    lock_site(track.site_id)
    return Track.objects.select_for_update(of=("self",), no_key=True).select_related("site").get(pk=track.pk)


def _write_track(track: Track, values: TrackValues) -> None:
    for name in TRACK_FIELDS:
        setattr(track, name, getattr(values, name))
    track.save()
    wanted = set(values.cohort_starts)
    track.cohort_starts.exclude(on__in=wanted).delete()
    known = set(track.cohort_starts.values_list("on", flat=True))
    CohortStart.objects.bulk_create(CohortStart(track=track, on=on) for on in sorted(wanted - known))
