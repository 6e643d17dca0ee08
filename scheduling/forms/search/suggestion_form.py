"""Encode a suggestion as form data. The suggestion's button submits this data in place of the user's what-if input."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import fields
from urllib.parse import urlencode

from iopmanager.form_fields import parse_number
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
REPEATED_FIELDS = ("-only", "place")
"""Suffixes of the names of form fields that can have several values."""


def encode_changes(changes: Sequence[Adjustment]) -> str:
    """Encode the changes as a query string. Return an empty string if the what-if forms can't express them.

    The forms can't express different changes to one commitment, or a change to a commitment from an imported
    calendar.
    """
    found: dict[str, list[str]] = defaultdict(list)
    for name, value in (field for change in changes for field in _fields_of_change(change)):
        if value not in found[name]:
            found[name].append(value)
    is_unambiguous = all(len(values) == 1 or name.endswith(REPEATED_FIELDS) for name, values in found.items())
    return urlencode(found, doseq=True) if is_unambiguous and _fits_forms(changes) else ""


def _fits_forms(changes: Sequence[Adjustment]) -> bool:
    """Whether each commitment has only one kind of change, and none is from an imported calendar."""
    changed = {(change.busy.key, type(change)) for change in changes if isinstance(change, CommitmentAdjustment)}
    keys = [key for key, _ in changed]
    return all(isinstance(key, int) for key in keys) and len(set(keys)) == len(keys)


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
    """Yield the form fields of a changed commitment.

    The field `only` limits the change to one of the commitment's weekdays.
    """
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
    """Parse `name:number` as a changed limit in the site's rules. Return None if the text is invalid or changes nothing."""
    name, _, number = text.partition(":")
    if name not in {field.name for field in fields(HoursRules) if field.name.startswith(("minimum", "maximum"))}:
        return None
    before, after = getattr(need.rules, name), parse_number(number)
    if after is None:
        return None
    change = RuleAdjustment(rule=name, before=before, after=after)
    try:
        is_other = change.with_need(need).rules != need.rules
    except ValueError:
        return None
    return change if is_other else None
