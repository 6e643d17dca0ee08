"""The impact of a change as the preview page shows it: patients by name, and weekly changes merged into one line."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.audit import record_all
from accounts.models import Action, User
from patients.models import Patient
from scheduling.domain.impact.impact import (
    BookingChange,
    BookingState,
    Impact,
    ImpactConflict,
    SessionChange,
    SessionState,
    WeekShortfall,
)
from scheduling.domain.impact.week_changes import LedgerChange
from scheduling.models import Site


@dataclass(frozen=True)
class Series:
    """Changes to sessions, or to one patient's bookings, that differ only in their dates."""

    kind: str
    name: str
    starts: datetime
    ends: datetime
    then_name: str
    then_starts: datetime | None
    then_ends: datetime | None
    details: tuple[str, ...]
    dates: tuple[date, ...]
    booked: int = 0


@dataclass(frozen=True)
class WeekDropGroup:
    """Weeks of one patient that are equally short of hours and days after a change.

    `first` is the first of these weeks, and `more` is the number of other weeks. `savable` is the number of weeks,
    including the first, in which the hours can be made up.
    """

    first: WeekShortfall
    more: int
    savable: int


@dataclass(frozen=True)
class AffectedPatient:
    """How a change affects one patient. `patient` is None if the user may not see the patient."""

    patient: Patient | None
    places: Sequence[Series]
    clashes: Sequence[ImpactConflict]
    drops: Sequence[WeekDropGroup]


@dataclass(frozen=True)
class ImpactSummary:
    """The impact of a change as the preview page shows it, with the most affected patients first.

    `losing` is the number of patients who lose sessions, and `lost` is the number of sessions that they lose in all.
    `gaining` and `gained` count in the same way.
    """

    key: str
    people: Sequence[AffectedPatient]
    nameless: int
    sessions: Sequence[Series]
    lacking: Sequence[SessionState]
    losing: int
    lost: int
    moving: int
    gaining: int
    gained: int
    excused: int
    expected: int
    dropping: int
    clashing: int
    weeks: Sequence[LedgerChange]


def summarize_impact(impact: Impact, *, site: Site, user: User, now: datetime, action: str) -> ImpactSummary:
    """Summarize the impact, with the names of the patients whom the user may see. Audit that `user` saw these names.

    `action` describes the previewed action in the audit events.
    """
    visible = Patient.objects.visible_to(user).in_bulk(impact.patients)
    patients = [visible[pk] for pk in sorted(visible)]
    record_all(patients, by=user, action=Action.VIEWED, at=now, detail=f"what it would do to {action}")
    people = [_affected_patient(pk, impact, visible.get(pk), site) for pk in sorted(impact.patients)]
    changes = Counter(change.kind for change in impact.bookings)
    kinds = Counter(kind for __, kind in {(change.patient, change.kind) for change in impact.bookings})
    return ImpactSummary(
        key=impact.key,
        people=[person for person in sorted(people, key=_severity) if person.patient is not None],
        nameless=sum(person.patient is None for person in people),
        sessions=_group_changes((_session_change(change) for change in impact.sessions), site),
        lacking=impact.incomplete,
        losing=kinds["lost"],
        lost=changes["lost"],
        moving=kinds["moved"],
        gaining=kinds["gained"],
        gained=changes["gained"],
        excused=kinds["excused"],
        expected=kinds["expected"],
        dropping=len({drop.patient for drop in impact.shortfalls if not drop.is_on_leave}),
        clashing=len({clash.patient for clash in impact.conflicts}),
        weeks=impact.weeks,
    )


def _affected_patient(pk: int, impact: Impact, patient: Patient | None, site: Site) -> AffectedPatient:
    return AffectedPatient(
        patient=patient,
        places=_group_changes((_booking_change(change) for change in impact.bookings if change.patient == pk), site),
        clashes=[clash for clash in impact.conflicts if clash.patient == pk],
        drops=_group_drops(drop for drop in impact.shortfalls if drop.patient == pk),
    )


