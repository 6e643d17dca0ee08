"""Find a schedule that fits around a patient's life: as it is, or as it might be, which is kept on demand alone."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.models import Commitment, Episode, Patient
from patients.views.access import patient_seen_by
from patients.views.availability.commitments import add_conflict_message
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MAX_SCHEDULES, find_schedules
from scheduling.domain.search.score import WEIGHTS
from scheduling.domain.suggestions.changes import MorePlaces
from scheduling.domain.suggestions.scenario import Scenario
from scheduling.domain.suggestions.suggestions import Suggestion, find_suggestions
from scheduling.forms.enrollment.enroll import StartDateForm
from scheduling.forms.search.suggestion_form import encode_changes
from scheduling.forms.search.what_if import FormData, ScenarioForm
from scheduling.services.search.offers import offers_for_patient
from scheduling.services.search.what_if import save_change
from scheduling.views.refusals import show_refusal
from scheduling.views.search.other_sites import search_other_sites
from scheduling.views.search.schedule_cards import ScheduleCard, group_by_times, schedule_cards
from scheduling.views.search.track_cards import episode_to_schedule, need_from_form, track_cards, waitlist_entries
from timekeeping.reasons import Key, Refused

SHOWN_FIRST, SHOWN_MORE = 4, 6
"""So many cards are drawn at once, and so many more each time that more are asked for: a picture is heavy."""


@dataclass(frozen=True)
class ScheduleSearchRequest:
    """Whose schedule is looked for, and by whom."""

    patient: Patient
    episode: Episode | None
    today: date
    user: User

    @property
    def may_manage(self) -> bool:
        return self.user.may(Permission.MANAGE_PATIENTS, self.patient.site_id)

    @property
    def earliest(self) -> date:
        """The day from which a schedule can be looked for."""
        return max(self.today, self.episode.starts) if self.episode else self.today


@dataclass(frozen=True)
class ScheduleSearchQuery:
    """What was asked for: a day, and what is supposed. `need` is how things are; None when there is no such day.

    `ask` are the forms of what is supposed; while something in them `is_wrong`, nothing is looked for.
    """

    form: StartDateForm
    need: Need | None = None
    ask: ScenarioForm | None = None
    supposed: Scenario = field(default_factory=Scenario)
    is_wrong: bool = False

    @property
    def is_as_it_is(self) -> bool:
        """Whether there is a day and nothing is supposed."""
        return self.need is not None and not self.supposed and not self.is_wrong


@dataclass(frozen=True)
class SearchResult:
    """What is found for a look: schedules in their order, and what is on offer, as it is supposed to be."""

    cards: list[ScheduleCard]
    need: Need
    tracks: tuple[Offer, ...]


def open_search(
    request: HttpRequest, patient_id: int, now: datetime, detail: str = "find a schedule"
) -> ScheduleSearchRequest:
    """What is answered tells of the patient's commitments, so it is for those who may see these. The look leaves a trace."""
    user = signed_in(request)
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_COMMITMENTS, patient.site_id))
    record(patient, by=user, action=Action.VIEWED, at=now, detail=detail)
    today = now.astimezone(patient.site.zone).date()
    return ScheduleSearchRequest(patient, episode_to_schedule(patient, today), today, user)


def read_query(episode: Episode, typed: FormData, *, otherwise: date, supposes: bool = True) -> ScheduleSearchQuery:
    """Reads the day, or `otherwise` where none was typed, and what is supposed, unless nothing can be."""
    form = StartDateForm(typed if typed.get("from") else {"from": otherwise.isoformat()})
    need = need_from_form(form, episode)
    if need is None:
        return ScheduleSearchQuery(form)
    ask = ScenarioForm(typed if supposes else None, need=need)
    is_wrong = not ask.is_valid()
    return ScheduleSearchQuery(form, need, ask, Scenario() if is_wrong else ask.supposed(), is_wrong)


def run_search(asked: ScheduleSearchQuery, episode: Episode, chosen: Collection[str] = ()) -> SearchResult | None:
    """None when what was asked for makes no sense."""
    need = asked.need
    if need is None or asked.is_wrong:
        return None
    then = asked.supposed.applied_to(need)
    offers = offers_for_patient(episode=episode, from_day=need.from_day)
    tracks = asked.supposed.offered(offers, then)
    real = need if asked.supposed else None
    cards = schedule_cards(find_schedules(tracks, then), offers, need=real, chosen=chosen)
    return SearchResult(cards, then, tracks)


def search_context(
    seeker: ScheduleSearchRequest, asked: ScheduleSearchQuery | None, typed: FormData
) -> dict[str, object]:
    """All that the page shows."""
    context: dict[str, object] = {
        "patient": seeker.patient,
        "episode": seeker.episode,
        "may_manage": seeker.may_manage,
    }
    if seeker.episode is None or asked is None:
        return context
    context |= {"asked": asked, "form": asked.form, "need": asked.need, "waits_for": waitlist_entries(seeker.episode)}
    found = run_search(asked, seeker.episode, typed.getlist("compare"))
    if found is None:
        return context
    if asked.is_as_it_is and seeker.may_manage:
        context["elsewhere"] = search_other_sites(seeker.episode, found.need.from_day, seeker.user)
    places = asked.supposed.places_in
    offered = {each.meeting.key: each.meeting for offer in found.tracks for each in offer.meetings}
    context["with_places"] = [meeting for key, meeting in offered.items() if key in places]
    return context | _result_context(found, _card_limit(typed))


