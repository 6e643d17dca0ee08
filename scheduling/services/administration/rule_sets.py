"""Weekly-hours rules of a site: set new rules from a day on, and withdraw rules.

Weeks in which patients were in sessions keep the rules that were in force then.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Prefetch

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Episode, LevelOfCareSpan
from scheduling.domain.hours.rules import HoursRules
from scheduling.models import Booking, RuleSet, Session, SessionStatus, Site, Track, TrackStatus
from scheduling.services.administration.versions import refuse_other_version
from scheduling.services.batches import in_batches
from scheduling.services.bookings.after_booking import run_after_booking
from scheduling.services.locks import lock_sessions, lock_site
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.rulebook import RuleBook
from scheduling.services.sessions.slots import countable_minutes
from scheduling.services.timetable.tracks import track_verdict, with_meetings
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class RulesForThePast(Reason):
    """Patients were in a session on the day `held`, which the rules would cover. The rules can start on `earliest`."""

    held: date
    earliest: date


@dataclass(frozen=True, slots=True)
class RulesStartMidWeek(Reason):
    """The rules would not start on the weekday `week_starts`, on which their weeks begin."""

    starts: date
    week_starts: int


@dataclass(frozen=True, slots=True)
class HoursOutOfOrder(Reason):
    """The minimum hours a week are more than the maximum."""


@dataclass(frozen=True, slots=True)
class DaysOutOfOrder(Reason):
    """The minimum days a week are more than the maximum."""


@dataclass(frozen=True, slots=True)
class LastRules(Reason):
    """The site would be left without rules that hold for all levels of care."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSetValues:
    """The values that a user enters for new rules. `level` is one level of care, or "" for all levels.

    `week_starts` counts only in rules for all levels. Rules for one level have the weeks of the site.
    """

    level: str
    starts: date
    minimum_minutes: int
    maximum_minutes: int
    minimum_days: int
    maximum_days: int
    minimum_minutes_per_day: int
    breaks_count: bool
    week_starts: int


@dataclass(frozen=True, slots=True)
class TrackOutsideRules:
    """A published track that would break the rules, with the reasons."""

    track: Track
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class RulesEffect:
    """The published tracks that would break the rules, and the numbers of patients outside the rules.

    `below` and `above` count patients whose prescribed minutes are below the minimum or above the maximum.
    """

    tracks: tuple[TrackOutsideRules, ...]
    below: int
    above: int


def rules_of(site: Site) -> list[RuleSet]:
    """Return all rules of the site, past ones included, in the order in which they were added."""
    return list(RuleSet.objects.filter(site=site).order_by("pk"))


def rules_scope(site: Site, starts: date, now: datetime) -> SnapshotScope:
    """Return the scope to preview when rules change: from the first day of the rules or today, whichever is earlier."""
    return SnapshotScope(site, min(starts, site.today_at(now)))


@transaction.atomic
def set_rules(*, site: Site, values: RuleSetValues, seen: str, by: User, now: datetime) -> RuleSet:
    """Set the rules of a site from a day on, and return them. Rules with the same level and first day are replaced.

    The minutes that count in later sessions, and the treatment weeks of their bookings, follow the new rules. `seen` is
    the version of all rules of the site that the user saw.

    Raises Refused if somebody else has changed the rules since then, if patients were in a session on that day or later,
    if the rules don't start on the first day of a week, or if a minimum is more than its maximum.
    """
    lock_site(site.pk)
    refuse_other_version(seen, *rules_of(site))
    values = _with_weeks_of_site(site, values)
    refuse_if_any(_check_values(site, values, now))
    rules, is_new = RuleSet.objects.update_or_create(
        site=site, level=values.level, starts=values.starts, defaults=asdict(values)
    )
    action = Action.CREATED if is_new else Action.CHANGED
    record(rules, by=by, action=action, at=now, detail=_describe(values))
    _apply_rules(site, values.starts, now)
    return rules


@transaction.atomic
def withdraw_rules(*, rules: RuleSet, by: User, now: datetime) -> None:
    """Withdraw rules. The earlier rules then go on.

    Raises Refused if patients were in a session since the rules began, or if the site would be left without rules for
    all levels of care.
    """
    site = rules.site
    lock_site(site.pk)
    earlier = RuleSet.objects.filter(site=site, level="", starts__lt=rules.starts)
    if not rules.level and not earlier.exists():
        raise Refused([LastRules()])
    refuse_if_any(_check_past(site, rules.starts, rules.week_starts, now))
    record(rules, by=by, action=Action.DELETED, at=now, detail=f"from {rules.starts:%Y-%m-%d}")
    rules.delete()
    _apply_rules(site, rules.starts, now)


