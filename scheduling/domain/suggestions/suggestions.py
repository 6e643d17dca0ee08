"""When nothing fits: the smallest repairs, each verified by the search.

    repairs(offers, need) -> tuple[Repair, ...]

A Repair is one change, or two, after which the search finds `schedules` (at most `MOST`: then `is_more` may be true), the first
of them `best`. `repair.apply(offers, need)` gives the offers and the need to search again, `repair.token` names it in a page's
address. Each change has a `code` by which templates choose their words (`scheduling/suggestions/_suggestion.html`, which takes
`repair`; on the command line `reason_text.say_repair`), and its numbers, in minutes or days (`changes`, `commitment_changes`).

A change is as small as it can be: of five minutes less nothing comes. What is the same asked of more days, or more minutes,
than another is left out, and so is that a commitment takes no place on a day on which minutes of it would do. Pairs are looked
for only when no single change helps; then neither can be smaller beside the other. Other treatment is never asked to move.

They are ranked by what they ask of the person: a commitment that can move moves further; a protected one ends earlier or
begins later; the way takes less; a full meeting has a place more; a commitment takes no place; treatment begins later; a track
takes the patient between its start dates; last the prescription and the rules. Within each the fewest minutes a week come
first, among equals the earlier weekday, then by the commitment's label and key. (The product's own choice.)
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
    """What gives way, and that so many schedules fit then."""

    changes: Adjustments
    schedules: int
    best: Schedule

    @property
    def is_more(self) -> bool:
        """Whether there may be more than were counted."""
        return self.schedules >= MAX_SCHEDULES

    @property
    def token(self) -> str:
        return "+".join(change.token for change in self.changes)

    def apply(self, offers: Iterable[Offer], need: Need) -> tuple[Offers, Need]:
        """The offers and the need as they would be with it."""
        return apply_adjustments(self.changes, tuple(offers), need)


def apply_adjustments(changes: Adjustments, offers: Offers, need: Need) -> tuple[Offers, Need]:
    for change in changes:
        offers, need = change.apply(offers, need)
    return offers, need


def find_suggestions(
    offers: Iterable[Offer], need: Need, *, wish: Preferences | None = None, most: int = MAX_SUGGESTIONS
) -> tuple[Suggestion, ...]:
    """The smallest repairs, at most so many, what asks least first; none if something fits as it is, or if none is known."""
    tracks = tuple(offers)
    what_if = FeasibilityCheck(tracks, need)
    if what_if.opens():
        return ()
    found: list[Adjustments] = [(change,) for change in _single_adjustments(what_if, tracks)] or _paired_adjustments(
        what_if, tracks
    )
    ranked = sorted(found, key=_rank)
    verified = (_verify(changes, tracks, need, wish) for changes in ranked)
    return tuple(islice((repair for repair in verified if repair is not None), most))


def _verify(changes: Adjustments, offers: Offers, need: Need, wish: Preferences | None) -> Suggestion | None:
    schedules = find_schedules(*apply_adjustments(changes, offers, need), wish=wish, most=MAX_SCHEDULES)
    return Suggestion(changes=changes, schedules=len(schedules), best=schedules[0]) if schedules else None


def _single_adjustments(what_if: FeasibilityCheck, offers: Offers) -> list[Adjustment]:
    found = [change for source in adjustment_sources(what_if, offers) for change in source.changes(what_if)]
    return [*found, *other_start_dates(what_if, offers)]


def _paired_adjustments(what_if: FeasibilityCheck, offers: Offers) -> list[Adjustments]:
    """Two that give way together, each of different sources: the first by the least beside all of the second, and the second by
    the least beside that. As either may come first, the one of both is kept that asks less.
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
    """Fewer changes, then what asks less: of two, the one that asks more of the person or of care decides first."""
    return (
        len(changes),
        sorted((change.rank for change in changes), reverse=True),
        sum(change.amount for change in changes),
        [change.order for change in changes],
    )
