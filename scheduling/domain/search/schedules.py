"""The best weekly schedules around a life, exactly and in order: each track whole, enough of it, or a mix of like tracks.

A schedule is a set of meetings that `fit.judge` has nothing against: the weekly meetings that count, as many of a track as
meet the prescription and keep the rules, or the whole of it with all that comes on top. They are ranked by their price
(`price`); among equals by the times of the week, earlier before later, then by the meetings' keys, then by the track: the
ranking is total and always the same. `weeks` finds the best of one pool of meetings without trying all.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from heapq import merge
from itertools import islice

from scheduling.domain.hours.rules import WeeklyMeeting, add_up
from scheduling.domain.search.conflicts import CommitmentMove, missed_dates, resolve_meeting
from scheduling.domain.search.fit import TRACK_RULES, judge, places_missing
from scheduling.domain.search.meeting_choice import as_much_as_possible
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.score import WEIGHTS, Score, Weights, score_meetings
from scheduling.domain.search.week_search import MeetingPool, RankKey, WeekCandidate, best_weeks, rank_key
from timekeeping.reasons import Key

MAX_SCHEDULES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """What a patient would like kept: the meetings `kept` of the schedule they have, and how much each thing is worth."""

    kept: tuple[WeeklyMeeting, ...] = ()
    weights: Weights = WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Meetings of one track, or of several where they mix, from the day `starts`; nothing stands against it.

    `offer` is the track to enroll in: of a mixed schedule the one with most of its meetings, then by name. `minutes` and
    `days` are a week's, individual time included. `points` rank it: the lower, the better.
    """

    offer: Offer
    need: Need
    asked: date
    meetings: tuple[WeeklyMeeting, ...]
    is_mixed: bool
    wish: Preferences
    order: RankKey

    @property
    def starts(self) -> date:
        return self.need.from_day

    @property
    def points(self) -> int:
        return self.order[0]

    @cached_property
    def price(self) -> Score:
        return score_meetings(self.meetings, self.need, asked=self.asked, is_mixed=self.is_mixed, kept=self.wish.kept)

    @cached_property
    def minutes(self) -> int:
        return add_up(self.meetings, self.need.rules, self.offer.individual_minutes).minutes

    @cached_property
    def days(self) -> int:
        return add_up(self.meetings, self.need.rules).days

    @property
    def gives(self) -> tuple[CommitmentMove, ...]:
        """What would have to move for it, each commitment's side and weekday once, with the most minutes."""
        most: dict[tuple[str, str, int, bool], CommitmentMove] = {}
        for give in self.price.gives:
            key = (str(give.busy.key), give.busy.label, give.weekday, give.ends_earlier)
            if key not in most or most[key].minutes < give.minutes:
                most[key] = give
        return tuple(most.values())

    @cached_property
    def missed(self) -> tuple[tuple[date, WeeklyMeeting], ...]:
        """The dates within the horizon on which the patient will not be there, with what they miss."""
        return tuple(
            sorted(((on, each) for each in self.meetings for on in missed_dates(each, self.need)), key=_date_order)
        )

    @cached_property
    def sessions(self) -> int:
        """How many sessions it has in the horizon, those that are missed included."""
        return sum(1 for each in self.meetings for _ in self.need.dates_of(each))

    @cached_property
    def is_whole(self) -> bool:
        """Whether it is as much as anybody could attend of its track."""
        return not self.is_mixed and is_whole_track(self.offer, self.meetings, self.need)


def find_schedules(
    offers: Iterable[Offer], need: Need, *, wish: Preferences | None = None, most: int = MAX_SCHEDULES
) -> tuple[Schedule, ...]:
    """The best schedules that the tracks have for the need, at most so many, the best first.

    A track that takes people on start dates is tried from its next one. Empty when nothing fits.
    """
    wish = wish or Preferences()
    streams: list[Iterator[Schedule]] = []
    for pooled, begun in pool_offers(offers, need):
        streams.append(_pool_schedules(pooled, begun, need.from_day, wish))
        for offer in pooled:
            streams.append(_whole_track_schedules(offer, begun, need.from_day, wish))
    return tuple(islice(merge(*streams, key=lambda schedule: schedule.order), most))


