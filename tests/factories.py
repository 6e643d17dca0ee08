"""Factories for tests. Each function creates a valid object. Its arguments are the fields that matter to tests."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from typing import Any

from model_bakery import baker

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from patients.models import (
    CalendarInterval,
    CalendarState,
    Commitment,
    CommitmentKind,
    Consent,
    Delegate,
    EmergencyContact,
    Episode,
    ImportedCalendar,
    LevelOfCare,
    LevelOfCareSpan,
    Patient,
    PatientPhone,
    Place,
    PlaceTravel,
    RecipientKind,
)
from patients.models.commitment import weekday_mask
from scheduling.models import (
    Booking,
    CounselorHours,
    Enrollment,
    EnrollmentMeeting,
    FacilitatorPart,
    Meeting,
    MeetingFacilitator,
    Room,
    RuleSet,
    ServiceType,
    Session,
    SessionFacilitator,
    Site,
    Track,
    TrackStatus,
)

MONDAY = date(2026, 11, 23)
PASSWORD = "a long password for tests"
_number = count(1)


def make_site(name: str = "Harbor Street", time_zone: str = "America/New_York", **fields: Any) -> Site:
    """Create a site whose default rules have been in force since 2020."""
    site = Site.objects.create(
        code=fields.pop("code", f"S{next(_number)}"),
        name=name,
        neutral_name=fields.pop("neutral_name", "Appointment"),
        time_zone=time_zone,
        **fields,
    )
    RuleSet.objects.create(site=site, starts=date(2020, 1, 6))
    return site


def make_room(site: Site, places: int = 12, **fields: Any) -> Room:
    number = next(_number)
    return Room.objects.create(
        site=site,
        code=fields.pop("code", f"R{number}"),
        name=fields.pop("name", f"Room {number}"),
        places=places,
        **fields,
    )


def make_staff(role: Role, site: Site | None, name: str = "", **fields: Any) -> User:
    """Create a staff user with one role. The user's password is PASSWORD."""
    number = next(_number)
    user = User.objects.create_user(
        fields.pop("email", f"{role}{number}@example.test"),
        PASSWORD,
        name=name or f"{Role(role).label} {number}",
        code=f"U{number}",
        credential=fields.pop("credential", "LADC"),
        **fields,
    )
    RoleAssignment.objects.create(user=user, role=role, site=site)
    return user


def make_patient(
    site: Site, first_name: str = "Rosa", last_name: str = "Lindqvist", *, phone: str = "", **fields: Any
) -> Patient:
    """Create a patient. `phone` is the first phone number. Messages are not allowed on it."""
    patient = Patient.objects.create(
        site=site,
        code=fields.pop("code", f"P{next(_number)}"),
        first_name=first_name,
        last_name=last_name,
        birth_date=fields.pop("birth_date", date(1990, 5, 17)),
        **fields,
    )
    if phone:
        PatientPhone.objects.create(patient=patient, position=0, number=phone)
    return patient


def make_contacts(patient: Patient) -> tuple[str, ...]:
    """Give the patient an address, a phone number and an emergency contact.

    Return the texts that no feed, letter or mail may contain.
    """
    patient.address = "41 Quince Street"
    patient.save(update_fields=["address"])
    PatientPhone.objects.create(patient=patient, position=0, number="(207) 555-0162", may_leave_message=True)
    EmergencyContact.objects.create(patient=patient, position=0, name="Xenia Ortiz", phone="(207) 555-0163")
    return "41 Quince Street", "555-0162", "5550162", "Xenia Ortiz", "555-0163", "5550163"


def make_patient_user(patient: Patient) -> User:
    """Create a user account for the patient. The user's password is PASSWORD."""
    user = User.objects.create_user(f"patient{next(_number)}@example.test", PASSWORD, name=str(patient))
    patient.user = user
    patient.save(update_fields=["user"])
    return user


