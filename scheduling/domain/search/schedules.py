"""Find the best weekly schedules for a patient, in order of rank: whole tracks, parts of tracks, and mixes of tracks.

A schedule is a set of meetings for which `fit.judge` returns no reason. There are two kinds:

- weekly meetings that all count toward the hours
- a whole track, including its meetings that do not count

Schedules are ranked by their score (`score`), then by the times of the week (earlier first), then by the meetings'
keys, then by track. No two schedules are equal in this order. `week_search` finds the best schedules of one pool of
meetings without trying all of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from heapq import merge
from itertools import islice

from scheduling.domain.hours.rules import WeeklyMeeting, add_up
from scheduling.domain.search.conflicts import Conflict
from scheduling.domain.search.fit import TRACK_RULES, check_places, judge
from scheduling.domain.search.meeting_choice import as_much_as_possible, counts_toward_hours, is_whole_track
from scheduling.domain.search.mixed_tracks import home_track
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.score import WEIGHTS, Score, Weights, score_meetings
from scheduling.domain.search.week_search import MeetingPool, RankKey, best_weeks, rank_key
from timekeeping.reasons import Key

MAX_SCHEDULES = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Preferences:
    """Values that the ranking of schedules depends on, in addition to the patient's need.

    `kept` are the meetings of the patient's present schedule, which the ranking prefers. `weights` are the weights of
    the score.
    """

    kept: tuple[WeeklyMeeting, ...] = ()
    weights: Weights = WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Weekly meetings that the patient can attend. They are of one track, or of several tracks that mix.

    `offer` is the track to enroll in. For a mixed schedule, this is the track with the most of the schedule's meetings.
    Ties go to the first by name. `asked` is the start date that was requested. `minutes` is the weekly total of
    countable minutes, with individual sessions. Schedules with fewer `points` rank higher.
    """

    offer: Offer
    need: Need
    asked: date
    meetings: tuple[WeeklyMeeting, ...]
    is_mixed: bool
    preferences: Preferences
    order: RankKey

    @property
    def starts(self) -> date:
        """First day of the schedule."""
        return self.need.from_day

    @property
    def points(self) -> int:
        """Score of the schedule as one number; fewer points are better."""
        return self.order[0]

    @cached_property
    def score(self) -> Score:
        """Score of the schedule, divided into its parts."""
        return score_meetings(
            self.meetings, self.need, asked=self.asked, is_mixed=self.is_mixed, kept=self.preferences.kept
        )

    @cached_property
    def minutes(self) -> int:
        """Minutes per week that count toward the hours, individual minutes included."""
        return add_up(self.meetings, self.need.rules, self.offer.individual_minutes).minutes

    @cached_property
    def days(self) -> int:
        """Number of days per week with group minutes that count toward the hours."""
        return add_up(self.meetings, self.need.rules).days

    @property
    def moves(self) -> tuple[Conflict, ...]:
        """Moves of commitments that the schedule requires.

        For each commitment and weekday, only the largest move to an earlier end and the largest move to a later start
        are included.
        """
        most: dict[tuple[str, str, int, bool], Conflict] = {}
        for move in self.score.moves:
            key = (str(move.busy.key), move.busy.label, move.weekday, move.ends_earlier)
            if key not in most or most[key].minutes < move.minutes:
                most[key] = move
        return tuple(most.values())

    @cached_property
    def missed(self) -> tuple[tuple[date, WeeklyMeeting], ...]:
        """Sessions in the horizon that the patient would miss, as pairs of date and meeting, in order."""
        return missed_sessions(self.meetings, self.need)

    @cached_property
    def sessions(self) -> int:
        """Number of the schedule's sessions in the horizon, including those that would be missed."""
        return count_sessions(self.meetings, self.need)

    @cached_property
    def is_whole(self) -> bool:
        """Whether the schedule is a whole track: no other choice of the track's meetings would be larger."""
        return not self.is_mixed and is_whole_track(self.meetings, self.offer.weekly_meetings, self.need.rules)


def missed_sessions(meetings: Iterable[WeeklyMeeting], need: Need) -> tuple[tuple[date, WeeklyMeeting], ...]:
    """Return the sessions that the patient would miss, as pairs of date and meeting, sorted by date and time.

    None of the meetings may be blocked by a conflict.
    """
    missed = ((on, each) for each in meetings for on in need.conflicts_with(each).missed)
    return tuple(sorted(missed, key=lambda one: (one[0], one[1].span.start, str(one[1].key))))


def count_sessions(meetings: Iterable[WeeklyMeeting], need: Need) -> int:
    """Return the total number of sessions that the meetings have in the horizon."""
    return sum(len(need.dates_of(each)) for each in meetings)


