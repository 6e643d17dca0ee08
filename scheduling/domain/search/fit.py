"""Rules that decide whether a track fits a patient. Search, checks and explanations all use the same rules.

A Need has the patient's requirements, and an Offer describes a track. `judge` checks a choice of the track's meetings
against every rule. `find_fits` finds the best choice for each track, or every reason why the track does not fit.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from datetime import date
from typing import ClassVar

from scheduling.domain.hours.reasons import NoMeetings
from scheduling.domain.hours.rules import Verdict, WeeklyMeeting, add_up, assess_choice
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.meeting_choice import Choice, as_much_as_possible, is_whole_track, just_enough
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from timekeeping.reasons import Key, Reason


@dataclass(frozen=True, slots=True)
class NotAStartDate(Reason):
    """The track takes patients only on its start dates, and the requested day is not one of them.

    `asked` is the requested day, and `following` is the next start date.
    """

    asked: date
    following: date


@dataclass(frozen=True, slots=True)
class NoStartDateLeft(Reason):
    """The track takes patients only on its start dates, and there is none on or after the requested day, `asked`."""

    asked: date


@dataclass(frozen=True, slots=True)
class AlreadyEnrolled(Reason):
    """The patient is already enrolled in the track. `since` is the first day of the enrollment."""

    track: str
    since: date


@dataclass(frozen=True, slots=True)
class WrongLevel(Reason):
    """The track takes only patients at another level of care.

    `level` is the level that the track takes. `needed` is the patient's level, or "" if none is set.
    """

    code: ClassVar[str] = "other_level"
    level: str
    needed: str


@dataclass(frozen=True, slots=True)
class OutsideAges(Reason):
    """The patient's age on the first day of treatment is outside the age range of the track.

    `age` is in whole years. `from_age` and `to_age` are inclusive bounds; None means that there is no bound.
    """

    age: int
    from_age: int | None
    to_age: int | None


@dataclass(frozen=True, slots=True)
class MeetingFull(Reason):
    """The meeting has no spot left on some of the dates on which the patient would attend.

    `dates` is the number of dates without a spot, and `first_date` is the first of them.
    """

    code: ClassVar[str] = "full"
    meeting: WeeklyMeeting
    first_date: date
    dates: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How well a track fits a patient's need.

    - `starts`: the day on which the patient would start.
    - `whole`: the whole track, or as much as possible of a track with overlapping meetings. None if it does not fit.
    - `enough`: the smallest choice that meets the prescription. None if no choice fits.
    - `obstacles`: every reason why the whole track does not fit.
    - `minutes`, `days`: weekly totals of `choice` or, if nothing fits, of the meetings that the patient can attend.
    - `missing_minutes`: how far `minutes` is below the prescription, or 0 if any choice fits.
    """

    offer: Offer
    starts: date
    whole: Choice | None
    enough: Choice | None
    obstacles: tuple[Reason, ...]
    minutes: int
    days: int
    missing_minutes: int

    @property
    def fits(self) -> bool:
        """Whether any choice of the track's meetings fits."""
        return self.whole is not None or self.enough is not None

    @property
    def choice(self) -> Choice:
        """The meetings of `whole` or, if it is None, of `enough`. Empty if both are None."""
        return self.whole or self.enough or ()