def make_delegate(patient: Patient, name: str, *, by: User) -> User:
    """Create the account of somebody who sees the patient's schedule for the next 90 days. The password is PASSWORD."""
    consent = Consent.objects.create(
        patient=patient,
        recipient=name,
        recipient_kind=RecipientKind.OTHER,
        purpose="Rides",
        signed_on=MONDAY,
        valid_until=MONDAY + timedelta(days=90),
        recorded_by=by,
    )
    user = User.objects.create_user(f"delegate{next(_number)}@example.test", PASSWORD, name=name)
    since = datetime(MONDAY.year, MONDAY.month, MONDAY.day, 12, tzinfo=UTC)
    Delegate.objects.create(patient=patient, user=user, consent=consent, since=since, given_by=by)
    return user


def admit(
    patient: Patient, starts: date = MONDAY, minutes: int = 540, days: int = 3, level: str = LevelOfCare.INTENSIVE
) -> Episode:
    """Create an open episode of care whose level of care applies from the start and has no end."""
    episode = Episode.objects.create(patient=patient, site=patient.site, starts=starts)
    LevelOfCareSpan.objects.create(
        episode=episode,
        level=level,
        prescribed_minutes=minutes,
        prescribed_days=days,
        starts=starts,
        stated_by="Dr. Imani Cole, MD",
    )
    return episode


def make_commitment(
    patient: Patient, weekdays: Iterable[int], starts: str, ends: str, label: str = "Day shift", **fields: Any
) -> Commitment:
    """Create a weekly commitment. `travel_minutes` is the travel time each way."""
    if "travel_minutes" in fields:
        fields["travel_before_minutes"] = fields["travel_after_minutes"] = fields.pop("travel_minutes")
    return Commitment.objects.create(
        patient=patient,
        kind=fields.pop("kind", CommitmentKind.WORK),
        label=label,
        weekdays=weekday_mask(weekdays),
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        **fields,
    )


def make_place(patient: Patient, ways: Mapping[Site, tuple[int, int]], name: str = "Home") -> Place:
    """Create a place of the patient. `ways` maps each site to the minutes of travel to the place and back to the site."""
    place = Place.objects.create(patient=patient, name=name)
    for site, (before, after) in ways.items():
        PlaceTravel.objects.create(place=place, site=site, before_minutes=before, after_minutes=after)
    return place


def make_calendar(
    patient: Patient,
    by: User,
    *times: tuple[datetime, datetime],
    whole_days: Iterable[tuple[datetime, datetime]] = (),
    **fields: Any,
) -> ImportedCalendar:
    """Create an imported calendar with the given busy times. Its state is KEPT unless `state` is given."""
    state = fields.pop("state", CalendarState.KEPT)
    days = list(whole_days)
    at = fields.pop("uploaded_at", datetime(2026, 11, 23, 14, tzinfo=UTC))
    first = fields.pop("first", MONDAY)
    calendar = ImportedCalendar.objects.create(
        patient=patient,
        kind=fields.pop("kind", "work"),
        state=state,
        first=first,
        until=fields.pop("until", first + timedelta(weeks=26)),
        events=len(times) + len(days),
        occurrences=len(times) + len(days),
        whole_days=len(days),
        uploaded_at=at,
        uploaded_by=by,
        decided_at=at if state in {CalendarState.KEPT, CalendarState.DECLINED} else None,
        **fields,
    )
    for is_whole_day, stretches in ((False, times), (True, days)):
        for starts, ends in stretches:
            CalendarInterval.objects.create(calendar=calendar, starts=starts, ends=ends, is_whole_day=is_whole_day)
    return calendar