def find_schedules(
    offers: Iterable[Offer], need: Need, *, preferences: Preferences | None = None, most: int = MAX_SCHEDULES
) -> tuple[Schedule, ...]:
    """Return up to `most` schedules for the need, the best first. The list is empty if nothing fits.

    Schedules of a track with fixed start dates begin on its next start date.
    """
    preferences = preferences or Preferences()
    streams: list[Iterator[Schedule]] = []
    for pooled, need_then in pool_offers(offers, need):
        streams.append(_pool_schedules(pooled, need_then, need.from_day, preferences))
        for offer in pooled:
            streams.append(_whole_track_schedules(offer, need_then, need.from_day, preferences))
    return tuple(islice(merge(*streams, key=lambda schedule: schedule.order), most))


def pool_offers(offers: Iterable[Offer], need: Need) -> list[tuple[tuple[Offer, ...], Need]]:
    """Group tracks into pools, so that one schedule can combine the meetings of all tracks in a pool.

    Tracks that do not take the patient are left out. Two tracks are in the same pool if they mix and have the same next
    start date. For a track that takes patients on any day, the next start date is the first day of `need`. Each pool is
    returned with the patient's need from that start date on.
    """
    needs: dict[date, Need] = {need.from_day: need}
    found: list[tuple[list[Offer], Need]] = []
    for offer in sorted(offers, key=lambda offer: (offer.name, str(offer.key))):
        start = offer.next_start_date(need.from_day)
        if start is None:
            continue
        then = needs.setdefault(start, need if start == need.from_day else replace(need, from_day=start))
        if any(reason for rule in TRACK_RULES for reason in rule(offer, then, ())):
            continue
        pool = next((pooled for pooled, other in found if other is then and pooled[0].mixes_with(offer)), None)
        if pool is None:
            found.append(([offer], then))
        else:
            pool.append(offer)
    return [(tuple(pooled), then) for pooled, then in found]


def _pool_schedules(pooled: tuple[Offer, ...], need: Need, asked: date, preferences: Preferences) -> Iterator[Schedule]:
    """Yield the schedules of one pool of tracks, the best first."""
    pool = _build_pool(pooled, need)
    for candidate in best_weeks(pool, need, preferences.weights, asked=asked, kept=preferences.kept):
        home = home_track(pooled, candidate.meetings)
        yield Schedule(
            offer=home,
            need=need,
            asked=asked,
            meetings=candidate.meetings,
            is_mixed=candidate.is_mixed,
            preferences=preferences,
            order=(*candidate.order, home.name, str(home.key)),
        )


def _build_pool(pooled: tuple[Offer, ...], need: Need) -> MeetingPool:
    """Return the meetings that count toward the hours, fit the patient and have a free spot, each with its tracks."""
    tracks_by_key: dict[Key, tuple[WeeklyMeeting, int]] = {}
    for number, offer in enumerate(pooled):
        for offered in offer.meetings:
            meeting = offered.meeting
            if meeting.key in tracks_by_key:
                tracks_by_key[meeting.key] = (meeting, tracks_by_key[meeting.key][1] | 1 << number)
            elif _is_open(meeting, need) and not any(check_places(offered, need)):
                tracks_by_key[meeting.key] = (meeting, 1 << number)
    return MeetingPool(meetings=tuple(tracks_by_key.values()), individual_minutes=pooled[0].individual_minutes)


def _is_open(meeting: WeeklyMeeting, need: Need) -> bool:
    return counts_toward_hours(meeting) and not need.conflicts_with(meeting).blocking


def _whole_track_schedules(offer: Offer, need: Need, asked: date, preferences: Preferences) -> Iterator[Schedule]:
    """Yield the whole track as a schedule if it fits and has meetings that do not count toward the hours.

    `best_weeks` does not find such schedules, because its pool has only meetings that count.
    """
    on_top = [each for each in offer.weekly_meetings if not counts_toward_hours(each)]
    if not on_top:
        return
    free = [
        offered.meeting
        for offered in offer.meetings
        if not need.conflicts_with(offered.meeting).blocking and not any(check_places(offered, need))
    ]
    possible = as_much_as_possible(free, need.rules)
    if not any(each in on_top for each in possible):
        return
    if not is_whole_track(possible, offer.weekly_meetings, need.rules) or judge(offer, need, possible):
        return
    points = score_meetings(possible, need, asked=asked, kept=preferences.kept).points(preferences.weights)
    yield Schedule(
        offer=offer,
        need=need,
        asked=asked,
        meetings=possible,
        is_mixed=False,
        preferences=preferences,
        order=(*rank_key(points, possible), offer.name, str(offer.key)),
    )
