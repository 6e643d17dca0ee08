"""A repair ↔ text: what its button sends, to be typed into the forms of a what-if in the place of what stands there."""

from collections.abc import Iterator, Sequence
from dataclasses import fields
from urllib.parse import urlencode

from scheduling.domain.hours.rules import RuleSet
from scheduling.domain.search.need import Need
from scheduling.domain.suggestions.changes import BeginsOn, Change, JoinsBetween, MorePlaces, NumberChange, RuleChange
from scheduling.domain.suggestions.commitment_changes import (
    BeginsLater,
    EndsEarlier,
    LifeChange,
    MovesFurther,
    ShorterWay,
    TakesNoPlace,
)
from scheduling.templatetags.formats import hours
from timekeeping.weeks import Recurrence

Field = tuple[str, str]


def as_typed(changes: Sequence[Change]) -> str:
    """The changes as fields of a form; empty when they can't be typed: two that differ for one commitment, or one that has no
    record of its own, as it came with a calendar.
    """
    found: dict[str, list[str]] = {}
    for change in changes:
        for name, value in _typed(change):
            if name in found and not name.endswith(("-only", "place")) and found[name] != [value]:
                return ""
            if value not in found.setdefault(name, []):
                found[name].append(value)
    touched = [(change.busy.key, type(change)) for change in changes if isinstance(change, LifeChange)]
    can_be_typed = all(isinstance(key, int) for key, _ in touched)
    is_one_way = len({key for key, _ in touched}) == len(set(touched))
    return urlencode(found, doseq=True) if can_be_typed and is_one_way else ""


def _typed(change: Change) -> Iterator[Field]:
    match change:
        case LifeChange():
            yield from _of_life(change)
        case MorePlaces():
            yield from (("place", str(key)) for key in sorted(change.keys, key=str))
        case BeginsOn():
            yield "from", change.first.isoformat()
        case JoinsBetween():
            yield "join", str(change.track)
        case RuleChange():
            yield "rule", f"{change.rule}:{change.after}"
        case NumberChange(code="prescribes_fewer_minutes"):
            yield "prescribed_minutes", hours(change.after)
        case NumberChange():
            yield "prescribed_days", str(change.after)


def _of_life(change: LifeChange) -> Iterator[Field]:
    """On one weekday alone where the commitment has others too."""
    prefix = f"c{change.busy.key}"
    if change.weekday is not None and isinstance(change.busy.recurrence, Recurrence):
        yield f"{prefix}-only", str(change.weekday)
    match change:
        case EndsEarlier():
            yield f"{prefix}-ends", f"{change.ends:%H:%M}"
        case BeginsLater():
            yield f"{prefix}-starts", f"{change.starts:%H:%M}"
        case MovesFurther():
            yield f"{prefix}-movable_minutes", str(change.movable_minutes)
        case ShorterWay():
            yield f"{prefix}-travel_{'before' if change.before else 'after'}", str(change.way)
        case TakesNoPlace():
            yield f"{prefix}-leave_out", "on"


def read_rule(text: str, need: Need) -> RuleChange | None:
    """A bound of the rules and what it is to be, as name:number; None for nonsense and for what it is already."""
    name, _, number = text.partition(":")
    if name not in {field.name for field in fields(RuleSet) if field.name.startswith(("minimum", "maximum"))}:
        return None
    before, after = getattr(need.rules, name), int(number) if number.isdecimal() else -1
    change = RuleChange(rule=name, before=before, after=after)
    try:
        is_other = change.with_need(need).rules != need.rules
    except ValueError:
        return None
    return change if is_other else None
