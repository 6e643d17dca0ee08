"""Cards that show the schedules found by a search. Schedules of the same track are grouped."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple
from urllib.parse import urlencode

from scheduling.domain.hours.rules import HIGHER_BAND_MINUTES
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.remarks import MixesTracks, Remark, remarks_on
from scheduling.domain.search.schedules import Schedule
from scheduling.domain.suggestions.scenario import check_without_scenario
from scheduling.views.search.track_cards import TrackCard
from scheduling.views.week_pictures import picture_of_schedule
from scheduling.week_picture import WeekPicture
from timekeeping.reasons import Reason


class TimeRange(NamedTuple):
    """Start and end in minutes from midnight, and whether the time applies only every other week."""

    starts: int
    ends: int
    every_other_week: bool = False


@dataclass(frozen=True)
class DayTimes:
    """Weekdays that have the same times."""

    weekdays: tuple[int, ...]
    times: tuple[TimeRange, ...]


@dataclass(frozen=True)
class ScheduleCard:
    """A schedule, its rank in the search (`number`, starting at 1), and remarks on the schedule.

    If the schedule was found under a scenario, `against` has the reasons why it doesn't fit without the scenario.
    """

    schedule: Schedule
    number: int
    remarks: Sequence[Remark]
    against: Sequence[Reason] = ()
    is_chosen: bool = False

    @property
    def key(self) -> str:
        return schedule_key(self.schedule)

    @property
    def enroll_query(self) -> str:
        """Query string that opens the enrollment page with this schedule filled in."""
        meetings = (("meetings", str(meeting.key)) for meeting in self.schedule.meetings)
        return urlencode([("from", self.schedule.starts.isoformat()), *meetings])

    @property
    def days(self) -> list[DayTimes]:
        """Weekly times of the schedule, in the order of the week. Days with the same times are grouped."""
        found: dict[tuple[TimeRange, ...], list[int]] = {}
        for weekday in sorted({meeting.weekday for meeting in self.schedule.meetings}):
            today = [each for each in self.schedule.meetings if each.weekday == weekday]
            times = (TimeRange(each.span.start, each.span.end, each.anchor is not None) for each in today)
            found.setdefault(tuple(times), []).append(weekday)
        return [DayTimes(tuple(weekdays), times) for times, weekdays in found.items()]

    @property
    def track_names(self) -> tuple[str, ...]:
        """Names of the tracks to which the groups belong. The patient would enroll in the first of them."""
        mixed = (remark.tracks for remark in self.remarks if isinstance(remark, MixesTracks))
        return next(mixed, (self.schedule.offer.name,))

    @property
    def is_higher_band(self) -> bool:
        return self.schedule.minutes >= HIGHER_BAND_MINUTES

    @cached_property
    def picture(self) -> WeekPicture:
        return picture_of_schedule(self.schedule)


@dataclass(frozen=True)
class TrackChoice:
    """Cards for the schedules of one track, or of one combination of tracks.

    `card` is the card of the best schedule. `variants` has the other cards, best first. If the track does not fit as a
    whole, `in_part` says why.
    """

    names: Sequence[str]
    card: ScheduleCard
    variants: Sequence[ScheduleCard]
    in_part: TrackCard | None = None

    @property
    def has_chosen_variant(self) -> bool:
        """Whether the user chose one of the variants for the comparison."""
        return any(card.is_chosen for card in self.variants)


def schedule_cards(
    schedules: Iterable[Schedule], offers: Sequence[Offer], *, need: Need | None = None, chosen: Collection[str] = ()
) -> list[ScheduleCard]:
    """Return a card for each schedule, in the given order.

    If the schedules were found under a scenario, `need` is the need without the scenario. Each card then has the
    reasons why its schedule doesn't fit without the scenario. `chosen` has the keys of the schedules that the user
    chose.
    """
    cards = []
    for number, schedule in enumerate(schedules, 1):
        against = check_without_scenario(schedule, need, offers) if need else ()
        is_chosen = schedule_key(schedule) in chosen
        cards.append(ScheduleCard(schedule, number, remarks_on(schedule, offers), against, is_chosen))
    return cards


def schedule_key(schedule: Schedule) -> str:
    """Return a key that identifies a schedule within one search: track id, first day and meeting ids, but no names."""
    meetings = "-".join(str(meeting.key) for meeting in schedule.meetings)
    return f"{schedule.offer.key}.{schedule.starts:%Y-%m-%d}.{meetings}"


def group_by_track(cards: Iterable[ScheduleCard], tracks: Iterable[TrackCard]) -> list[TrackChoice]:
    """Group the schedules by the set of tracks that they use. Each set is one choice.

    Schedules with the same set belong together, whichever track of the set the patient would enroll in. The choices are
    in the order of their best schedules. `tracks` are all tracks. Those that do not fit as a whole say why.
    """
    found: dict[tuple[object, ...], list[ScheduleCard]] = {}
    for card in cards:
        key = (frozenset(card.track_names),) if card.schedule.is_mixed else (card.schedule.offer.key,)
        found.setdefault(key, []).append(card)
    in_part = {card.fit.offer.key: card for card in tracks if card.fits_in_part}
    return [
        TrackChoice(
            first.track_names,
            first,
            variants,
            None if first.schedule.is_mixed else in_part.get(first.schedule.offer.key),
        )
        for first, *variants in found.values()
    ]
