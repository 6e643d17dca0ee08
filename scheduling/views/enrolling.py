"""Enroll a patient in all or enough of a track's meetings, and end it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from accounts.audit import record
from accounts.models import Action, User
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.forms import EndingForm
from patients.models import Episode, Patient
from patients.views.access import patient_managed_by
from patients.views.answers import form_page
from scheduling.domain.fit import Fit, search
from scheduling.domain.reasons import Reason, Refused
from scheduling.forms.enrolling import EnrollForm
from scheduling.models import Enrollment, Meeting, Modality, Track
from scheduling.services.choosing import Trial, places_left, try_choice
from scheduling.services.enrolling import end_enrollment, enroll_patient
from scheduling.services.fitting import as_offer, full_dates, need_of
from scheduling.templatetags.words import day
from scheduling.views.finding import by_meeting, episode_to_schedule
from scheduling.views.refusals import show_refusal

ENOUGH = "enough"


@dataclass(frozen=True)
class Option:
    """A meeting that can be chosen: how many places its fullest date has, and what stands against it."""

    meeting: Meeting
    is_chosen: bool
    places_left: int
    reasons: Sequence[Reason]


@dataclass(frozen=True)
class Asked:
    """A patient and the track asked for; the track comes with all that its fit is judged by."""

    patient: Patient
    episode: Episode
    track: Track
    today: date

    def fit_from(self, from_day: date) -> Fit:
        """Raises Refused when the course of care is over by then."""
        offer = as_offer(self.track, from_day, full_dates(site=self.track.site, from_day=max(from_day, self.today)))
        return search([offer], need_of(episode=self.episode, from_day=from_day))[0]

    def try_out(self, chosen: Sequence[Meeting], starts: date) -> Trial:
        """Raises Refused as `fit_from` does."""
        need = need_of(episode=self.episode, from_day=starts)
        return try_choice(
            episode=self.episode, track=self.track, need=need, meetings=chosen, starts=starts, today=self.today
        )

    def options(self, fit: Fit, chosen: Sequence[Meeting]) -> list[Option]:
        keys = {offered.meeting.key for offered in fit.offer.meetings}
        meetings = [each for each in self.track.meetings.all() if each.pk in keys]
        left = places_left(meetings=[each.pk for each in meetings], from_day=max(fit.starts, self.today))
        against = {meeting.key: reasons for meeting, reasons in by_meeting(fit.obstacles)}
        return [
            Option(each, each in chosen, left.get(each.pk, each.places), against.get(each.pk, ()))
            for each in sorted(meetings, key=lambda meeting: (meeting.weekday, meeting.starts, meeting.pk))
        ]


def _tracks_seen_by(user: User) -> QuerySet[Track]:
    return (
        Track.objects.visible_to(user)
        .on_offer()
        .select_related("site")
        .prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators", "meetings__room")
    )


def _asked_day(request: HttpRequest, otherwise: date) -> date:
    """The day in `?from=`; nonsense is taken for the earliest."""
    try:
        return date.fromisoformat(request.GET.get("from", ""))
    except ValueError:
        return otherwise


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enroll(request: HttpRequest, patient_id: int, track_id: int) -> HttpResponse:
    """Choose a first day and all or enough of the track's meetings, see what that comes to, and enroll."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = now.astimezone(patient.site.zone).date()
    track = get_object_or_404(_tracks_seen_by(user), pk=track_id, site=patient.site_id)
    episode = episode_to_schedule(patient, today)
    if episode is None:
        messages.warning(request, "There is no course of care to enroll in: admit first.")
        return redirect("level-new", patient.pk)
    asked = Asked(patient, episode, track, today)
    if request.method == "POST" and "check" not in request.POST:
        return _enroll(request, asked, user, now)
    return _choose(request, asked, user, now)


