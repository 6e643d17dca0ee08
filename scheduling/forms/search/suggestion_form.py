"""A repair ↔ text: what its button sends, to be typed into the forms of a what-if in the place of what stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from urllib.parse import urlencode

from scheduling.domain.hours.rules import HoursRules
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.changes import (
    Adjustment,
    JoinsBetweenStartDates,
    MorePlaces,
    NumberAdjustment,
    RuleAdjustment,
    StartsLater,
)
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    CommitmentAdjustment,
    CommitmentSkipped,
    EndsEarlier,
    MoreFlexibility,
    ShorterTravel,
)
from scheduling.formats import hours
from timekeeping.weeks import Recurrence

FieldValue = tuple[str, str]


def encode_changes(changes: Sequence[Adjustment]) -> str:
    """The changes as fields of a form; empty when they can't be typed: two that differ for one commitment, or one that has no
    record of its own, as it came with a calendar.
    """
    found: dict[str, list[str]] = {}
    for change in changes:
        for name, value in _fields_of_change(change):
            if name in found and not name.endswith(("-only", "place")) and found[name] != [value]:
                return ""
            if value not in found.setdefault(name, []):
                found[name].append(value)
    touched = [(change.busy.key, type(change)) for change in changes if isinstance(change, CommitmentAdjustment)]
    can_be_typed = all(isinstance(key, int) for key, _ in touched)
    is_one_way = len({key for key, _ in touched}) == len(set(touched))
    return urlencode(found, doseq=True) if can_be_typed and is_one_way else ""


def _fields_of_change(change: Adjustment) -> Iterator[FieldValue]:
    match change:
        case CommitmentAdjustment():
            yield from _fields_of_commitment_change(change)
        case MorePlaces():
            yield from (("place", str(key)) for key in sorted(change.keys, key=str))
        case StartsLater():
            yield "from", change.first.isoformat()
        case JoinsBetweenStartDates():
            yield "join", str(change.track)
        case RuleAdjustment():
            yield "rule", f"{change.rule}:{change.after}"
        case NumberAdjustment(code="prescribes_fewer_minutes"):
            yield "prescribed_minutes", hours(change.after)
        case NumberAdjustment():
            yield "prescribed_days", str(change.after)


def _fields_of_commitment_change(change: CommitmentAdjustment) -> Iterator[FieldValue]:
    """On one weekday alone where the commitment has others too."""
    prefix = f"c{change.busy.key}"
    if change.weekday is not None and isinstance(change.busy.recurrence, Recurrence):
        yield f"{prefix}-only", str(change.weekday)
    match change:
        case EndsEarlier():
            yield f"{prefix}-ends", f"{change.ends:%H:%M}"
        case BeginsLater():
            yield f"{prefix}-starts", f"{change.starts:%H:%M}"
        case MoreFlexibility():
            yield f"{prefix}-movable_minutes", str(change.movable_minutes)
        case ShorterTravel():
            yield f"{prefix}-travel_{'before' if change.before else 'after'}", str(change.new_travel)
        case CommitmentSkipped():
            yield f"{prefix}-leave_out", "on"


def parse_rule_change(text: str, need: Need) -> RuleAdjustment | None:
    """A bound of the rules and what it is to be, as name:number; None for nonsense and for what it is already."""
    name, _, number = text.partition(":")
    if name not in {field.name for field in fields(HoursRules) if field.name.startswith(("minimum", "maximum"))}:
        return None
    before, after = getattr(need.rules, name), int(number) if number.isdecimal() else -1
    change = RuleAdjustment(rule=name, before=before, after=after)
    try:
        is_other = change.with_need(need).rules != need.rules
    except ValueError:
        return None
    return change if is_other else None
