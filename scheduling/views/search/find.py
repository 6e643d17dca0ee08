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
from patients.views.availability.commitments import say_what_it_runs_into
from scheduling.domain.search.need import Need, Offer
from scheduling.domain.search.schedules import MOST, find
from scheduling.domain.search.score import WEIGHTS
from scheduling.domain.suggestions.changes import MorePlaces
from scheduling.domain.suggestions.scenario import Supposed
from scheduling.domain.suggestions.suggestions import Repair, repairs
from scheduling.forms.enrollment.enroll import FromForm
from scheduling.forms.search.suggestion_form import as_typed
from scheduling.forms.search.what_if import Typed, WhatIfForm
from scheduling.services.search.queries import offers_at, settled_for
from scheduling.services.search.what_if import keep_change
from scheduling.views.refusals import show_refusal
from scheduling.views.search.other_sites import found_elsewhere
from scheduling.views.search.schedule_cards import ScheduleCard, alike, cards_of
from scheduling.views.search.track_cards import cards_of_tracks, episode_to_schedule, need_from, waits_for
from timekeeping.reasons import Key, Refused

SHOWN_FIRST, SHOWN_MORE = 4, 6
"""So many cards are drawn at once, and so many more each time that more are asked for: a picture is heavy."""


@dataclass(frozen=True)
class Seeker:
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
class Look:
    """What was asked for: a day, and what is supposed. `need` is how things are; None when there is no such day.

    `ask` are the forms of what is supposed; while something in them `is_wrong`, nothing is looked for.
    """

    form: FromForm
    need: Need | None = None
    ask: WhatIfForm | None = None
    supposed: Supposed = field(default_factory=Supposed)
    is_wrong: bool = False

    @property
    def is_as_it_is(self) -> bool:
        """Whether there is a day and nothing is supposed."""
        return self.need is not None and not self.supposed and not self.is_wrong


@dataclass(frozen=True)
class Found:
    """What is found for a look: schedules in their order, and what is on offer, as it is supposed to be."""

    cards: list[ScheduleCard]
    need: Need
    tracks: tuple[Offer, ...]


def seeker_of(request: HttpRequest, patient_id: int, now: datetime, detail: str = "find a schedule") -> Seeker:
    """What is answered tells of the patient's commitments, so it is for those who may see these. The look leaves a trace."""
    user = signed_in(request)
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_COMMITMENTS, patient.site_id))
    record(patient, by=user, action=Action.VIEWED, at=now, detail=detail)
    today = now.astimezone(patient.site.zone).date()
    return Seeker(patient, episode_to_schedule(patient, today), today, user)


def look(episode: Episode, typed: Typed, *, otherwise: date, supposes: bool = True) -> Look:
    """Reads the day, or `otherwise` where none was typed, and what is supposed, unless nothing can be."""
    form = FromForm(typed if typed.get("from") else {"from": otherwise.isoformat()})
    need = need_from(form, episode)
    if need is None:
        return Look(form)
    ask = WhatIfForm(typed if supposes else None, need=need)
    is_wrong = not ask.is_valid()
    return Look(form, need, ask, Supposed() if is_wrong else ask.supposed(), is_wrong)


def found_for(asked: Look, episode: Episode, chosen: Collection[str] = ()) -> Found | None:
    """None when what was asked for makes no sense."""
    need = asked.need
    if need is None or asked.is_wrong:
        return None
    then = asked.supposed.applied_to(need)
    offers = offers_at(site=episode.site, from_day=need.from_day, apart_from=settled_for(episode))
    tracks = asked.supposed.offered(offers, then)
    real = need if asked.supposed else None
    cards = cards_of(find(tracks, then), offers, need=real, chosen=chosen)
    return Found(cards, then, tracks)


def page_of(seeker: Seeker, asked: Look | None, typed: Typed) -> dict[str, object]:
    """All that the page shows."""
    context: dict[str, object] = {
        "patient": seeker.patient,
        "episode": seeker.episode,
        "may_manage": seeker.may_manage,
    }
    if seeker.episode is None or asked is None:
        return context
    context |= {"asked": asked, "form": asked.form, "need": asked.need, "waits_for": waits_for(seeker.episode)}
    found = found_for(asked, seeker.episode, typed.getlist("compare"))
    if found is None:
        return context
    if asked.is_as_it_is and seeker.may_manage:
        context["elsewhere"] = found_elsewhere(seeker.episode, found.need.from_day, seeker.user)
    places = asked.supposed.places_in
    offered = {each.meeting.key: each.meeting for offer in found.tracks for each in offer.meetings}
    context["with_places"] = [meeting for key, meeting in offered.items() if key in places]
    return context | _shown(found, _number(typed))


