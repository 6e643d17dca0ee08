"""Two schedules side by side: their weeks, and the parts of what each asks of a life."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import Permission
from accounts.views import staff_required
from iopmanager import clock
from scheduling.domain.search.remarks import Remark, find_tight_gaps, missed_session_remarks, move_remarks
from scheduling.views.search.find import open_search, read_query, run_search, search_context
from scheduling.views.search.schedule_cards import ScheduleCard

COMPARED_SCHEDULES = 2
NON_QUERY_FIELDS = {"csrfmiddlewaretoken", "compare", "look", "try"}


@dataclass(frozen=True)
class ScoreItem:
    """One part of the price: its `code` for words, and what it is in either schedule."""

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
    """The two schedules that were chosen; with fewer, more, or one that is gone, the search again and a word about it."""
    seeker = open_search(request, patient_id, clock.now(), "compare schedules")
    if seeker.episode is None:
        return redirect("find-schedule", seeker.patient.pk)
    asked = read_query(seeker.episode, request.POST, otherwise=seeker.earliest)
    wanted = request.POST.getlist("compare")
    found = run_search(asked, seeker.episode, wanted)
    cards = [card for card in found.cards if card.is_chosen] if found else []
    if len(cards) != COMPARED_SCHEDULES or found is None:
        context = search_context(seeker, asked, request.POST)
        is_gone = len(cards) < len(set(wanted)) == COMPARED_SCHEDULES
        return render(
            request, "scheduling/search/find.html", context | {"chose": len(cards), "is_gone": is_gone}, status=422
        )
    context = {
        "patient": seeker.patient,
        "may_manage": seeker.may_manage,
        "asked": asked,
        "cards": cards,
        "parts": comparison_rows(cards),
        "typed": [(name, values) for name, values in request.POST.lists() if name not in NON_QUERY_FIELDS],
        "chosen": wanted,
    }
    return render(request, "scheduling/search/compare.html", context)


def comparison_rows(cards: Sequence[ScheduleCard]) -> list[ScoreItem]:
    """What the schedules ask, part by part, in the order in which they are told apart at a glance."""
    schedules = [card.schedule for card in cards]
    asked: list[tuple[str, list[tuple[Remark, ...]]]] = [
        ("gives", [move_remarks(each.score.moves) for each in schedules]),
        ("misses", [missed_session_remarks(each.meetings, each.need) for each in schedules]),
        ("close", [find_tight_gaps(each.meetings, each.need) for each in schedules]),
    ]
    return [
        ScoreItem("when", tuple(tuple(card.days) for card in cards)),
        ScoreItem("starts", tuple(each.starts for each in schedules)),
        ScoreItem("minutes", tuple(each.minutes for each in schedules)),
        ScoreItem("trips", tuple(each.score.trips for each in schedules)),
        ScoreItem("present", tuple(each.score.present_minutes for each in schedules)),
        *(ScoreItem(name, tuple(values)) for name, values in asked),
        ScoreItem("people", tuple(each.score.people for each in schedules)),
        ScoreItem("track", tuple(card.remarks[1] for card in cards)),
        ScoreItem(
            "groups", tuple(tuple((meeting.weekday, meeting.name) for meeting in each.meetings) for each in schedules)
        ),
        ScoreItem("points", tuple(each.points for each in schedules)),
    ]
