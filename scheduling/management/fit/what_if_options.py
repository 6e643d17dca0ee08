"""The what-if options of the fit command. They change the need for one search, and nothing is saved."""

from argparse import ArgumentParser
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from django.core.management.base import CommandError

from patients.models import Commitment, Episode
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.scenario import ChangedCommitment, Scenario
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Key
from timekeeping.weeks import MINUTES_A_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class WhatIfOptions:
    """The values of the what-if options. None means that the option is not given and changes nothing.

    `minutes` and `days` are the prescription per week. `travel` is in minutes each way. `without` are the keys of
    commitments to leave out. `movable` maps the keys of commitments to the minutes by which they can move. With
    `leaving`, the current enrollments are left out, as if they had ended.
    """

    minutes: int | None
    days: int | None
    travel: int | None
    without: frozenset[Key]
    movable: Mapping[Key, int]
    leaving: bool

    def scenario(self, need: Need) -> Scenario:
        """Build the scenario that applies the options to the need.

        Busy times that are booked treatment do not change.
        """
        return Scenario(
            changed=tuple(ChangedCommitment(each, self._changed(each)) for each in need.busy if not each.is_treatment),
            prescribed_minutes=self.minutes,
            prescribed_days=self.days,
        )

    def _changed(self, busy: BusyTime) -> tuple[BusyTime, ...]:
        if busy.key in self.without:
            return ()
        changed = replace(
            busy,
            movable_minutes=self.movable.get(busy.key, busy.movable_minutes),
            travel_before=busy.travel_before if self.travel is None else self.travel,
            travel_after=busy.travel_after if self.travel is None else self.travel,
        )
        return (changed,)


def add_what_if_arguments(parser: ArgumentParser) -> None:
    what_if = parser.add_argument_group("what if", "Search as if something were different. Nothing is saved.")
    what_if.add_argument("--minutes", type=int, metavar="N", help="prescribe N minutes a week")
    what_if.add_argument("--days", type=int, metavar="N", help="prescribe N days a week")
    what_if.add_argument("--travel", type=int, metavar="N", help="N minutes of travel to and from every commitment")
    what_if.add_argument(
        "--without", action="append", default=[], metavar="CODE", help="leave a commitment out; can be repeated"
    )
    what_if.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="CODE=N",
        help="let a commitment end earlier or start later by N minutes; can be repeated",
    )
    what_if.add_argument(
        "--leaving",
        action="store_true",
        help="as if the current enrollments had ended, keeping as much of them as possible",
    )


def read_options(options: Mapping[str, Any], commitments: Iterable[Commitment], need: Need) -> WhatIfOptions:
    """Parse the what-if options.

    Raises CommandError if a number is out of range or a commitment does not exist.
    """
    by_code = {name: each for each in commitments for name in (str(each.pk), each.code) if name}
    durations = {busy.key: busy.minutes for busy in need.busy}
    _check_range(options["minutes"], "--minutes", 1, 7 * MINUTES_A_DAY)
    _check_range(options["days"], "--days", 1, 7)
    _check_range(options["travel"], "--travel", 0, MINUTES_A_DAY)
    return WhatIfOptions(
        minutes=options["minutes"],
        days=options["days"],
        travel=options["travel"],
        without=frozenset(_find_commitment(code, by_code).pk for code in options["without"]),
        movable=dict(_parse_move(text, by_code, durations) for text in options["move"]),
        leaving=options["leaving"],
    )


def has_what_if(options: Mapping[str, Any]) -> bool:
    """Whether any what-if option is given."""
    return any(options[name] is not None for name in ("minutes", "days", "travel")) or bool(
        options["without"] or options["move"] or options["leaving"]
    )


def commitments_of(episode: Episode, need: Need) -> list[Commitment]:
    """Return the patient's saved commitments among the need's busy times, ordered by code."""
    keys = [busy.key for busy in need.busy if not busy.is_treatment and isinstance(busy.key, int)]
    return list(Commitment.objects.filter(patient=episode.patient_id, pk__in=keys).order_by("code", "pk"))


def _parse_move(text: str, by_code: Mapping[str, Commitment], durations: Mapping[Key, int]) -> tuple[Key, int]:
    code, _, minutes = text.rpartition("=")
    if not code or not minutes.isdecimal():
        raise CommandError(f"--move {text} must give a commitment and minutes, such as --move CODE=30.")
    key = _find_commitment(code, by_code).pk
    _check_range(int(minutes), f"--move {code}", 0, durations[key] - 1)
    return key, int(minutes)


def _find_commitment(code: str, by_code: Mapping[str, Commitment]) -> Commitment:
    if code in by_code:
        return by_code[code]
    existing = ", ".join(f"{each.code or each.pk} ({each.label})" for each in dict.fromkeys(by_code.values()))
    raise CommandError(
        f"There is no commitment {code}. "
        + (f"Choose one of these: {existing}." if existing else "The patient has no commitments.")
    )


def _check_range(number: int | None, name: str, least: int, most: int) -> None:
    if number is not None and not least <= number <= most:
        raise CommandError(f"{name} must be from {least} to {most}, not {number}.")
