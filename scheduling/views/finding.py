"""Find a schedule that fits around a patient's life."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.models import Episode, Patient
from patients.views.access import patient_seen_by
from scheduling.domain.fit import Fit, search
from scheduling.domain.hours import HIGHER_BAND_MINUTES, WeeklyMeeting
from scheduling.domain.need import Need
from scheduling.domain.obstacles import Clash, Full
from scheduling.domain.reasons import Reason, Refused
from scheduling.forms.enrolling import FromForm
from scheduling.models import Enrollment, WaitingEntry
from scheduling.services.fitting import need_of, offers_at, settled_for
from scheduling.services.refused import BeforeAdmission
from scheduling.views.pictures import picture_of_choice
from scheduling.views.refusals import show_refusal
from scheduling.week_picture import WeekPicture


@dataclass(frozen=True)
class Card:
    """A fit as it is shown: its week as a picture if it fits, and what stands against it by meeting."""

    fit: Fit
    picture: WeekPicture | None
    against: Sequence[tuple[WeeklyMeeting, Sequence[Reason]]]
    besides: Sequence[Reason]

    @property
    def is_higher_band(self) -> bool:
        return self.fit.minutes >= HIGHER_BAND_MINUTES


def episode_to_schedule(patient: Patient, today: date) -> Episode | None:
    """The course of care that lasts today or is to begin."""
    episodes = patient.episodes.not_over_on(today)
    return episodes.select_related("site", "patient").prefetch_related("spans").first()


def by_meeting(reasons: Iterable[Reason]) -> list[tuple[WeeklyMeeting, list[Reason]]]:
    """What stands against single meetings, in the order of the week."""
    found: dict[WeeklyMeeting, list[Reason]] = {}
    for reason in reasons:
        if isinstance(reason, Clash | Full):
            found.setdefault(reason.meeting, []).append(reason)
    return sorted(found.items(), key=lambda each: (each[0].weekday, each[0].starts, str(each[0].key)))


def _card(fit: Fit, need: Need) -> Card:
    picture = picture_of_choice(choice=fit.choice, busy=need.busy, from_day=fit.starts) if fit.fits else None
    besides = [reason for reason in fit.obstacles if not isinstance(reason, Clash | Full)]
    return Card(fit, picture, by_meeting(fit.obstacles), besides)


@staff_required(Permission.SEE_COMMITMENTS)
@require_safe
@transaction.atomic
def fit(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Every track of the site, those that fit first, the others with all that stands against them.

    Its answers tell of the patient's commitments, so it is for those who may see these.
    """
    user, now = signed_in(request), clock.now()
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_COMMITMENTS, patient.site_id))
    today = now.astimezone(patient.site.zone).date()
    episode = episode_to_schedule(patient, today)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="find a schedule")
    may_manage = user.may(Permission.MANAGE_PATIENTS, patient.site_id)
    context: dict[str, object] = {"patient": patient, "episode": episode, "may_manage": may_manage}
    if episode is not None:
        earliest = max(today, episode.starts)
        form = FromForm(request.GET if request.GET.get("from") else {"from": earliest.isoformat()})
        context |= {"form": form, "waits_for": waits_for(episode), **found_from(form, episode)}
    return render(request, "scheduling/fit.html", context)


def waits_for(episode: Episode) -> dict[int, WaitingEntry]:
    """Under each track the patient's open entry of its waiting list."""
    return {entry.track_id: entry for entry in WaitingEntry.objects.open().filter(episode=episode)}


def found_from(form: FromForm, episode: Episode, leaves: Enrollment | None = None) -> dict[str, object]:
    """What is found from the day that the form asks for, as if the place in the track that the patient `leaves` were over;
    what is wrong with the day stands beside it.
    """
    if not form.is_valid():
        return {}
    from_day = form.cleaned_data["from"]
    try:
        if from_day < episode.starts:
            raise Refused([BeforeAdmission(from_day, episode.starts)])
        need = need_of(episode=episode, from_day=from_day, apart_from=leaves)
    except Refused as refused:
        show_refusal(form, refused)
        return {}
    offers = offers_at(site=episode.site, from_day=from_day, apart_from=settled_for(episode, of=leaves))
    others = [offer for offer in offers if leaves is None or offer.key != leaves.track_id]
    cards = [_card(each, need) for each in search(others, need)]
    return {
        "from_day": from_day,
        "need": need,
        "fitting": [card for card in cards if card.fit.fits],
        "others": [card for card in cards if not card.fit.fits],
    }
