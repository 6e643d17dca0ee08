"""Does a track fit around a life? One set of rules searches, checks and explains.

What a patient brings is a Need, what a track has is an Offer; `judge` tries a choice of its meetings against every rule,
and `search` finds for every track the best choice, or everything that stands against it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from scheduling.domain.hours.reasons import NoMeetings
from scheduling.domain.hours.rules import Verdict, WeeklyMeeting, add_up, assess_choice
from scheduling.domain.search.conflicts import blocking_conflicts, missed_dates
from scheduling.domain.search.meeting_choice import Choice, as_much_as_possible, just_enough
from scheduling.domain.search.need import Need, Offer, OfferedMeeting
from scheduling.domain.search.obstacles import MeetingFull, NoStartDateLeft, NotAStartDate, OutsideAges, WrongLevel
from timekeeping.reasons import Key, Reason


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


def is_for_the_level(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    if offer.level and offer.level != need.level:
        yield WrongLevel(offer.level, need.level)


def is_for_the_age(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    if need.age is None:
        return
    too_young = offer.from_age is not None and need.age < offer.from_age
    too_old = offer.to_age is not None and need.age > offer.to_age
    if too_young or too_old:
        yield OutsideAges(need.age, offer.from_age, offer.to_age)


def keeps_commitments(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    for meeting in choice:
        yield from blocking_conflicts(meeting, need)


def has_a_place(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    chosen = {meeting.key for meeting in choice}
    for offered in offer.meetings:
        if offered.meeting.key in chosen:
            yield from places_missing(offered, need)


def gives_the_hours(offer: Offer, need: Need, choice: Choice) -> Iterable[Reason]:
    yield from _hours_verdict(offer, need, choice).reasons


Rule = Callable[[Offer, Need, Choice], Iterable[Reason]]
TRACK_RULES: tuple[Rule, ...] = (may_begin, is_for_the_level, is_for_the_age)
"""What is asked of a track whatever of it is chosen."""
RULES: tuple[Rule, ...] = (*TRACK_RULES, gives_the_hours, keeps_commitments, has_a_place)


def judge(offer: Offer, need: Need, choice: Collection[WeeklyMeeting]) -> tuple[Reason, ...]:
    """Everything against a patient's beginning on `need.from_day` with these meetings of the track; nothing if all is well."""
    chosen = tuple(choice)
    return tuple(reason for rule in RULES for reason in rule(offer, need, chosen))


def find_fits(offers: Iterable[Offer], need: Need) -> tuple[Fit, ...]:
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


def places_missing(offered: OfferedMeeting, need: Need) -> Iterable[MeetingFull]:
    """On a date that the patient misses anyway no place is needed."""
    dates = sorted(on for on in offered.full_on if need.from_day <= on < need.until)
    if dates and (missed := missed_dates(offered.meeting, need)):
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
    entry = offer.next_entry(need.from_day)
    if entry is not None and entry != need.from_day:
        need = replace(need, from_day=entry)
    against: dict[Key, tuple[Reason, ...]] = {
        offered.meeting.key: (*blocking_conflicts(offered.meeting, need), *places_missing(offered, need))
        for offered in offer.meetings
    }
    meetings = [offered.meeting for offered in offer.meetings]
    free = [meeting for meeting in meetings if not against[meeting.key]]
    possible = as_much_as_possible(free, need.rules)
    is_all = len(free) == len(meetings) or _is_whole_track(meetings, possible, need)
    whole = possible if is_all and not judge(offer, need, possible) else None
    enough = just_enough(
        free,
        need.rules,
        minutes=need.prescribed_minutes,
        days=need.prescribed_days,
        individual_minutes=offer.individual_minutes,
    )
    if any(reason for rule in TRACK_RULES for reason in rule(offer, need, ())):
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


def _is_whole_track(meetings: Sequence[WeeklyMeeting], possible: Choice, need: Need) -> bool:
    """Whether what the patient can attend is as much as anybody could of the track."""
    ideal = as_much_as_possible(meetings, need.rules)
    return len(possible) == len(ideal) and add_up(possible, need.rules) == add_up(ideal, need.rules)


def _obstacles(offer: Offer, need: Need, against: dict[Key, tuple[Reason, ...]], possible: Choice) -> Iterable[Reason]:
    """What stands against the track as a whole, then what against each meeting, then what the rest of it comes to."""
    for rule in TRACK_RULES:
        yield from rule(offer, need, possible)
    for reasons in against.values():
        yield from reasons
    # That nothing was chosen is no reason of its own: the search chose nothing because of the others.
    yield from (reason for reason in gives_the_hours(offer, need, possible) if not isinstance(reason, NoMeetings))
