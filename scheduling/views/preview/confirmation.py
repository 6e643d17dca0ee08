"""Shows what an act would do to people, and does it once that was confirmed."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

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
from scheduling.models import Site
from scheduling.services.preview.preview import ImpactChanged, apply_previewed, preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.views.current_site import is_own_url
from timekeeping.reasons import Reason, Refused

SEEN, CHECK, NEXT = "seen", "check", "next"
"""What the forms send: the key of the impact that is confirmed, the wish to look first, and where to go afterwards."""


@dataclass(frozen=True)
class ActionResult[T]:
    """What came of an act that was asked for: it is done, or shown first, or refused."""

    is_done: bool = False
    done: T | None = None
    impact: Impact | None = None
    is_news: bool = False
    """What was confirmed would have done something else by now."""
    reasons: Sequence[Reason] = ()


def apply_or_preview[T](
    request: HttpRequest, act: Callable[[], T], *, scene: SnapshotScope, now: datetime, only_look: bool = False
) -> ActionResult[T]:
    """Carries the act out if it was confirmed as it was shown, or touches no patient; else says what it would do.

    With `only_look` nothing is done, whatever was confirmed.
    """
    seen = "" if only_look else request.POST.get(SEEN, "")
    try:
        if not seen:
            impact = preview_impact(act, scope=scene, now=now)
            if only_look or impact.patients or impact.incomplete or CHECK in request.POST:
                return ActionResult(impact=impact)
            seen = impact.key
        return ActionResult(is_done=True, done=apply_previewed(act, scope=scene, now=now, seen=seen))
    except ImpactChanged as changed:
        return ActionResult(impact=changed.impact, is_news=True)
    except Refused as refused:
        return ActionResult(reasons=refused.reasons)


def redirect_to_next(request: HttpRequest, otherwise: str, *args: object) -> HttpResponse:
    """Back to the page of ours that asked, if it said which."""
    asked = next_url(request)
    return redirect(asked) if asked else redirect(otherwise, *args)


def next_url(request: HttpRequest) -> str:
    """The address in `next`, if it is one of ours; else nothing."""
    asked = request.POST.get(NEXT) or request.GET.get(NEXT, "")
    return asked if is_own_url(request, asked) else ""


@dataclass(frozen=True)
class Series:
    """Changes that differ in their dates alone: of sessions, or of one patient's places."""

    kind: str
    name: str
    starts: datetime
    ends: datetime
    then_name: str
    then_starts: datetime | None
    then_ends: datetime | None
    detail: str
    dates: tuple[date, ...]
    booked: int = 0


@dataclass(frozen=True)
class WeekDropGroup:
    """Weeks of a patient that fall by the same amounts: the first of them, how many more, and in how many it can be made up."""

    first: WeekShortfall
    more: int
    savable: int


@dataclass(frozen=True)
class AffectedPatient:
    """What happens to one patient; those whom the person who asks may not see have no name."""

    patient: Patient | None
    places: Sequence[Series]
    clashes: Sequence[ImpactConflict]
    drops: Sequence[WeekDropGroup]


@dataclass(frozen=True)
class ImpactSummary:
    """An impact as the page tells it: whom it hits hardest first."""

    key: str
    people: Sequence[AffectedPatient]
    nameless: int
    sessions: Sequence[Series]
    lacking: Sequence[SessionState]
    losing: int
    moving: int
    gaining: int
    excused: int
    expected: int
    dropping: int
    clashing: int


def summarize_impact(impact: Impact, *, site: Site, user: User, now: datetime, what: str) -> ImpactSummary:
    """Brings names to an impact, and leaves in the trail whose they were; `what` says of which act."""
    seen = Patient.objects.visible_to(user).in_bulk(impact.patients)
    record_all(
        [seen[pk] for pk in sorted(seen)], by=user, action=Action.VIEWED, at=now, detail=f"what it would do to {what}"
    )
    people = sorted(
        (_affected_patient(pk, impact, seen.get(pk), site) for pk in sorted(impact.patients)), key=_severity
    )
    kinds = [{change.kind for change in impact.bookings if change.patient == pk} for pk in impact.patients]
    return ImpactSummary(
        key=impact.key,
        people=[person for person in people if person.patient is not None],
        nameless=sum(person.patient is None for person in people),
        sessions=_group_lines((_session_line(change) for change in impact.sessions), site),
        lacking=impact.incomplete,
        losing=sum("lost" in each for each in kinds),
        moving=sum("moved" in each for each in kinds),
        gaining=sum("gained" in each for each in kinds),
        excused=sum("excused" in each for each in kinds),
        expected=sum("expected" in each for each in kinds),
        dropping=len({drop.patient for drop in impact.shortfalls if not drop.is_on_leave}),
        clashing=len({clash.patient for clash in impact.conflicts}),
    )


