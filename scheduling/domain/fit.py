"""Does a track fit around a life? One set of rules searches, checks and explains.

What a patient brings is a Need, what a track has is an Offer; `judge` tries a choice of its meetings against every rule,
and `search` finds for every track the best choice, or everything that stands against it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property

from scheduling.domain.choice import Choice, as_much_as_possible, just_enough
from scheduling.domain.hours import RuleSet, Verdict, WeeklyMeeting, add_up, assess_choice
from scheduling.domain.interval import Interval
from scheduling.domain.obstacles import Clash, Full, NoStartDateLeft, NotAStartDate
from scheduling.domain.reasons import Key, NoMeetings, Reason
from scheduling.domain.week import MINUTES_A_DAY, BusyTime, Occasion


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedMeeting:
    """A meeting and the dates in the horizon on which no place is left in it."""

    meeting: WeeklyMeeting
    full_on: tuple[date, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A track: its meetings, its individual minutes, and when a patient can begin.

    `entries` are the start dates of a track that takes people in cohorts; None takes them on any day.
    """

    key: Key
    name: str
    meetings: tuple[OfferedMeeting, ...]
    individual_minutes: int = 0
    entries: tuple[date, ...] | None = None

    def next_entry(self, day: date) -> date | None:
        """The first day from `day` on which a patient can begin; None when none is left."""
        if self.entries is None:
            return day
        return min((entry for entry in self.entries if entry >= day), default=None)