def make_meeting(
    site: Site, weekday: int, starts: str = "09:00", ends: str = "12:00", *, lead: User | None = None, **fields: Any
) -> Meeting:
    number = next(_number)
    meeting = Meeting.objects.create(
        site=site,
        code=fields.pop("code", f"M{number}"),
        name=fields.pop("name", f"Group {number}"),
        weekday=weekday,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        service_type=fields.pop("service_type", None) or ServiceType.objects.get(code="group"),
        places=fields.pop("places", 10),
        runs_from=fields.pop("runs_from", date(2026, 1, 5)),
        **fields,
    )
    if lead is not None:
        MeetingFacilitator.objects.create(meeting=meeting, user=lead, part=FacilitatorPart.LEADS)
    return meeting


def make_track(site: Site, meetings: Iterable[Meeting] = (), name: str = "Morning track", **fields: Any) -> Track:
    """Create a track with the meetings. The track is published unless `status` says otherwise."""
    status = fields.pop("status", TrackStatus.PUBLISHED)
    track = Track.objects.create(
        site=site,
        code=fields.pop("code", f"T{next(_number)}"),
        name=name,
        status=status,
        published_at=None if status == TrackStatus.DRAFT else datetime(2026, 1, 5, tzinfo=UTC),
        **fields,
    )
    track.meetings.set(meetings)
    return track


def make_weekday_track(
    site: Site, days: Iterable[int] = (0, 2, 4), *, lead: User | None = None, **fields: Any
) -> Track:
    """Create a published track with a meeting from 9:00 to 12:00 on each of the weekdays `days`."""
    return make_track(site, [make_meeting(site, day, lead=lead) for day in days], **fields)


def make_session(meeting: Meeting, on: date, **fields: Any) -> Session:
    """Create the meeting's session on a date. The session has the meeting's facilitators."""
    zone = meeting.site.zone
    starts = datetime.combine(on, meeting.starts, zone).astimezone(UTC)
    ends = datetime.combine(on, meeting.ends, zone).astimezone(UTC)
    session = Session.objects.create(
        site=meeting.site,
        meeting=meeting,
        pattern_date=fields.pop("pattern_date", on),
        on=on,
        starts=starts,
        ends=ends,
        countable_minutes=fields.pop("countable_minutes", int((ends - starts).total_seconds() // 60)),
        service_type=meeting.service_type,
        room=meeting.room,
        name=meeting.name,
        modality=meeting.modality,
        places=meeting.places,
        **fields,
    )
    for facilitator in meeting.meeting_facilitators.all():
        SessionFacilitator.objects.create(
            session=session, user=facilitator.user, part=facilitator.part, starts=starts, ends=ends
        )
    return session


def make_hours(user: User, site: Site, weekday: int, starts: str, ends: str, **fields: Any) -> CounselorHours:
    """Create weekly hours in which the counselor sees patients for individual sessions."""
    return CounselorHours.objects.create(
        user=user,
        site=site,
        weekday=weekday,
        starts=time.fromisoformat(starts),
        ends=time.fromisoformat(ends),
        **fields,
    )


def enroll(episode: Episode, track: Track, starts: date = MONDAY) -> Enrollment:
    """Enroll the patient in every meeting of the track, without booking sessions."""
    enrollment = Enrollment.objects.create(episode=episode, track=track, starts=starts)
    for meeting in track.meetings.all():
        EnrollmentMeeting.objects.create(enrollment=enrollment, meeting=meeting, starts=starts)
    return enrollment


def book(session: Session, enrollment: Enrollment, **fields: Any) -> Booking:
    """Book a spot in the session for the enrolled patient, and add one to `session.booked`."""
    booking = Booking.objects.create(
        session=session,
        episode=enrollment.episode,
        enrollment=enrollment,
        starts=session.starts,
        ends=session.ends,
        countable_minutes=session.countable_minutes,
        week=session.on - timedelta(days=session.on.weekday()),
        **fields,
    )
    session.booked += 1
    session.save(update_fields=["booked"])
    return booking


def make_other(model: type[Any], **fields: Any) -> Any:
    """Create a row of any model. Required fields that are not given get random values."""
    return baker.make(model, **fields)
