"""Compare two schedules side by side: their weeks, and what each demands of the patient."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import Permission
from accounts.views import staff_required
from iopmanager import clock
from scheduling.domain.search.remarks import find_tight_gaps, missed_session_remarks, move_remarks
from scheduling.views.search.schedule_cards import ScheduleCard
from scheduling.views.search.search_page import open_search, read_query, run_search, search_context

COMPARED_SCHEDULES = 2
NON_QUERY_FIELDS = {"csrfmiddlewaretoken", "compare", "look", "try"}


@dataclass(frozen=True)
class ScoreItem:
    """One row of the comparison: its `code`, and its value for each schedule."""

    code: str
    values: tuple[object, ...]

    @property
    def differs(self) -> bool:
        first, *others = self.values
        return any(other != first for other in others)


@staff_required(Permission.SEE_COMMITMENTS)
@require_POST
@transaction.atomic
def find_schedule_compare(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Compare the two chosen schedules.

    Unless exactly two chosen schedules are still found, show the search again with a note.
    """
    search = open_search(request, patient_id, clock.now(), detail="compare schedules")
    if search.episode is None:
        return redirect("find-schedule", search.patient.pk)
    query = read_query(search.episode, request.POST, otherwise=search.earliest)
    chosen = request.POST.getlist("compare")
    found = run_search(query, search.episode, search.now, chosen)
    cards = [card for card in found.cards if card.is_chosen] if found else []
    if len(cards) != COMPARED_SCHEDULES or found is None:
        context = search_context(search, query, request.POST)
        is_gone = len(cards) < len(set(chosen)) == COMPARED_SCHEDULES
        context |= {"chose": len(cards), "is_gone": is_gone}
        return render(request, "scheduling/search/find_schedule.html", context, status=422)
    context = {
        "patient": search.patient,
        "may_manage": search.may_manage,
        "query": query,
        "cards": cards,
        "parts": comparison_rows(cards),
        "typed": [(name, values) for name, values in request.POST.lists() if name not in NON_QUERY_FIELDS],
        "chosen": chosen,
    }
    return render(request, "scheduling/search/find_schedule_compare.html", context)


COMPARED: dict[str, Callable[[ScheduleCard], object]] = {
    "when": lambda card: tuple(card.days),
    "starts": lambda card: card.schedule.starts,
    "minutes": lambda card: card.schedule.minutes,
    "trips": lambda card: card.schedule.score.trips,
    "present": lambda card: card.schedule.score.present_minutes,
    "gives": lambda card: move_remarks(card.schedule.score.moves),
    "misses": lambda card: missed_session_remarks(card.schedule.meetings, card.schedule.need),
    "close": lambda card: find_tight_gaps(card.schedule.meetings, card.schedule.need),
    "people": lambda card: card.schedule.score.people,
    "track": lambda card: card.remarks[1],
    "groups": lambda card: tuple((meeting.weekday, meeting.name) for meeting in card.schedule.meetings),
    "points": lambda card: card.schedule.points,
}
"""The rows of the comparison. Each has a code, and a function that returns the row's value for a schedule."""


def comparison_rows(cards: Sequence[ScheduleCard]) -> list[ScoreItem]:
    """Return the rows of the comparison, each with its value for every schedule."""
    return [ScoreItem(code, tuple(value_of(card) for card in cards)) for code, value_of in COMPARED.items()]