def _choose(request: HttpRequest, asked: Asked, user: User, now: datetime) -> HttpResponse:
    """The form as it was opened or changed, with what it comes to."""
    from_day = _asked_day(request, max(asked.today, asked.episode.starts))
    try:
        fit = asked.fit_from(from_day)
    except Refused as refused:
        return _answer(request, asked, user, now, EnrollForm(track=asked.track), refused.reasons)
    keys = {each.key for each in (request.GET.get("choice") == ENOUGH and fit.enough) or fit.choice}
    initial = {"starts": fit.starts, "meetings": [each for each in asked.track.meetings.all() if each.pk in keys]}
    form = EnrollForm(request.POST or None, track=asked.track, initial=initial)
    return _answer(request, asked, user, now, form)


def _enroll(request: HttpRequest, asked: Asked, user: User, now: datetime) -> HttpResponse:
    form = EnrollForm(request.POST, track=asked.track)
    if not form.is_valid():
        return _answer(request, asked, user, now, form)
    given = form.cleaned_data
    try:
        enroll_patient(
            episode=asked.episode,
            track=asked.track,
            meetings=list(given["meetings"]),
            starts=given["starts"],
            modality=Modality(given["modality"]),
            by=user,
            now=now,
        )
    except Refused as refused:
        return _answer(request, asked, user, now, form, refused.reasons)
    messages.success(request, f"Enrolled from {day(given['starts'])}. Every session up to the horizon is booked.")
    return redirect("patient", asked.patient.pk)


def _answer(
    request: HttpRequest, asked: Asked, user: User, now: datetime, form: EnrollForm, refused: Sequence[Reason] = ()
) -> HttpResponse:
    """The page, or for htmx the part of it that changed; 422 when what was typed was refused."""
    starts, chosen = _typed(form, asked)
    trial, options = None, []
    try:
        options = asked.options(asked.fit_from(starts), chosen)
        trial = asked.try_out(chosen, starts)
    except Refused as unable:
        refused = refused or unable.reasons
    record(asked.patient, by=user, action=Action.VIEWED, at=now, detail=f"enroll in {asked.track}")
    context = {
        "patient": asked.patient,
        "track": asked.track,
        "form": form,
        "options": options,
        "trial": trial,
        "reasons": refused,
    }
    if request.headers.get("HX-Request"):
        return render(request, "scheduling/_choice.html", context | {"is_part": True})
    is_refused = request.method == "POST" and "check" not in request.POST
    return render(request, "scheduling/enroll.html", context, status=422 if is_refused else 200)


def _typed(form: EnrollForm, asked: Asked) -> tuple[date, list[Meeting]]:
    """The first day and the meetings as they stand in the form, as far as they can be read."""
    otherwise = max(asked.today, asked.episode.starts)
    if form.is_bound:
        form.is_valid()
        given = form.cleaned_data
        return given.get("starts") or otherwise, list(given.get("meetings") or ())
    return form.initial.get("starts", otherwise), list(form.initial.get("meetings", ()))


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enrollment_end(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """Ends a standing place after a day and gives back its later places."""
    user, now = signed_in(request), clock.now()
    found = Enrollment.objects.visible_to(user).select_related("episode__patient__site", "track")
    enrollment = get_object_or_404(found, pk=enrollment_id)
    patient = enrollment.episode.patient
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, patient.site_id))
    today = now.astimezone(patient.site.zone).date()
    initial = {"last_day": max(today, enrollment.starts)}
    form = EndingForm(request.POST or None, initial=initial, help_text="They still come on this day.")
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            end_enrollment(enrollment=enrollment, last_day=given["last_day"], reason=given["reason"], by=user, now=now)
        except Refused as refused:
            show_refusal(form, refused)
        else:
            messages.success(
                request, f"The enrollment ends after {day(given['last_day'])}. Later places are free again."
            )
            return redirect("patient", patient.pk)
    record(enrollment, by=user, action=Action.VIEWED, at=now, detail="end")
    note = f"In it since {day(enrollment.starts)}. Bookings after the last day are released."
    heading = f"End {enrollment.track}"
    return form_page(request, form, heading=heading, save="End enrollment", patient=patient, note=note)
