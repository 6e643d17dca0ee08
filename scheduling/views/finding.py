"""Find a schedule that fits around a patient's life, and enroll in it."""

from dataclasses import dataclass
from datetime import date

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.forms import LastDayForm
from patients.models import Episode, Patient
from patients.views.staff import patient_managed_by
from scheduling.domain.fit import Fit, search
from scheduling.domain.reasons import Reason
from scheduling.forms.enrolling import EnrollForm
from scheduling.models import Enrollment, Track
from scheduling.services.enrolling import end_enrollment, enroll_patient
from scheduling.services.fitting import as_offer, full_dates, need_of, offers_at
from scheduling.services.refused import Refused
from scheduling.views.pictures import picture_of_choice
from scheduling.week_picture import WeekPicture


@dataclass(frozen=True)
class Found:
    """A fit with the picture of its week."""

    fit: Fit
    picture: WeekPicture


def _open_episode(patient: Patient, today: date) -> Episode | None:
    episodes = Episode.objects.filter(patient=patient).not_over_on(today)
    return episodes.select_related("site", "patient").prefetch_related("spans").first()


def _asked_day(request: HttpRequest, earliest: date) -> date:
    """The day in `?from=`, never before the earliest; nonsense means the earliest."""
    try:
        return max(earliest, date.fromisoformat(request.GET.get("from", "")))
    except ValueError:
        return earliest


@staff_required(Permission.MANAGE_PATIENTS)
@require_safe
@transaction.atomic
def fit(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Every track of the site, those that fit first, the others with all that stands against them."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = now.astimezone(patient.site.zone).date()
    episode = _open_episode(patient, today)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="find a schedule")
    context: dict[str, object] = {"patient": patient, "today": today, "episode": episode}
    if episode is not None:
        from_day = _asked_day(request, max(today, episode.starts))
        context["from_day"] = from_day
        try:
            need = need_of(episode=episode, from_day=from_day)
        except Refused as refused:
            context["reasons"] = refused.reasons
        else:
            fits = search(offers_at(site=episode.site, from_day=from_day), need)
            fitting = [each for each in fits if each.fits]
            context |= {
                "need": need,
                "fitting": [
                    Found(each, picture_of_choice(choice=each.choice, need=need, busy=need.busy)) for each in fitting
                ],
                "others": [each for each in fits if not each.fits],
            }
    return render(request, "scheduling/fit.html", context)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enroll(request: HttpRequest, patient_id: int, track_id: int) -> HttpResponse:
    """Choose a first day and all or enough of the track's meetings; see what stands against it, then enroll."""
    user, now = signed_in(request), clock.now()
    patient = patient_managed_by(user, patient_id)
    today = now.astimezone(patient.site.zone).date()
    tracks = Track.objects.visible_to(user).on_offer().filter(site=patient.site_id).select_related("site")
    track = get_object_or_404(
        tracks.prefetch_related("cohort_starts", "meetings__service_type", "meetings__meeting_facilitators"),
        pk=track_id,
    )
    episode = _open_episode(patient, today)
    if episode is None:
        messages.warning(request, f"{patient} is in no course of care. Admit first.")
        return redirect("level-new", patient.pk)
    from_day = _asked_day(request, max(today, episode.starts))
    offer = as_offer(track, from_day, full_dates(site=track.site, from_day=from_day))
    choice = [each.key for each in search([offer], need_of(episode=episode, from_day=from_day))[0].choice]
    initial = {"starts": offer.next_entry(from_day) or from_day, "meetings": choice}
    form = EnrollForm(request.POST or None, track=track, initial=initial)
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            enroll_patient(
                episode=episode,
                track=track,
                meetings=list(given["meetings"]),
                starts=given["starts"],
                modality=given["modality"],
                by=user,
                now=now,
            )
        except Refused as refused:
            reasons = refused.reasons
        else:
            first = given["starts"]
            messages.success(request, f"{patient} is enrolled in {track} from {first:%a} {first.day} {first:%b}.")
            return redirect("patient", patient.pk)
    record(patient, by=user, action=Action.VIEWED, at=now, detail=f"enroll in {track}")
    context = {"patient": patient, "track": track, "form": form, "reasons": reasons, "episode": episode}
    context["span"] = episode.span_on(max(from_day, episode.starts))
    return render(request, "scheduling/enroll.html", context, status=422 if request.method == "POST" else 200)


@staff_required(Permission.MANAGE_PATIENTS)
@require_http_methods(["GET", "HEAD", "POST"])
@transaction.atomic
def enrollment_end(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    user, now = signed_in(request), clock.now()
    found = Enrollment.objects.visible_to(user).select_related("episode__patient__site", "track")
    enrollment = get_object_or_404(found, pk=enrollment_id)
    patient = enrollment.episode.patient
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, patient.site_id))
    form = LastDayForm(request.POST or None)
    reasons: tuple[Reason, ...] = ()
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            end_enrollment(enrollment=enrollment, last_day=given["last_day"], reason=given["reason"], by=user, now=now)
            messages.success(request, "The enrollment ends; later places are free again.")
            return redirect("patient", patient.pk)
        except Refused as refused:
            reasons = refused.reasons
    record(patient, by=user, action=Action.VIEWED, at=now, detail="end enrollment")
    context = {"form": form, "reasons": reasons, "patient": patient, "button": "End the enrollment"}
    context["heading"] = f"End {enrollment.track} for {patient}"
    return render(request, "patients/form.html", context, status=422 if request.method == "POST" else 200)