@dataclass(frozen=True)
class RepairCard:
    """A repair, what its button sends to try it, and the track to wait for when it is a place that is missing."""

    repair: Repair
    typed: str
    waits_in: Key | None

    @classmethod
    def of(cls, repair: Repair) -> "RepairCard":
        is_place = any(isinstance(change, MorePlaces) for change in repair.changes)
        return cls(repair, as_typed(repair.changes), repair.best.offer.key if is_place else None)


def _shown(found: Found, number: int) -> dict[str, object]:
    groups = alike(found.cards)
    tracks = cards_of_tracks(found.tracks, found.need)
    return {
        "need_then": found.need,
        "number": len(found.cards),
        "is_best_of_more": len(found.cards) == MOST,
        "groups": groups[:number],
        "more": groups[number:],
        "newest": number - SHOWN_MORE if number > SHOWN_FIRST else None,
        "next_number": number + SHOWN_MORE,
        "tracks": found.tracks,
        "weights": WEIGHTS,
        "repairs": [RepairCard.of(each) for each in repairs(found.tracks, found.need)] if not groups else (),
        "partly": [card for card in tracks if card.fit.fits and card.fit.whole is None],
        "others": [card for card in tracks if not card.fit.fits],
    }


def _number(typed: Mapping[str, str]) -> int:
    """How many cards are to be drawn; nonsense is the first few."""
    text = typed.get("shown", "")
    return min(int(text), MOST) if text.isdecimal() and int(text) > SHOWN_FIRST else SHOWN_FIRST


@staff_required(Permission.SEE_COMMITMENTS)
@require_safe
@transaction.atomic
def fit(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The schedules that fit, the best first, and what stands against the tracks that don't."""
    seeker = seeker_of(request, patient_id, clock.now())
    asked = look(seeker.episode, request.GET, otherwise=seeker.earliest, supposes=False) if seeker.episode else None
    return render(request, "scheduling/search/find.html", page_of(seeker, asked, request.GET))


@staff_required(Permission.SEE_COMMITMENTS)
@require_POST
@transaction.atomic
def fit_what_if(request: HttpRequest, patient_id: int) -> HttpResponse:
    """The same as if what was typed were so. It writes nothing of it."""
    seeker = seeker_of(request, patient_id, clock.now(), "find a schedule, what if")
    if seeker.episode is None:
        return redirect("fit", seeker.patient.pk)
    typed = tried(request.POST)
    asked = look(seeker.episode, typed, otherwise=seeker.earliest)
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/search/_results.html", page_of(seeker, asked, typed) | {"is_part": True})
    if "look" in typed and asked.is_as_it_is:
        return _as_it_is(seeker, asked)
    return render(
        request, "scheduling/search/find.html", page_of(seeker, asked, typed), status=422 if asked.is_wrong else 200
    )


@staff_required(Permission.MANAGE_PATIENTS)
@require_POST
@transaction.atomic
def fit_keep(request: HttpRequest, patient_id: int, commitment_id: int) -> HttpResponse:
    """Keeps what was supposed of one commitment; the rest stays supposed."""
    now = clock.now()
    seeker = seeker_of(request, patient_id, now, "find a schedule, what if")
    forbid_unless(seeker.may_manage)
    rows = Commitment.objects.filter(patient=seeker.patient).with_travel().select_related("patient__site")
    commitment = get_object_or_404(rows, pk=commitment_id)
    if seeker.episode is None:
        return redirect("fit", seeker.patient.pk)
    asked = look(seeker.episode, request.POST, otherwise=seeker.earliest)
    form = asked.ask.of(commitment.pk) if asked.ask else None
    if form is not None and form.changed and form.changed.now:
        site, parts = seeker.patient.site, form.changed.now
        try:
            kept = keep_change(commitment=commitment, parts=parts, site=site, by=seeker.user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
            return render(request, "scheduling/search/find.html", page_of(seeker, asked, request.POST), status=422)
        for each in kept:
            say_what_it_runs_into(request, each, listed="The chart lists them.")
    left = look(seeker.episode, without(request.POST, commitment.pk), otherwise=seeker.earliest)
    if left.is_as_it_is:
        return _as_it_is(seeker, left)
    return render(request, "scheduling/search/find.html", page_of(seeker, left, request.POST))


def tried(typed: QueryDict) -> QueryDict:
    """With what a button says to `try`, in the place of what was typed there."""
    merged = typed.copy()
    for name, values in QueryDict(typed.get("try", "")).lists():
        merged.setlist(name, values)
    return merged


def without(typed: QueryDict, key: int) -> QueryDict:
    """With nothing supposed of one commitment."""
    left = typed.copy()
    for name in [name for name in left if name.startswith(f"c{key}-")]:
        del left[name]
    return left


def _as_it_is(seeker: Seeker, asked: Look) -> HttpResponseRedirect:
    """To the page without anything supposed."""
    day = urlencode({"from": asked.form.cleaned_data["from"].isoformat()})
    return HttpResponseRedirect(f"{reverse('fit', args=[seeker.patient.pk])}?{day}")