@dataclass(frozen=True)
class SuggestionCard:
    """A repair, what its button sends to try it, and the track to wait for when it is a place that is missing."""

    repair: Suggestion
    typed: str
    waits_in: Key | None

    @classmethod
    def of(cls, repair: Suggestion) -> "SuggestionCard":
        is_place = any(isinstance(change, MorePlaces) for change in repair.changes)
        return cls(repair, encode_changes(repair.changes), repair.best.offer.key if is_place else None)


def _result_context(found: SearchResult, number: int) -> dict[str, object]:
    groups = group_by_times(found.cards)
    tracks = track_cards(found.tracks, found.need)
    return {
        "need_then": found.need,
        "number": len(found.cards),
        "is_best_of_more": len(found.cards) == MAX_SCHEDULES,
        "groups": groups[:number],
        "more": groups[number:],
        "newest": number - SHOWN_MORE if number > SHOWN_FIRST else None,
        "next_number": number + SHOWN_MORE,
        "tracks": found.tracks,
        "weights": WEIGHTS,
        "repairs": [SuggestionCard.of(each) for each in find_suggestions(found.tracks, found.need)]
        if not groups
        else (),
        "partly": [card for card in tracks if card.fit.fits and card.fit.whole is None],
        "others": [card for card in tracks if not card.fit.fits],
    }


def _card_limit(typed: Mapping[str, str]) -> int:
    """How many cards are to be drawn; nonsense is the first few."""
    text = typed.get("shown", "")
    return min(int(text), MAX_SCHEDULES) if text.isdecimal() and int(text) > SHOWN_FIRST else SHOWN_FIRST


@staff_required(Permission.SEE_COMMITMENTS)
@require_safe
@transaction.atomic
def find_schedule(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The schedules that fit, the best first, and what stands against the tracks that don't."""
    seeker = open_search(request, patient_id, clock.now())
    asked = (
        read_query(seeker.episode, request.GET, otherwise=seeker.earliest, supposes=False) if seeker.episode else None
    )
    return render(request, "scheduling/search/find.html", search_context(seeker, asked, request.GET))


@staff_required(Permission.SEE_COMMITMENTS)
@require_POST
@transaction.atomic
def find_schedule_what_if(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The same as if what was typed were so. It writes nothing of it."""
    seeker = open_search(request, patient_id, clock.now(), "find a schedule, what if")
    if seeker.episode is None:
        return redirect("find-schedule", seeker.patient.pk)
    typed = apply_suggestion(request.POST)
    asked = read_query(seeker.episode, typed, otherwise=seeker.earliest)
    if request.headers.get("HX-Request"):
        return render(
            request, "scheduling/search/_results.html", search_context(seeker, asked, typed) | {"is_part": True}
        )
    if "look" in typed and asked.is_as_it_is:
        return _redirect_without_scenario(seeker, asked)
    return render(
        request,
        "scheduling/search/find.html",
        search_context(seeker, asked, typed),
        status=422 if asked.is_wrong else 200,
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@transaction.atomic
def find_schedule_save(request: HttpRequest, patient_id: int, commitment_id: int) -> HttpResponse:
    """Keeps what was supposed of one commitment; the rest stays supposed."""
    now = clock.now()
    seeker = open_search(request, patient_id, now, "find a schedule, what if")
    forbid_unless(seeker.may_manage)
    rows = Commitment.objects.filter(patient=seeker.patient).with_travel().select_related("patient__site")
    commitment = get_object_or_404(rows, pk=commitment_id)
    if seeker.episode is None:
        return redirect("find-schedule", seeker.patient.pk)
    asked = read_query(seeker.episode, request.POST, otherwise=seeker.earliest)
    form = asked.ask.of(commitment.pk) if asked.ask else None
    if form is not None and form.changed and form.changed.now:
        site, parts = seeker.patient.site, form.changed.now
        try:
            kept = save_change(commitment=commitment, parts=parts, site=site, by=seeker.user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
            return render(
                request, "scheduling/search/find.html", search_context(seeker, asked, request.POST), status=422
            )
        for each in kept:
            add_conflict_message(request, each, listed="The chart lists them.")
    left = read_query(seeker.episode, without_commitment(request.POST, commitment.pk), otherwise=seeker.earliest)
    if left.is_as_it_is:
        return _redirect_without_scenario(seeker, left)
    return render(request, "scheduling/search/find.html", search_context(seeker, left, request.POST))


def apply_suggestion(typed: QueryDict) -> QueryDict:
    """With what a button says to `try`, in the place of what was typed there."""
    merged = typed.copy()
    for name, values in QueryDict(typed.get("try", "")).lists():
        merged.setlist(name, values)
    return merged


def without_commitment(typed: QueryDict, key: int) -> QueryDict:
    """With nothing supposed of one commitment."""
    left = typed.copy()
    for name in [name for name in left if name.startswith(f"c{key}-")]:
        del left[name]
    return left


def _redirect_without_scenario(seeker: ScheduleSearchRequest, asked: ScheduleSearchQuery) -> HttpResponseRedirect:
    """To the page without anything supposed."""
    day = urlencode({"from": asked.form.cleaned_data["from"].isoformat()})
    return HttpResponseRedirect(f"{reverse('find-schedule', args=[seeker.patient.pk])}?{day}")