def _group_drops(drops: Iterable[WeekShortfall]) -> list[WeekDropGroup]:
    """Group weeks that have the same minutes and days after the change. The groups are in the order of their first weeks."""
    groups: dict[object, list[WeekShortfall]] = defaultdict(list)
    for drop in drops:
        amounts = (drop.minutes_after, drop.days_after, drop.prescribed_minutes, drop.prescribed_days, drop.is_on_leave)
        groups[amounts].append(drop)
    return [
        WeekDropGroup(group[0], len(group) - 1, sum(drop.makeups is not None for drop in group))
        for group in groups.values()
    ]


def _severity(person: AffectedPatient) -> tuple[bool, bool, bool, tuple[str, str]]:
    """Sort key: the patients with weeks that can't be made up come first.

    Then come patients with other short weeks, then patients with conflicts. Ties are sorted by name.
    """
    short_weeks = [weeks for weeks in person.drops if not weeks.first.is_on_leave]
    is_unsavable = any(weeks.savable <= weeks.more for weeks in short_weeks)
    name = person.patient.name_order if person.patient else ("", "")
    return not is_unsavable, not short_weeks, not person.clashes, name


type DatedChange = tuple[str, BookingState | SessionState, BookingState | SessionState | None, tuple[str, ...]]


def _booking_change(change: BookingChange) -> DatedChange:
    first = change.before or change.after
    assert first is not None
    details = (_("attends “%(session)s” at that time") % {"session": change.instead},) if change.instead else ()
    return change.kind, first, change.after if change.before is not None else None, details


def _session_change(change: SessionChange) -> DatedChange:
    first = change.before or change.after
    assert first is not None
    then = change.after if change.kind in {"moved", "changed"} else None
    return change.kind, first, then, _differences(change)


def _differences(change: SessionChange) -> tuple[str, ...]:
    """Describe how the session changes, apart from its time."""
    if change.before is None or change.after is None or change.kind not in {"moved", "changed"}:
        return ()
    old, new = change.before, change.after
    differences = []
    if old.name != new.name:
        differences.append(_("now “%(session)s”") % {"session": new.name})
    if old.room != new.room:
        differences.append(_("in %(room)s") % {"room": new.room} if new.room else _("no room"))
    if old.people != new.people:
        led_by = _("led by %(names)s") % {"names": ", ".join(new.people)}
        differences.append(led_by if new.people else _("no leader"))
    if old.places != new.places:
        differences.append(ngettext("%(number)d spot", "%(number)d spots", new.places) % {"number": new.places})
    return tuple(differences)


def _group_changes(changes: Iterable[DatedChange], site: Site) -> list[Series]:
    """Merge changes that differ only in their week. The result is in the order of the first dates."""
    groups: dict[object, list[DatedChange]] = defaultdict(list)
    for kind, first, then, details in changes:
        at, until = _local_times(first, site)
        shift = (
            tuple(new - old for new, old in zip(_local_times(then, site), (at, until), strict=True)) if then else None
        )
        key = (kind, first.name, at.weekday(), at.time(), until.time(), shift, details)
        groups[key].append((kind, first, then, details))
    return [_merge_changes(group) for group in groups.values()]


def _local_times(session: BookingState | SessionState, site: Site) -> tuple[datetime, datetime]:
    """Return the session's start and end in the site's time zone, as naive datetimes."""
    zone = site.zone
    starts, ends = session.time.start.astimezone(zone), session.time.end.astimezone(zone)
    return starts.replace(tzinfo=None), ends.replace(tzinfo=None)


def _merge_changes(group: Sequence[DatedChange]) -> Series:
    kind, first, then, details = group[0]
    return Series(
        kind=kind,
        name=first.name,
        starts=first.time.start,
        ends=first.time.end,
        then_name=then.name if then else "",
        then_starts=then.time.start if then else None,
        then_ends=then.time.end if then else None,
        details=details,
        dates=tuple(each.on for _kind, each, *_rest in group),
        booked=max((each.booked for _kind, each, *_rest in group if isinstance(each, SessionState)), default=0),
    )
