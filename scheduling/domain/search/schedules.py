"""The best weekly schedules for a patient, exact and in order: whole tracks, parts of tracks, or a mix of tracks.

A schedule is a set of meetings against which `fit.judge` has no reason: either weekly meetings that count, as many as meet the
prescription within the rules, or a whole track with everything that comes on top of its hours. Schedules are ranked by their
score (`score`), then by the times of the week, earlier before later, then by the meetings' keys, then by the track. So the
ranking is total and always the same. `week_search` finds the best schedules of one pool of meetings without trying all.
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
    """What the ranking goes by: the meetings of the present schedule to be `kept`, and the weights of the score."""

    kept: tuple[WeeklyMeeting, ...] = ()
    weights: Weights = WEIGHTS


@dataclass(frozen=True, kw_only=True)
class Schedule:
    """Meetings of one track, or of several that mix, that fit the patient from the day `starts`.

    `offer` is the track to enroll in: of a mixed schedule the one with most of its meetings, then by name. `asked` is the day
    from which the patient wanted a schedule. `minutes` and `days` are a week's, individual minutes included. `points` rank
    it: fewer are better.
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
        """Its first day."""
        return self.need.from_day

    @property
    def points(self) -> int:
        """Its score as one number: the fewer, the better."""
        return self.order[0]

    @cached_property
    def score(self) -> Score:
        """Its score by parts."""
        return score_meetings(
            self.meetings, self.need, asked=self.asked, is_mixed=self.is_mixed, kept=self.preferences.kept
        )

    @cached_property
    def minutes(self) -> int:
        """Counted minutes a week, individual minutes included."""
        return add_up(self.meetings, self.need.rules, self.offer.individual_minutes).minutes

    @cached_property
    def days(self) -> int:
        """Days a week."""
        return add_up(self.meetings, self.need.rules).days

    @property
    def moves(self) -> tuple[Conflict, ...]:
        """What would have to move: for each weekday and end of a commitment, the conflict with the most minutes."""
        most: dict[tuple[str, str, int, bool], Conflict] = {}
        for move in self.score.moves:
            key = (str(move.busy.key), move.busy.label, move.weekday, move.ends_earlier)
            if key not in most or most[key].minutes < move.minutes:
                most[key] = move
        return tuple(most.values())

    @cached_property
    def missed(self) -> tuple[tuple[date, WeeklyMeeting], ...]:
        """The dates in the horizon on which the patient will not attend, each with the meeting, in order."""
        return missed_sessions(self.meetings, self.need)

    @cached_property
    def sessions(self) -> int:
        """The number of its sessions in the horizon, missed ones included."""
        return count_sessions(self.meetings, self.need)

    @cached_property
    def is_whole(self) -> bool:
        """Whether it is as much as anybody could attend of its track."""
        return not self.is_mixed and is_whole_track(self.meetings, self.offer.weekly_meetings, self.need.rules)


def missed_sessions(meetings: Iterable[WeeklyMeeting], need: Need) -> tuple[tuple[date, WeeklyMeeting], ...]:
    """Return the dates that the patient will miss of meetings that fit, each with the meeting, by date and time."""
    missed = ((on, each) for each in meetings for on in need.conflicts_with(each).missed)
    return tuple(sorted(missed, key=lambda one: (one[0], one[1].span.start, str(one[1].key))))


def count_sessions(meetings: Iterable[WeeklyMeeting], need: Need) -> int:
    """Return how many sessions the meetings have in the horizon."""
    return sum(len(need.dates_of(each)) for each in meetings)


def find_schedules(
    offers: Iterable[Offer], need: Need, *, preferences: Preferences | None = None, most: int = MAX_SCHEDULES
) -> tuple[Schedule, ...]:
    """Return the best schedules of the tracks for the need, the best first, at most `most`; empty when nothing fits.

    A track that takes patients on start dates is tried from its next one.
    """
    preferences = preferences or Preferences()
    streams: list[Iterator[Schedule]] = []
    for pooled, need_then in pool_offers(offers, need):
        streams.append(_pool_schedules(pooled, need_then, need.from_day, preferences))
        for offer in pooled:
            streams.append(_whole_track_schedules(offer, need_then, need.from_day, preferences))
    return tuple(islice(merge(*streams, key=lambda schedule: schedule.order), most))


def pool_offers(offers: Iterable[Offer], need: Need) -> list[tuple[tuple[Offer, ...], Need]]:
    """Group the tracks that are open to the patient into pools that mix, each with the need from its first day."""
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
    """The schedules of one pool of tracks, the best first."""
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
    """The meetings that count, fit the patient and have a place, each with its tracks."""
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
    """The whole track, if it fits and has meetings on top of its hours, which `best_weeks` leaves out."""
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