def pool_offers(offers: Iterable[Offer], need: Need) -> list[tuple[tuple[Offer, ...], Need]]:
    """The tracks open to the patient, those that mix together, each pool with the need from the day on which it begins."""
    begun: dict[date, Need] = {need.from_day: need}
    found: list[tuple[list[Offer], Need]] = []
    for offer in sorted(offers, key=lambda offer: (offer.name, str(offer.key))):
        entry = offer.next_entry(need.from_day)
        if entry is None:
            continue
        then = begun.setdefault(entry, need if entry == need.from_day else replace(need, from_day=entry))
        if any(reason for rule in TRACK_RULES for reason in rule(offer, then, ())):
            continue
        like = next((pooled for pooled, begins in found if begins is then and pooled[0].mixes_with(offer)), None)
        if like is None:
            found.append(([offer], then))
        else:
            like.append(offer)
    return [(tuple(pooled), then) for pooled, then in found]


def is_whole_track(offer: Offer, meetings: Sequence[WeeklyMeeting], need: Need) -> bool:
    """Whether what is chosen is as much as anybody could attend of the track."""
    ideal = as_much_as_possible([offered.meeting for offered in offer.meetings], need.rules)
    return len(meetings) == len(ideal) and add_up(meetings, need.rules) == add_up(ideal, need.rules)


def _pool_schedules(pooled: tuple[Offer, ...], need: Need, asked: date, wish: Preferences) -> Iterator[Schedule]:
    """The schedules of one pool of tracks, the best first."""
    pool = _build_pool(pooled, need)
    tracks_of = {meeting.key: tracks for meeting, tracks in pool.meetings}
    for candidate in best_weeks(pool, need, wish.weights, asked=asked, kept=wish.kept):
        home = _home_track(pooled, candidate, tracks_of)
        yield Schedule(
            offer=home,
            need=need,
            asked=asked,
            meetings=candidate.meetings,
            is_mixed=candidate.is_mixed,
            wish=wish,
            order=(*candidate.order, home.name, str(home.key)),
        )


def _build_pool(pooled: tuple[Offer, ...], need: Need) -> MeetingPool:
    """The meetings of the tracks that count, are free for the patient and have a place, and in which tracks each is."""
    held: dict[Key, tuple[WeeklyMeeting, int]] = {}
    for number, offer in enumerate(pooled):
        for offered in offer.meetings:
            meeting = offered.meeting
            if meeting.key in held:
                held[meeting.key] = (meeting, held[meeting.key][1] | 1 << number)
            elif _is_open(meeting, need) and not any(places_missing(offered, need)):
                held[meeting.key] = (meeting, 1 << number)
    return MeetingPool(meetings=tuple(held.values()), individual_minutes=pooled[0].individual_minutes)


def counts_toward_hours(meeting: WeeklyMeeting) -> bool:
    """Whether it brings hours: what is held every other week or does not count comes on top of a whole track alone."""
    return meeting.anchor is None and meeting.countable


def _is_open(meeting: WeeklyMeeting, need: Need) -> bool:
    return counts_toward_hours(meeting) and not resolve_meeting(meeting, need).blocking


def _home_track(pooled: tuple[Offer, ...], candidate: WeekCandidate, tracks_of: Mapping[Key, int]) -> Offer:
    """The track with most of its meetings, as `mixing.home_of` has it: the first that has all of it, if one has."""
    if not candidate.is_mixed:
        return pooled[(candidate.tracks & -candidate.tracks).bit_length() - 1]
    tracks = [tracks_of[meeting.key] for meeting in candidate.meetings]
    number = max(range(len(pooled)), key=lambda number: sum(each >> number & 1 for each in tracks))
    return pooled[number]


def _whole_track_schedules(offer: Offer, need: Need, asked: date, wish: Preferences) -> Iterator[Schedule]:
    """The whole track with what comes on top of its hours, which `best_weeks` leaves out, if it has such and fits."""
    on_top = [each.meeting for each in offer.meetings if each.meeting.anchor or not each.meeting.countable]
    if not on_top:
        return
    free = [
        offered.meeting
        for offered in offer.meetings
        if not resolve_meeting(offered.meeting, need).blocking and not any(places_missing(offered, need))
    ]
    possible = as_much_as_possible(free, need.rules)
    if not any(each in on_top for each in possible) or not is_whole_track(offer, possible, need):
        return
    if judge(offer, need, possible):
        return
    points = score_meetings(possible, need, asked=asked, kept=wish.kept).points(wish.weights)
    yield Schedule(
        offer=offer,
        need=need,
        asked=asked,
        meetings=possible,
        is_mixed=False,
        wish=wish,
        order=(*rank_key(points, possible), offer.name, str(offer.key)),
    )


def _date_order(missed: tuple[date, WeeklyMeeting]) -> tuple[date, int, str]:
    on, meeting = missed
    return on, meeting.span.start, str(meeting.key)