@dataclass(frozen=True, kw_only=True)
class Need:
    """What a patient brings: the prescription, when they can begin, and everything else in their life.

    `busy` holds their commitments and the meetings of their other enrollments. Choices are judged on the dates from
    `from_day` for `weeks` weeks, without those on which the site is `closed`.
    """

    prescribed_minutes: int
    prescribed_days: int
    from_day: date
    weeks: int = 12
    busy: tuple[BusyTime, ...] = ()
    rules: RuleSet = field(default_factory=RuleSet)
    closed: tuple[Interval[date], ...] = ()

    @property
    def until(self) -> date:
        return self.from_day + timedelta(weeks=self.weeks)

    def dates_of(self, meeting: WeeklyMeeting) -> Iterable[date]:
        """The dates on which the meeting is held while the patient would come."""
        for on in meeting.recurrence.dates(self.from_day, self.until):
            if not any(closure.contains(on) for closure in self.closed):
                yield on

    @cached_property
    def occasions_by_day(self) -> dict[int, list[tuple[BusyTime, Occasion]]]:
        """Busy occasions under each day, counted from `from_day`, that they touch, travel included."""
        found: dict[int, list[tuple[BusyTime, Occasion]]] = {}
        for busy in self.busy:
            for occasion in busy.occasions(self.from_day, self.until):
                padded = occasion.padded
                for day in range(padded.start // MINUTES_A_DAY, (padded.end - 1) // MINUTES_A_DAY + 1):
                    found.setdefault(day, []).append((busy, occasion))
        return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """How a track stands to a need.

    `whole` is the most a patient could attend of the track, `enough` the smallest choice that meets the prescription; each
    is None when it does not fit. `obstacles` are all that stand against the track, or against taking it whole.
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
        return self.whole is not None or self.enough is not None

    @property
    def choice(self) -> Choice:
        return self.whole or self.enough or ()


def may_begin(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    following = offer.next_entry(need.from_day)
    if following is None:
        yield NoStartDateLeft(need.from_day)
    elif following != need.from_day:
        yield NotAStartDate(need.from_day, following)


def keeps_commitments(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    for meeting in choice:
        yield from clashes(meeting, need)


def has_a_place(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    chosen = {meeting.key for meeting in choice}
    for offered in offer.meetings:
        if offered.meeting.key in chosen:
            yield from _full(offered, need)


def gives_the_hours(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    yield from _verdict(offer, need, choice).reasons


Rule = Callable[[Offer, Need, Choice], Iterable[Reason]]
RULES: tuple[Rule, ...] = (may_begin, gives_the_hours, keeps_commitments, has_a_place)


def judge(offer: Offer, need: Need, choice: Collection[WeeklyMeeting]) -> tuple[Reason, ...]:
    """Everything against a patient's beginning on `need.from_day` with these meetings of the track; nothing if all is well."""
    chosen = tuple(choice)
    return tuple(reason for rule in RULES for reason in rule(offer, need, chosen))


def search(offers: Iterable[Offer], need: Need) -> tuple[Fit, ...]:
    """One Fit for each track, the best first.

    Whole tracks come before those of which enough fits, and these before those that do not fit, of which the ones with the
    fewest minutes missing come first; among equals those nearest to the prescription, then by name.
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


def clashes(meeting: WeeklyMeeting, need: Need) -> tuple[Clash, ...]:
    """What the meeting runs into: one for each busy time and side of it, with the first date and on how many."""
    dates: dict[tuple[BusyTime, timedelta], list[date]] = {}
    clash: dict[tuple[BusyTime, timedelta], Clash] = {}
    held = meeting.span
    for on in need.dates_of(meeting):
        day = (on - need.from_day).days
        span = Interval(day * MINUTES_A_DAY + held.start, day * MINUTES_A_DAY + held.end)
        for busy, occasion in need.occasions_by_day.get(day, ()):
            if occasion.padded.overlaps(span):
                apart = (busy, on - occasion.on)  # on the wall clock it is the same every time
                if apart not in clash:
                    clash[apart] = _clash(meeting, busy, occasion, span, on)
                dates.setdefault(apart, []).append(on)
    return tuple(replace(found, dates=len(dates[apart])) for apart, found in clash.items())


def _clash(meeting: WeeklyMeeting, busy: BusyTime, occasion: Occasion, span: Interval[int], on: date) -> Clash:
    """Of one date. Where only the way is too long, what it lacks may be more than the whole meeting lasts."""
    before = occasion.bare.start < span.start
    overlap, shared = occasion.bare.intersection(span), occasion.padded.intersection(span)
    if overlap and shared:
        gap, minutes = 0, shared.end - shared.start
    elif before:
        gap = span.start - occasion.bare.end
        minutes = busy.travel_after - gap
    else:
        gap = occasion.bare.start - span.end
        minutes = busy.travel_before - gap
    return Clash(
        meeting=meeting,
        busy=busy,
        minutes=minutes,
        overlap_minutes=overlap.end - overlap.start if overlap else 0,
        gap_minutes=gap,
        before=before,
        first_date=on,
        dates=1,
    )


def _full(offered: OfferedMeeting, need: Need) -> Iterable[Full]:
    dates = sorted(on for on in offered.full_on if need.from_day <= on < need.until)
    if dates:
        yield Full(offered.meeting, dates[0], len(dates))


def _verdict(offer: Offer, need: Need, choice: Choice) -> Verdict:
    return assess_choice(
        choice,
        need.rules,
        prescribed_minutes=need.prescribed_minutes,
        prescribed_days=need.prescribed_days,
        individual_minutes=offer.individual_minutes,
    )


def _best_fit(offer: Offer, need: Need) -> Fit:
    entry = offer.next_entry(need.from_day)
    if entry is not None and entry != need.from_day:
        need = replace(need, from_day=entry)
    against: dict[Key, tuple[Reason, ...]] = {
        offered.meeting.key: (*clashes(offered.meeting, need), *_full(offered, need)) for offered in offer.meetings
    }
    meetings = [offered.meeting for offered in offer.meetings]
    free = [meeting for meeting in meetings if not against[meeting.key]]
    possible = as_much_as_possible(free, need.rules)
    is_all = len(free) == len(meetings) or _is_all_of(meetings, possible, need)
    whole = possible if is_all and not judge(offer, need, possible) else None
    enough = just_enough(
        free,
        need.rules,
        minutes=need.prescribed_minutes,
        days=need.prescribed_days,
        individual_minutes=offer.individual_minutes,
    )
    if entry is None:
        whole = enough = None
    total = add_up(whole or enough or possible, need.rules, offer.individual_minutes)
    return Fit(
        offer=offer,
        starts=need.from_day,
        whole=whole,
        enough=enough,
        obstacles=() if whole else tuple(_obstacles(offer, need, against, possible)),
        minutes=total.minutes,
        days=total.days,
        missing_minutes=0 if whole or enough else max(0, need.prescribed_minutes - total.minutes),
    )


def _is_all_of(meetings: Sequence[WeeklyMeeting], possible: Choice, need: Need) -> bool:
    """Whether what the patient can attend is as much as anybody could of the track."""
    ideal = as_much_as_possible(meetings, need.rules)
    return len(possible) == len(ideal) and add_up(possible, need.rules) == add_up(ideal, need.rules)


def _obstacles(offer: Offer, need: Need, against: dict[Key, tuple[Reason, ...]], possible: Choice) -> Iterable[Reason]:
    """What stands against the track as a whole, then what against each meeting, then what the rest of it comes to."""
    yield from may_begin(offer, need, possible)
    for reasons in against.values():
        yield from reasons
    # That nothing was chosen is no reason of its own: the search chose nothing because of the others.
    yield from (reason for reason in gives_the_hours(offer, need, possible) if not isinstance(reason, NoMeetings))