def may_begin(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that the track takes patients on the day on which the patient would start (product rule)."""
    following = offer.next_start_date(need.from_day)
    if following is None:
        yield NoStartDateLeft(need.from_day)
    elif following != need.from_day:
        yield NotAStartDate(need.from_day, following)


def is_not_enrolled(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that the patient is not enrolled in the track, even if other groups of it are left (product rule)."""
    enrollment = need.enrollment_in(offer.key)
    if enrollment is not None:
        yield AlreadyEnrolled(offer.name, enrollment.starts)


def is_for_the_level(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that the track takes patients at this level of care (product rule)."""
    if offer.level and offer.level != need.level:
        yield WrongLevel(offer.level, need.level)


def is_for_the_age(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that the track takes patients of this age; an unknown age is not checked (product rule)."""
    if need.age is None:
        return
    too_young = offer.from_age is not None and need.age < offer.from_age
    too_old = offer.to_age is not None and need.age > offer.to_age
    if too_young or too_old:
        yield OutsideAges(need.age, offer.from_age, offer.to_age)


def keeps_commitments(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that none of the patient's busy times blocks a chosen meeting (product rule).

    A busy time that can move far enough does not block a meeting. Neither does a temporary busy time if the patient
    would miss only a few sessions.
    """
    for meeting in choice:
        yield from blocking_conflicts(meeting, need)


def has_a_place(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that every chosen meeting has a spot left on each date on which the patient attends (product rule)."""
    chosen = {meeting.key for meeting in choice}
    for offered in offer.meetings:
        if offered.meeting.key in chosen:
            yield from check_places(offered, need)


def gives_the_hours(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    """Check that the meetings provide the prescribed hours and days, and that they comply with the weekly-hours rules."""
    yield from _hours_verdict(offer, need, choice).reasons


Rule = Callable[[Offer, Need, Choice], Iterable[Reason]]
TRACK_RULES: tuple[Rule, ...] = (is_not_enrolled, may_begin, is_for_the_level, is_for_the_age)
"""Rules that do not depend on which meetings are chosen."""
RULES: tuple[Rule, ...] = (*TRACK_RULES, gives_the_hours, keeps_commitments, has_a_place)


def judge(offer: Offer, need: Need, choice: Collection[WeeklyMeeting]) -> tuple[Reason, ...]:
    """Return every reason against attending these meetings from `need.from_day` on. Empty if the meetings fit."""
    chosen = tuple(choice)
    return tuple(reason for rule in RULES for reason in rule(offer, need, chosen))


def find_fits(offers: Iterable[Offer], need: Need) -> tuple[Fit, ...]:
    """Return one Fit for each track, the best first.

    Tracks that fit as a whole come first, then tracks with enough meetings that fit. The other tracks follow, sorted by
    missing minutes. Ties go to the track that is nearest to the prescribed minutes, then to the first by name.
    """
    fits = (_best_fit(offer, need) for offer in offers)
    return tuple(
        sorted(
            fits,
            key=lambda fit: (
                fit.whole is None,
                fit.enough is None,
                fit.missing_minutes,
                abs(fit.minutes - need.prescribed_minutes),
                fit.offer.name,
                str(fit.offer.key),
            ),
        )
    )


def blocking_conflicts(meeting: WeeklyMeeting, need: Need) -> tuple[CommitmentConflict, ...]:
    """Return a reason for each conflict that keeps the patient from attending the meeting, sorted by first date."""
    found = need.conflicts_with(meeting)
    in_order = sorted(found.blocking, key=lambda conflict: conflict.date_order)
    return tuple(CommitmentConflict.between(meeting, conflict, found.sessions) for conflict in in_order)


def check_places(offered: OfferedMeeting, need: Need) -> Iterable[MeetingFull]:
    """Yield a reason if the meeting is full on any date on which the patient would attend it."""
    dates = sorted(on for on in offered.full_on if need.from_day <= on < need.until)
    if dates and (missed := need.conflicts_with(offered.meeting).missed):
        dates = [on for on in dates if on not in missed]
    if dates:
        yield MeetingFull(offered.meeting, dates[0], len(dates))


def _hours_verdict(offer: Offer, need: Need, choice: Choice) -> Verdict:
    return assess_choice(
        choice,
        need.rules,
        prescribed_minutes=need.prescribed_minutes,
        prescribed_days=need.prescribed_days,
        individual_minutes=offer.individual_minutes,
    )


def _best_fit(offer: Offer, need: Need) -> Fit:
    start = offer.next_start_date(need.from_day)
    if start is not None and start != need.from_day:
        need = replace(need, from_day=start)
    reasons: dict[Key, tuple[Reason, ...]] = {
        offered.meeting.key: (*blocking_conflicts(offered.meeting, need), *check_places(offered, need))
        for offered in offer.meetings
    }
    meetings = offer.weekly_meetings
    free = [meeting for meeting in meetings if not reasons[meeting.key]]
    possible = as_much_as_possible(free, need.rules)
    is_whole = len(free) == len(meetings) or is_whole_track(possible, meetings, need.rules)
    whole = possible if is_whole and not judge(offer, need, possible) else None
    enough = just_enough(free, need.rules, need.weekly_limits(offer.individual_minutes))
    if any(reason for rule in TRACK_RULES for reason in rule(offer, need, ())):
        whole = enough = None
    total = add_up(whole or enough or possible, need.rules, offer.individual_minutes)
    return Fit(
        offer=offer,
        starts=need.from_day,
        whole=whole,
        enough=enough,
        obstacles=() if whole else tuple(_obstacles(offer, need, reasons, possible)),
        minutes=total.minutes,
        days=total.days,
        missing_minutes=0 if whole or enough else max(0, need.prescribed_minutes - total.minutes),
    )


def _obstacles(
    offer: Offer, need: Need, reasons_by_meeting: dict[Key, tuple[Reason, ...]], possible: Choice
) -> Iterable[Reason]:
    """Yield every reason why the whole track does not fit.

    Reasons against the track come first, then reasons against each meeting, then reasons about the weekly hours.
    `possible` are the meetings that the patient can attend. Only these meetings count toward the weekly hours.
    """
    for rule in TRACK_RULES:
        yield from rule(offer, need, possible)
    for reasons in reasons_by_meeting.values():
        yield from reasons
    # NoMeetings is left out: if no meetings are possible, the other reasons already say why.
    yield from (reason for reason in gives_the_hours(offer, need, possible) if not isinstance(reason, NoMeetings))
