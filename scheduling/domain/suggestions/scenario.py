"""A what-if: the need and the tracks as they would be if some things were different. Nothing is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from scheduling.domain.search.fit import judge
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import Schedule
from scheduling.domain.suggestions.changes import RuleAdjustment, with_places, with_start_date
from timekeeping.reasons import Key, Reason
from timekeeping.weeks import BusyTime


@dataclass(frozen=True, slots=True)
class ChangedCommitment:
    """A commitment `was` as it is, and `now` as it would be.

    That is empty if it were not there, and two busy times if it were different on some days only: first the part that stays.
    """

    was: BusyTime
    now: tuple[BusyTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What would be different: commitments, the prescription, and the bounds of the rules.

    There would be a place in the full meetings with the keys `places_in`, and the tracks with the keys `joined` would take the
    patient on any day in spite of their start dates. Minutes and days a week are None when they stay as prescribed.
    """

    changed: tuple[ChangedCommitment, ...] = ()
    prescribed_minutes: int | None = None
    prescribed_days: int | None = None
    places_in: frozenset[Key] = field(default_factory=frozenset)
    joined: frozenset[Key] = field(default_factory=frozenset)
    rules: tuple[RuleAdjustment, ...] = ()

    def __bool__(self) -> bool:
        prescribes = self.prescribed_minutes or self.prescribed_days
        return bool(self.changed or prescribes or self.places_in or self.joined or self.rules)

    def applied_to(self, need: Need) -> Need:
        """Return the need as it would be. Changes of commitments that are not part of the need are ignored.

        Raises ValueError if the changed rules contradict each other.
        """
        changed: Mapping[Key, tuple[BusyTime, ...]] = {each.was.key: each.now for each in self.changed}
        then = replace(
            need,
            busy=tuple(
                part
                for each in need.busy
                for part in ((each,) if each.is_treatment else changed.get(each.key, (each,)))
            ),
            prescribed_minutes=self.prescribed_minutes or need.prescribed_minutes,
            prescribed_days=self.prescribed_days or need.prescribed_days,
        )
        for change in self.rules:
            then = change.with_need(then)
        return then

    def offered(self, offers: Iterable[Offer], need: Need) -> tuple[Offer, ...]:
        """Return the tracks as they would be for the need."""
        placed = (with_places(offer, self.places_in) for offer in offers)
        return tuple(with_start_date(each, need.from_day) if each.key in self.joined else each for each in placed)


def check_without_scenario(schedule: Schedule, need: Need, offers: Iterable[Offer]) -> tuple[Reason, ...]:
    """Return every reason against a scenario's schedule as things really are: for this `need` and these `offers`."""
    chosen = {meeting.key for meeting in schedule.meetings}
    offered = {each.meeting.key: each for offer in offers for each in offer.meetings if each.meeting.key in chosen}
    attended = replace(schedule.offer, meetings=tuple(offered.values()))
    return judge(attended, replace(need, from_day=schedule.starts), schedule.meetings)
