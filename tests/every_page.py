"""The URLs of all pages, for tests that visit each page, and a small clinic with the objects whose ids the URLs contain."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.permissions import Role
from attendance.models import Attendance
from clinic_import.models import ClinicImport
from patients.models import CommitmentProposal, Consent, Delegate, Patient, PatientMerge
from scheduling.models import Closure, Feed, LeaveOfAbsence, RuleSet, Site, WaitingEntry
from scheduling.services.record.merge import details_of
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_commitment,
    make_hours,
    make_patient,
    make_place,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)

NEXT_YEAR = MONDAY + timedelta(weeks=52)
NOTHING_CHANGED: dict[str, object] = {
    "place_names": {}, "commitment_places": {}, "commitment_codes": {}, "invitations": []
}  # fmt: skip
SHIFT = {"kind": "work", "label": "Shift", "starts": "18:00", "ends": "20:00", "weekdays": 1}


def url_names(resolver: URLResolver | None = None) -> Iterator[str]:
    """Yield the URL names of all pages except the pages of Django's admin and the pages that are turned off."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from url_names(pattern)
        elif isinstance(pattern, URLPattern) and pattern.name and pattern.lookup_str != "accounts.views.disabled_page":
            yield pattern.name


@dataclass(frozen=True)
class PagesOfClinic:
    """A site, its patient in care, and the addresses of the pages by URL name."""

    site: Site
    patient: Patient
    addresses: dict[str, str]


def make_pages(names: list[str]) -> PagesOfClinic:
    """Create a clinic with all objects to which the addresses of these pages refer. `names` are URL names."""
    site = make_site()
    lead = make_staff(Role.CLINICIAN, site)
    track = make_weekday_track(site, lead=lead)
    patient = make_patient(site)
    episode = admit(patient)
    enrollment = enroll(episode, track)
    meeting = track.meetings.all()[0]
    session = make_session(meeting, MONDAY)
    booking = book(session, enrollment)
    attendance = Attendance.objects.create(
        booking=booking, status="present", credited_minutes=180, recorded_by=lead, recorded_at=session.ends
    )
    feed = Feed.objects.create(
        patient=patient, token_hash="0" * 64, uid_key="k", created_at=session.starts, created_by=lead
    )
    commitment = make_commitment(patient, [0], "13:00", "17:00")
    leave = LeaveOfAbsence.objects.create(episode=episode, starts=MONDAY, reason="Surgery", recorded_by=lead)
    other = make_weekday_track(site, (1, 3, 5), name="Other track")
    entry = WaitingEntry.objects.create(episode=episode, track=other, from_day=MONDAY, requested_at=session.starts)
    closure = Closure.objects.create(site=site, starts=MONDAY, ends=MONDAY + timedelta(days=1), reason="Snow")
    consent = Consent.objects.create(
        patient=patient,
        recipient="Harbor Bakery",
        recipient_kind="employer",
        purpose="Time off work",
        signed_on=MONDAY,
        valid_until=MONDAY + timedelta(days=90),
        recorded_by=lead,
    )
    values = {
        "pk": 0,  # the id of no passkey: tests/integration/sign_in/test_second_factor.py tests the pages of passkeys
        "consent_id": consent.pk,
        "delegate_id": Delegate.objects.create(
            patient=patient, user=lead, consent=consent, since=session.starts, given_by=lead
        ).pk,
        "user_id": lead.pk,
        "patient_id": patient.pk,
        "track_id": track.pk,
        "meeting_id": meeting.pk,
        "session_id": session.pk,
        "booking_id": booking.pk,
        "attendance_id": attendance.pk,
        "enrollment_id": enrollment.pk,
        "episode_id": episode.pk,
        "span_id": episode.spans.get().pk,
        "commitment_id": commitment.pk,
        "feed_id": feed.pk,
        "leave_id": leave.pk,
        "entry_id": entry.pk,
        "closure_id": closure.pk,
        "proposal_id": CommitmentProposal.objects.create(
            patient=patient, action="add", label="Shift", proposed_at=session.starts, values=SHIFT
        ).pk,
        "calendar_id": make_calendar(patient, lead).pk,
        "other_id": make_patient(site, "Rosie").pk,
        "merge_id": PatientMerge.objects.create(
            kept=patient,
            absorbed=make_patient(site, "Rosita", merged_into=patient),
            at=session.starts,
            by=lead,
            reason="Came twice",
            changed=NOTHING_CHANGED,
            details_before={"kept": details_of(patient), "absorbed": details_of(patient)},
            details_after={"kept": details_of(patient), "absorbed": details_of(patient)},
        ).pk,
        "place_id": make_place(patient, {site: (20, 30)}).pk,
        "site_id": site.pk,
        "rules_id": RuleSet.objects.create(site=site, starts=NEXT_YEAR).pk,
        "service_type_id": meeting.service_type_id,
        "room_id": make_room(site).pk,
        "hours_id": make_hours(lead, site, 1, "09:00", "12:00").pk,
        "import_id": ClinicImport.objects.create(by=lead, created_at=session.starts, active_at=session.starts).pk,
        "week": MONDAY,
        "day": MONDAY,
    }
    resolver = get_resolver()
    urls = {}
    for name in names:
        parameters = resolver.reverse_dict.getlist(name)[0][0][0][1]
        urls[name] = reverse(name, kwargs={each: values[each] for each in parameters})
    return PagesOfClinic(site, patient, urls)
