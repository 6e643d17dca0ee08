"""What-if scenarios: a patient's need and the tracks as they would be after some changes. Nothing is saved."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from scheduling.domain.search.fit import judge
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import Schedule
from scheduling.domain.suggestions.changes import RuleAdjustment, with_places, with_start_date
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key, Reason


@dataclass(frozen=True, slots=True)
class ChangedCommitment:
    """A commitment (`was`), and the busy times that replace it in a scenario (`now`).

    `now` is empty if the commitment is left out. If only some days of the commitment change, `now` has the part on the
    other days first, then the part on the changed days. Days that are left out are in no part.
    """

    was: BusyTime
    now: tuple[BusyTime, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A what-if scenario: changes to commitments, the prescription, full meetings, start dates, and the rules.

    `prescribed_minutes` and `prescribed_days` are per week; None means that they do not change. `places_in` has the
    keys of full meetings that get a spot. `joined` has the keys of tracks that take the patient on the requested day,
    even if that day is not one of their start dates.
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
        """Return the need after the changes. Changes to commitments that are not in the need are ignored.

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
        """Return the tracks after the changes, for a patient who starts on `need.from_day`."""
        placed = (with_places(offer, self.places_in) for offer in offers)
        return tuple(with_start_date(each, need.from_day) if each.key in self.joined else each for each in placed)


def check_without_scenario(schedule: Schedule, need: Need, offers: Iterable[Offer]) -> tuple[Reason, ...]:
    """Return every reason why a schedule found under a scenario does not fit the actual `need` and `offers`."""
    chosen = {meeting.key for meeting in schedule.meetings}
    offered = {each.meeting.key: each for offer in offers for each in offer.meetings if each.meeting.key in chosen}
    attended = replace(schedule.offer, meetings=tuple(offered.values()))
    return judge(attended, replace(need, from_day=schedule.starts), schedule.meetings)
