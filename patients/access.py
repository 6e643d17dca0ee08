"""Find patients and their data by id, and check that the user may see or change them.

Functions that take a user raise Http404 for a row that the user may not see. They raise PermissionDenied for a row that
the user may see but not change.
"""

from datetime import date

from django.shortcuts import get_object_or_404

from accounts.models import User
from accounts.permissions import Permission
from accounts.views import forbid_unless
from iopmanager import clock
from patients.models import Commitment, CommitmentProposal, Episode, ImportedCalendar, LevelOfCareSpan, Patient, Place

READ = (Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS)


def patient_seen_by(user: User, patient_id: int) -> Patient:
    """Find a patient whom the user may see."""
    return get_object_or_404(Patient.objects.visible_to(user).select_related("site"), pk=patient_id)


def patient_managed_by(user: User, patient_id: int) -> Patient:
    """Find a patient whose record the user may change."""
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, patient.site_id))
    return patient


def current_or_next_episode(patient: Patient, today: date) -> Episode | None:
    """Return the episode that includes the day `today`, or else the next one. Return None if there is neither.

    The episode's site, patient and spans are loaded in the same call.
    """
    episodes = patient.episodes.open_on_or_after(today)
    return episodes.select_related("site", "patient").prefetch_related("spans").first()


def episode_managed_by(user: User, episode_id: int) -> Episode:
    """Find an episode of care that the user may correct: one at the patient's present site, which the user manages."""
    episodes = Episode.objects.visible_to(user).select_related("site", "patient__site").prefetch_related("spans")
    episode = get_object_or_404(episodes, pk=episode_id)
    forbid_unless(episode.site_id == episode.patient.site_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, episode.site_id))
    return episode


def level_managed_by(user: User, span_id: int) -> LevelOfCareSpan:
    """Find a level of care that the user may correct, with its episode."""
    spans = LevelOfCareSpan.objects.filter(episode__in=Episode.objects.visible_to(user))
    span = get_object_or_404(spans, pk=span_id)
    span.episode = episode_managed_by(user, span.episode_id)
    return span


def commitment_managed_by(user: User, commitment_id: int) -> Commitment:
    commitments = Commitment.objects.visible_to(user).select_related("patient__site")
    commitment = get_object_or_404(commitments, pk=commitment_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, commitment.patient.site_id))
    return commitment


def place_managed_by(user: User, place_id: int) -> Place:
    places = Place.objects.visible_to(user).select_related("patient__site").prefetch_related("travels")
    place = get_object_or_404(places, pk=place_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, place.patient.site_id))
    return place


def proposal_managed_by(user: User, proposal_id: int) -> CommitmentProposal:
    """Find a proposal that the user may decide on. Raises Http404 if the proposal was already decided."""
    proposals = CommitmentProposal.objects.visible_to(user).waiting()
    proposal = get_object_or_404(proposals.select_related("patient__site", "commitment__place"), pk=proposal_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, proposal.patient.site_id))
    return proposal


def calendar_managed_by(user: User, calendar_id: int) -> ImportedCalendar:
    """Find an imported calendar that the user may change. Raises Http404 if it was declined or is an expired preview."""
    calendars = ImportedCalendar.objects.visible_to(user).open_at(clock.now())
    calendar = get_object_or_404(calendars.select_related("patient__site", "uploaded_by"), pk=calendar_id)
    forbid_unless(user.may(Permission.MANAGE_PATIENTS, calendar.patient.site_id))
    return calendar