def effect_of_rules(site: Site, values: RuleSetValues) -> RulesEffect:
    """Return what the rules mean for published tracks, and for patients in care on the first day."""
    values = _with_weeks_of_site(site, values)
    book = RuleBook((("", values.starts, _as_rules(values)),))
    tracks = with_meetings(Track.objects.filter(site=site, status=TrackStatus.PUBLISHED))
    if values.level:
        tracks = tracks.filter(level=values.level)
    verdicts = [(track, track_verdict(track=track, on=values.starts, book=book)) for track in tracks.order_by("name")]
    spans = LevelOfCareSpan.objects.order_by("starts")
    episodes = Episode.objects.filter(site=site).open_on(values.starts).prefetch_related(Prefetch("spans", spans))
    in_force = [span for episode in episodes if (span := episode.span_on(values.starts)) is not None]
    prescribed = [span.prescribed_minutes for span in in_force if values.level in ("", span.level)]
    return RulesEffect(
        tracks=tuple(TrackOutsideRules(track, verdict.reasons) for track, verdict in verdicts if verdict.reasons),
        below=sum(minutes < values.minimum_minutes for minutes in prescribed),
        above=sum(minutes > values.maximum_minutes for minutes in prescribed),
    )


def last_day_held(site: Site, since: date, now: datetime) -> date | None:
    """Return the last day, `since` or later, on which a session with patients has begun. None if there is no such day."""
    begun = Session.objects.filter(site=site, on__gte=since, starts__lte=now, booked__gt=0)
    return begun.exclude(status=SessionStatus.CANCELLED).order_by("-on").values_list("on", flat=True).first()


def earliest_start(site: Site, week_starts: int, now: datetime) -> date:
    """Return the first day of the next treatment week, if weeks begin on the weekday `week_starts` (Monday is 0)."""
    today = site.today_at(now)
    return today + timedelta(days=(week_starts - today.weekday() - 1) % 7 + 1)


def _with_weeks_of_site(site: Site, values: RuleSetValues) -> RuleSetValues:
    if not values.level:
        return values
    return replace(values, week_starts=RuleBook.of(site).on(values.starts).week_starts)


def _as_rules(values: RuleSetValues) -> HoursRules:
    given = asdict(values)
    return HoursRules(**{name: given[name] for name in HoursRules.__dataclass_fields__})


def _check_values(site: Site, values: RuleSetValues, now: datetime) -> Iterator[Reason]:
    if values.minimum_minutes > values.maximum_minutes:
        yield HoursOutOfOrder()
    if values.minimum_days > values.maximum_days:
        yield DaysOutOfOrder()
    if values.starts.weekday() != values.week_starts:
        yield RulesStartMidWeek(values.starts, values.week_starts)
    yield from _check_past(site, values.starts, values.week_starts, now)


def _check_past(site: Site, starts: date, week_starts: int, now: datetime) -> Iterator[Reason]:
    """Yield RulesForThePast if a session with patients has begun on the day `starts` or later."""
    held = last_day_held(site, starts, now)
    if held is not None:
        yield RulesForThePast(held, earliest_start(site, week_starts, now))


def _describe(values: RuleSetValues) -> str:
    hours = f"{values.minimum_minutes / 60:g}-{values.maximum_minutes / 60:g} hours"
    days = f"{values.minimum_days}-{values.maximum_days} days"
    return f"from {values.starts:%Y-%m-%d}: {hours}, {days}{f', level {values.level}' if values.level else ''}"


def _apply_rules(site: Site, first: date, now: datetime) -> None:
    """Write the minutes that count, and the treatment weeks, of the site's sessions on the day `first` or later."""
    book = RuleBook.of(site)
    sessions = lock_sessions(Session.objects.filter(site=site, on__gte=first).select_related("service_type"))
    by_minutes: dict[int, list[int]] = defaultdict(list)
    by_week: dict[date, list[int]] = defaultdict(list)
    for session in sessions:
        minutes = countable_minutes(session, book)
        if minutes != session.countable_minutes:
            by_minutes[minutes].append(session.pk)
        by_week[book.week_of(session.on)].append(session.pk)
    for minutes, ids in by_minutes.items():
        for batch in in_batches(ids):
            Session.objects.filter(pk__in=batch).update(countable_minutes=minutes)
    _write_bookings(site, by_minutes, by_week, now)


def _write_bookings(
    site: Site, by_minutes: dict[int, list[int]], by_week: dict[date, list[int]], now: datetime
) -> None:
    """Copy minutes and weeks to the active bookings of sessions. Both dicts map a value to ids of sessions."""
    changed: set[int] = set()
    for minutes, ids in by_minutes.items():
        for batch in in_batches(ids):
            bookings = Booking.objects.active().filter(session__in=batch)
            changed.update(bookings.values_list("episode", flat=True))
            bookings.update(countable_minutes=minutes)
    for week, ids in by_week.items():
        for batch in in_batches(ids):
            bookings = Booking.objects.active().filter(session__in=batch).exclude(week=week)
            changed.update(bookings.values_list("episode", flat=True))
            bookings.update(week=week)
    run_after_booking(site=site, episode_ids=changed, now=now)
