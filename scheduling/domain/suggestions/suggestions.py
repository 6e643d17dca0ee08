"""Suggest the smallest changes that would help when nothing fits, each verified by the search.

A suggestion has one or two changes. The `code` of a change selects its text
(`scheduling/suggestions/_suggestion.html`; on the command line, `reason_text.suggestion_text`).

- Only the smallest changes are suggested: a change by five minutes less, or on fewer days, would not be enough.
- Skipping a commitment is suggested only if moving or shortening the commitment is not enough.
- Pairs of changes are searched for only if no single change helps.
- Treatment that the patient already has never moves.

Suggestions are ranked by what they cost the patient, from the lowest cost to the highest:

    1. A movable commitment can move further.
    2. A protected commitment ends earlier or starts later.
    3. Travel takes less time.
    4. One or more full meetings get one more spot each.
    5. A commitment is skipped.
    6. Treatment starts later.
    7. A track takes the patient between its start dates.
    8. The prescription changes.
    9. The rules change.

Suggestions of the same kind are sorted by minutes per week, then by weekday, then by the commitment's label and key.
(Product rule.)
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice, permutations

from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MAX_SCHEDULES, Preferences, Schedule, find_schedules
from scheduling.domain.suggestions.candidates import adjustment_sources
from scheduling.domain.suggestions.changes import Adjustment, Offers
from scheduling.domain.suggestions.start_dates import other_start_dates
from scheduling.domain.suggestions.what_if import FeasibilityCheck

MAX_SUGGESTIONS = 12
Adjustments = tuple[Adjustment, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """One or two changes that would let a schedule fit.

    `schedules` is the number of schedules that would fit, counted up to `MAX_SCHEDULES`. `best` is the best of these
    schedules.
    """

    changes: Adjustments
    schedules: int
    best: Schedule

    @property
    def is_more(self) -> bool:
        """Whether `schedules` is only a minimum, because more schedules may fit."""
        return self.schedules >= MAX_SCHEDULES

    @property
    def token(self) -> str:
        """Identifier of the suggestion, unique for one need. It contains keys and numbers, but no text."""
        return "+".join(change.token for change in self.changes)

    def apply(self, offers: Iterable[Offer], need: Need) -> tuple[Offers, Need]:
        """Return the offers and the need with the changes made."""
        return apply_adjustments(self.changes, tuple(offers), need)


def apply_adjustments(changes: Adjustments, offers: Offers, need: Need) -> tuple[Offers, Need]:
    """Return the offers and the need with all changes made, in order."""
    for change in changes:
        offers, need = change.apply(offers, need)
    return offers, need


def find_suggestions(
    offers: Iterable[Offer], need: Need, *, preferences: Preferences | None = None, most: int = MAX_SUGGESTIONS
) -> tuple[Suggestion, ...]:
    """Return up to `most` suggestions, those with the lowest cost to the patient first.

    The changes of a suggestion let a schedule fit, and are as small as possible. The result is empty if a schedule fits
    already, or if no change helps.
    """
    tracks = tuple(offers)
    what_if = FeasibilityCheck(tracks, need)
    if what_if.allows_fit():
        return ()
    found: list[Adjustments] = [(change,) for change in _single_adjustments(what_if, tracks)] or _paired_adjustments(
        what_if, tracks
    )
    ranked = sorted(found, key=_rank)
    verified = (_verify(changes, tracks, need, preferences) for changes in ranked)
    return tuple(islice((suggestion for suggestion in verified if suggestion is not None), most))


def _verify(changes: Adjustments, offers: Offers, need: Need, preferences: Preferences | None) -> Suggestion | None:
    schedules = find_schedules(*apply_adjustments(changes, offers, need), preferences=preferences, most=MAX_SCHEDULES)
    return Suggestion(changes=changes, schedules=len(schedules), best=schedules[0]) if schedules else None


def _single_adjustments(what_if: FeasibilityCheck, offers: Offers) -> list[Adjustment]:
    found = [change for source in adjustment_sources(what_if, offers) for change in source.changes(what_if)]
    return [*found, *other_start_dates(what_if, offers)]


def _paired_adjustments(what_if: FeasibilityCheck, offers: Offers) -> list[Adjustments]:
    """Return pairs of changes that together are enough for a schedule to fit.

    The two changes of a pair have different sources, such as two commitments. Any two sources are tried in both orders:

    1. Assume the largest change from the second source. Find the smallest change from the first source that is enough.
    2. Keep the change from the first source. Find the smallest change from the second source that is enough.

    If several pairs differ only in their amounts, the pair that ranks first is returned.
    """
    found: dict[object, Adjustments] = {}
    for one, two in permutations(adjustment_sources(what_if, offers), 2):
        for first in one.changes(what_if, (two.most,)):
            for second in two.changes(what_if, (first,)):
                pair = tuple(sorted((first, second), key=lambda change: change.order))
                kind = tuple(change.what for change in pair)
                if kind not in found or _rank(pair) < _rank(found[kind]):
                    found[kind] = pair
    return list(found.values())


def _rank(changes: Adjustments) -> tuple[int, list[int], int, list[tuple[int, int, int, str, str]]]:
    """Sort key: fewer changes first, then by the highest rank of the changes, then by the sum of the amounts."""
    return (
        len(changes),
        sorted((change.rank for change in changes), reverse=True),
        sum(change.amount for change in changes),
        [change.order for change in changes],
    )
