"""Two schedules side by side: their weeks, and the parts of what each asks of a life."""

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

from accounts.permissions import Permission
from accounts.views import staff_required
from iopmanager import clock
from scheduling.domain.search.remarks import Remark, cut_fine, misses, would_move
from scheduling.views.search.find import found_for, look, page_of, seeker_of
from scheduling.views.search.schedule_cards import ScheduleCard

COMPARED = 2
NOT_OF_THE_QUESTION = {"csrfmiddlewaretoken", "compare", "look", "try"}


@dataclass(frozen=True)
class Part:
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
def fit_compare(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The two schedules that were chosen; with fewer, more, or one that is gone, the search again and a word about it."""
    seeker = seeker_of(request, patient_id, clock.now(), "compare schedules")
    if seeker.episode is None:
        return redirect("fit", seeker.patient.pk)
    asked = look(seeker.episode, request.POST, otherwise=seeker.earliest)
    wanted = request.POST.getlist("compare")
    found = found_for(asked, seeker.episode, wanted)
    cards = [card for card in found.cards if card.is_chosen] if found else []
    if len(cards) != COMPARED or found is None:
        context = page_of(seeker, asked, request.POST)
        is_gone = len(cards) < len(set(wanted)) == COMPARED
        return render(
            request, "scheduling/search/find.html", context | {"chose": len(cards), "is_gone": is_gone}, status=422
        )
    context = {
        "patient": seeker.patient,
        "may_manage": seeker.may_manage,
        "asked": asked,
        "cards": cards,
        "parts": parts_of(cards),
        "typed": [(name, values) for name, values in request.POST.lists() if name not in NOT_OF_THE_QUESTION],
        "chosen": wanted,
    }
    return render(request, "scheduling/search/compare.html", context)


def parts_of(cards: Sequence[ScheduleCard]) -> list[Part]:
    """What the schedules ask, part by part, in the order in which they are told apart at a glance."""
    schedules = [card.schedule for card in cards]
    numbers = [
        Part(name, tuple(attrgetter(path)(each) for each in schedules))
        for name, path in (
            ("starts", "starts"),
            ("minutes", "minutes"),
            ("trips", "price.trips"),
            ("present", "price.present_minutes"),
        )
    ]
    asked: list[tuple[str, list[tuple[Remark, ...]]]] = [
        ("gives", [would_move(each.price.gives) for each in schedules]),
        ("misses", [misses(each.meetings, each.need) for each in schedules]),
        ("close", [cut_fine(each.meetings, each.need) for each in schedules]),
    ]
    return [
        Part("when", tuple(tuple(card.days) for card in cards)),
        *numbers,
        *(Part(name, tuple(values)) for name, values in asked),
        Part("people", tuple(each.price.people for each in schedules)),
        Part("track", tuple(card.remarks[1] for card in cards)),
        Part(
            "groups", tuple(tuple((meeting.weekday, meeting.name) for meeting in each.meetings) for each in schedules)
        ),
        Part("points", tuple(each.points for each in schedules)),
    ]