def _affected_patient(pk: int, impact: Impact, patient: Patient | None, site: Site) -> AffectedPatient:
    return AffectedPatient(
        patient=patient,
        places=_group_lines((_seat_line(change) for change in impact.bookings if change.patient == pk), site),
        clashes=[clash for clash in impact.conflicts if clash.patient == pk],
        drops=_group_drops(drop for drop in impact.shortfalls if drop.patient == pk),
    )


def _group_drops(drops: Iterable[WeekShortfall]) -> list[WeekDropGroup]:
    """Weeks that fall to the same, in the order of the first."""
    found: dict[object, list[WeekShortfall]] = defaultdict(list)
    for drop in drops:
        same = (drop.minutes_after, drop.days_after, drop.prescribed_minutes, drop.prescribed_days, drop.is_on_leave)
        found[same].append(drop)
    return [
        WeekDropGroup(same[0], len(same) - 1, sum(each.makeups is not None for each in same)) for same in found.values()
    ]


def _severity(person: AffectedPatient) -> tuple[bool, bool, bool, str]:
    blamed = [weeks for weeks in person.drops if not weeks.first.is_on_leave]
    beyond_repair = any(weeks.savable <= weeks.more for weeks in blamed)
    name = f"{person.patient.last_name} {person.patient.first_name}" if person.patient else ""
    return not beyond_repair, not blamed, not person.clashes, name


type SeriesKey = tuple[str, BookingState | SessionState, BookingState | SessionState | None, str]


def _seat_line(change: BookingChange) -> SeriesKey:
    first = change.before or change.after
    assert first is not None
    return change.kind, first, change.after if change.before is not None else None, change.instead


def _session_line(change: SessionChange) -> SeriesKey:
    first = change.before or change.after
    assert first is not None
    then = change.after if change.kind in {"moved", "changed"} else None
    return change.kind, first, then, _difference_text(change)


def _difference_text(change: SessionChange) -> str:
    """What is different beside the time, in words."""
    if change.before is None or change.after is None or change.kind not in {"moved", "changed"}:
        return ""
    old, new = change.before, change.after
    said = []
    if old.name != new.name:
        said.append(f"now {new.name}")
    if old.room != new.room:
        said.append(new.room or "no room")
    if old.people != new.people:
        said.append(f"led by {', '.join(new.people)}" if new.people else "nobody leads it")
    if old.places != new.places:
        said.append(f"{new.places} places")
    return ", ".join(said)


def _group_lines(lines: Iterable[SeriesKey], site: Site) -> list[Series]:
    """Lines that are the same by the wall clock but for the date become one; in the order of their first dates."""
    found: dict[object, list[SeriesKey]] = defaultdict(list)
    for kind, first, then, detail in lines:
        at, until = _local_times(first, site)
        shift = (
            tuple(new - old for new, old in zip(_local_times(then, site), (at, until), strict=True)) if then else None
        )
        found[kind, first.name, at.weekday(), at.time(), until.time(), shift, detail].append(
            (kind, first, then, detail)
        )
    return [_merge_lines(same) for same in found.values()]


def _local_times(session: BookingState | SessionState, site: Site) -> tuple[datetime, datetime]:
    """Start and end as clocks at the site show them."""
    zone = site.zone
    starts, ends = session.time.start.astimezone(zone), session.time.end.astimezone(zone)
    return starts.replace(tzinfo=None), ends.replace(tzinfo=None)


def _merge_lines(same: Sequence[SeriesKey]) -> Series:
    kind, first, then, detail = same[0]
    return Series(
        kind=kind,
        name=first.name,
        starts=first.time.start,
        ends=first.time.end,
        then_name=then.name if then else "",
        then_starts=then.time.start if then else None,
        then_ends=then.time.end if then else None,
        detail=detail,
        dates=tuple(each.on for _, each, _, _ in same),
        booked=max((each.booked for _, each, _, _ in same if isinstance(each, SessionState)), default=0),
    )
