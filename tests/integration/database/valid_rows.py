"""Valid rows of models with database constraints. Tests change such a row to break a constraint."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from accounts.models import Invitation, User
from accounts.permissions import Role
from attendance.models import Attendance
from patients.models import (
    CalendarInterval,
    Commitment,
    CommitmentProposal,
    Consent,
    EmergencyContact,
    Episode,
    FormerSite,
    ImportedCalendar,
    LevelOfCareSpan,
    Patient,
    PatientMerge,
    PatientPhone,
    Place,
)
from scheduling.models import (
    Booking,
    Closure,
    CounselorHours,
    Enrollment,
    Feed,
    LeaveOfAbsence,
    Meeting,
    Room,
    Session,
    Site,
    Track,
    WaitingEntry,
)
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_calendar,
    make_commitment,
    make_hours,
    make_meeting,
    make_patient,
    make_place,
    make_room,
    make_session,
    make_site,
    make_staff,
    make_track,
)

AT = datetime(2026, 11, 23, 14, tzinfo=UTC)
NEXT_DAY = MONDAY + timedelta(days=1)


@dataclass
class World:
    """Rows of a small clinic, at least one for each of its models."""

    site: Site
    room: Room
    lead: User
    other: User
    patient: Patient
    commitment: Commitment
    episode: Episode
    span: LevelOfCareSpan
    former: FormerSite
    track: Track
    meeting: Meeting
    session: Session
    later: Session
    enrollment: Enrollment
    booking: Booking
    attendance: Attendance
    feed: Feed
    closure: Closure
    leave: LeaveOfAbsence
    consent: Consent
    waiting: WaitingEntry
    hours: CounselorHours
    place: Place
    merge: PatientMerge
    phone: PatientPhone
    emergency: EmergencyContact
    proposal: CommitmentProposal
    calendar: ImportedCalendar
    calendar_time: CalendarInterval
    invitation: Invitation
    staff_invitation: Invitation


def make_world() -> World:
    site = make_site()
    room, lead, other = make_room(site), make_staff(Role.CLINICIAN, site), make_staff(Role.CLINICIAN, site)
    patient = make_patient(site)
    meeting = make_meeting(site, 0, "09:00", "12:00", lead=lead, room=room)
    track = make_track(site, [meeting])
    episode = admit(patient)
    enrollment = enroll(episode, track)
    session, later = make_session(meeting, MONDAY), make_session(meeting, MONDAY + timedelta(weeks=1))
    booking = book(session, enrollment)
    calendar = make_calendar(patient, lead, (AT, AT + timedelta(hours=1)))
    invited: dict[str, Any] = {"created_at": AT, "created_by": lead, "expires_at": AT + timedelta(days=3)}
    return World(
        site=site,
        room=room,
        lead=lead,
        other=other,
        patient=patient,
        commitment=make_commitment(patient, [0], "13:00", "17:00", code="C1"),
        episode=episode,
        span=episode.spans.get(),
        former=FormerSite.objects.create(episode=episode, site=site, starts=MONDAY - timedelta(weeks=2), ends=MONDAY),
        track=track,
        meeting=meeting,
        session=session,
        later=later,
        enrollment=enrollment,
        booking=booking,
        attendance=Attendance.objects.create(
            booking=booking, status="present", credited_minutes=180, recorded_by=lead, recorded_at=AT
        ),
        feed=Feed.objects.create(patient=patient, token_hash="0" * 64, uid_key="k", created_at=AT, created_by=lead),
        closure=Closure.objects.create(site=site, starts=MONDAY, ends=NEXT_DAY, reason="Snow"),
        phone=PatientPhone.objects.create(patient=patient, position=0, number="555-0100"),
        emergency=EmergencyContact.objects.create(patient=patient, position=0, name="Ana", phone="555-0101"),
        leave=LeaveOfAbsence.objects.create(episode=episode, starts=MONDAY, reason="Surgery", recorded_by=other),
        consent=Consent.objects.create(
            patient=patient,
            recipient="Harbor Bakery",
            recipient_kind="employer",
            purpose="Time off work",
            signed_on=MONDAY,
            valid_until=NEXT_DAY,
            recorded_by=other,
        ),
        hours=make_hours(lead, site, 1, "09:00", "12:00"),
        waiting=WaitingEntry.objects.create(episode=episode, track=track, from_day=MONDAY, requested_at=AT),
        proposal=CommitmentProposal.objects.create(patient=patient, action="add", label="Shift", proposed_at=AT),
        calendar=calendar,
        calendar_time=calendar.intervals.get(),
        place=make_place(patient, {site: (20, 30)}),
        merge=PatientMerge.objects.create(
            kept=patient, absorbed=make_patient(site), at=AT, by=other, reason="Came twice"
        ),
        invitation=Invitation.objects.create(patient=patient, token_hash="1" * 64, **invited),
        staff_invitation=Invitation.objects.create(user=other, token_hash="2" * 64, **invited),
    )
