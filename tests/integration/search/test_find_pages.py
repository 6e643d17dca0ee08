"""The pages on which a coordinator finds a schedule for a patient, enrolls the patient, and ends the enrollment."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from patients.models import Episode, LevelOfCareSpan, Patient
from scheduling.domain.search.fit import AlreadyEnrolled
from scheduling.models import (
    Booking,
    CohortStart,
    Enrollment,
    EnrollmentMeeting,
    EntryMode,
    Meeting,
    Session,
    Site,
    Track,
)
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.reasons import InAnotherSession
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_meeting,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TUESDAY_MORNING = datetime(2026, 11, 24, 14, tzinfo=UTC)
TODAY = date(2026, 11, 24)
NEXT_MONDAY = date(2026, 11, 30)


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(TUESDAY_MORNING, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def lead(site: Site) -> User:
    return make_staff(Role.CLINICIAN, site, name="Ada Park")


@pytest.fixture
def track(site: Site, lead: User) -> Track:
    """A track that meets Monday to Thursday from 9:00 to 12:00, 12 hours a week."""
    return make_weekday_track(site, days=(0, 1, 2, 3), lead=lead, name="Morning track")


@pytest.fixture
def rosa(site: Site) -> Patient:
    """A patient in care who is prescribed 9 hours on 3 days a week."""
    patient = make_patient(site, code="P001")
    admit(patient)
    return patient


@pytest.fixture
def coordinator(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def desk(coordinator: User) -> Client:
    return signed_in_as(coordinator)


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def search(client: Client, patient: Patient, **asked: str) -> Any:
    return client.get(reverse("find-schedule", args=[patient.pk]), asked)


def typed(meetings: Any, **fields: Any) -> dict[str, Any]:
    keys = [str(meeting.pk) for meeting in meetings]
    return {"starts": "2026-11-30", "modality": "in_person", "meetings": keys} | fields


def plain(text: str) -> str:
    return text.replace("&#x27;", "'").replace("&amp;", "&")


# Finding a schedule


def shown(answer: Any) -> list[Any]:
    """Return the best schedule of each track on the page."""
    return [choice.card for choice in answer.context["choices"]]


def test_a_schedule_shows_its_times_remarks_week_and_a_link_to_enroll(
    desk: Client, rosa: Patient, track: Track
) -> None:
    response = search(desk, rosa)

    best = shown(response)[0]
    assert [(each.weekdays, each.times) for each in best.days] == [((0, 1, 2), ((540, 720, False),))]
    assert next(block.label for column in best.picture.columns for block in column.blocks).startswith("Group")
    text = plain(response.text)
    for words in (
        "5 schedules fit", "Mon–Wed 9:00 AM–12:00 PM", "9 h", "3 days", "Starts Tue, Nov 24",
        "3 of the 4 groups of Morning track",
        "3 days a week, 3 h each", "One facilitator", "Enroll from Tue, Nov 24", "No commitments are on file",
        "How schedules are ranked", "60 points for each trip",
    ):  # fmt: skip
        assert words in text
    meetings = "&".join(f"meetings={meeting.pk}" for meeting in track.meetings.filter(weekday__lt=3))
    assert f"{reverse('enroll', args=[rosa.pk, track.pk])}?from=2026-11-24&{meetings}" in text


def test_the_search_starts_with_the_episode_or_today_or_a_chosen_day(desk: Client, rosa: Patient, track: Track) -> None:
    assert search(desk, rosa).context["need"].from_day == TODAY

    Episode.objects.update(starts=date(2026, 12, 2))
    assert search(desk, rosa).context["need"].from_day == date(2026, 12, 2)
    response = search(desk, rosa, **{"from": "2026-12-14"})
    assert response.context["need"].from_day == date(2026, 12, 14)
    assert "Enroll from Mon, Dec 14" in response.text


def test_a_track_with_a_conflict_can_fit_and_shows_the_conflict(desk: Client, rosa: Patient, track: Track) -> None:
    make_commitment(rosa, [3], "12:15", "18:00", label="Late shift", travel_minutes=25)

    response = search(desk, rosa)

    [card] = shown(response)
    assert (card.schedule.minutes, card.schedule.days, card.schedule.is_whole) == (540, 3, False)
    assert "Nothing has to move" in response.text
    assert "Why not all groups fit" in response.text
    assert "fits in part" not in response.text
    assert (
        "ends 15 min before Late shift starts at 12:15 PM. Travel takes 25 min, so the patient would be 10 min late."
        in response.text
    )


def test_a_biweekly_group_is_marked(desk: Client, rosa: Patient, site: Site) -> None:
    track = make_weekday_track(site, (0, 1, 2))
    track.meetings.add(make_meeting(site, 4, "09:00", "12:00", anchor=date(2026, 11, 27)))

    response = search(desk, rosa)

    assert "Mon–Wed 9:00 AM–12:00 PM" in response.text
    assert "Fri 9:00 AM–12:00 PM every other week" in plain(response.text)


def test_moved_commitments_and_missed_dates_are_shown(desk: Client, rosa: Patient, track: Track) -> None:
    track.meetings.get(weekday=3).delete()
    make_commitment(rosa, [0], "12:15", "18:00", label="Late shift", travel_minutes=25, movable_minutes=30)
    make_commitment(rosa, [], "09:00", "10:00", label="Court", on=date(2026, 12, 9))
    make_commitment(rosa, [1], "06:00", "08:50", label="Early shift")

    response = search(desk, rosa)

    [card] = shown(response)
    text = plain(response.text)
    for words in (
        "Late shift would have to start 10 min later, at 12:25 PM, on Mon",
        "Misses 1 of 36 sessions: Wed, Dec 9",
        "10 min to spare between Early shift and the group on Tuesdays",
    ):
        assert words in text
    monday = next(column for column in card.picture.columns if column.weekday == 0)
    assert [(block.kind, block.starts) for block in monday.blocks] == [
        ("treatment", 540),
        ("travel", 720),
        ("life", 745),
        ("travel", 1080),
    ]


def test_the_best_schedule_of_each_track_comes_first_with_its_variants_folded(
    desk: Client, rosa: Patient, track: Track
) -> None:
    make_weekday_track(track.site, (0, 1, 2), name="Other track")

    response = search(desk, rosa)

    choices = response.context["choices"]
    assert [choice.names for choice in choices] == [("Morning track",), ("Other track",)]
    found = [[choice.card, *choice.variants] for choice in choices]
    assert [len(cards) for cards in found] == [5, 1]
    assert all(cards == sorted(cards, key=lambda card: card.number) for cards in found)
    assert "4 more variants of this track" in response.text
    assert "more variant of" not in response.text
    assert response.text.count('class="week-picture"') == 2, "only the best of each track has a picture"


def test_the_variants_of_the_only_track_are_open(desk: Client, rosa: Patient, track: Track) -> None:
    assert '<details class="same-track" open>' in search(desk, rosa).text
    make_weekday_track(track.site, (0, 1, 2), name="Other track")
    assert '<details class="same-track">' in search(desk, rosa).text


def test_the_first_tracks_are_shown_and_more_on_request(desk: Client, rosa: Patient, site: Site) -> None:
    for number in range(12):
        make_track(site, [make_meeting(site, day) for day in range(3)], name=f"Track {number:02}")

    first_page = search(desk, rosa)
    more = desk.post(reverse("find-schedule-what-if", args=[rosa.pk]), {"from": "2026-11-24", "shown": "10"})

    assert (len(shown(first_page)), len(first_page.context["more"])) == (4, 8)
    assert "Show 8 more tracks" in first_page.text
    assert (len(shown(more)), len(more.context["more"])) == (10, 2)
    assert first_page.text.count('class="week-picture"') == 4
    assert len(shown(desk.post(reverse("find-schedule-what-if", args=[rosa.pk]), {"shown": "all"}))) == 4


def test_a_track_that_does_not_fit_is_one_line_with_its_nearest_obstacle(
    desk: Client, rosa: Patient, track: Track
) -> None:
    make_commitment(rosa, [0, 1, 2, 3], "08:00", "16:00", label="Work")

    response = search(desk, rosa)

    text = " ".join(plain(response.text).split())
    assert "Work conflicts with all 4 groups, every week" in text
    assert text.count('class="track-line"') == 1
    assert (
        text.index("Work conflicts") < text.index("9 h short") < text.index("Details") < text.index("Add to waitlist")
    )


def test_a_search_for_an_enrolled_patient_says_that_the_enrollment_is_in_the_way(
    desk: Client, rosa: Patient, track: Track
) -> None:
    assert "already enrolled" not in search(desk, rosa).text
    desk.post(enroll_address(rosa, track), typed(track.meetings.all()))

    text = " ".join(plain(search(desk, rosa, **{"from": "2026-12-07"}).text).split())

    assert "Nothing fits beside the current enrollment" in text
    assert "Rosa is already enrolled, and this search keeps the current enrollment." in text
    assert f'<a href="{reverse("patient", args=[rosa.pk])}#schedule">in the chart</a>' in text
    assert "Current enrollment conflicts" not in text
    assert "Add to waitlist" not in text
    assert "No other track is published at this site" in text


def test_the_track_of_the_current_enrollment_is_not_among_those_that_do_not_fit(
    desk: Client, rosa: Patient, track: Track, site: Site
) -> None:
    enroll(rosa.episodes.get(), track)
    evening = [make_meeting(site, day, "17:00", "20:00") for day in (0, 1)]
    make_track(site, [*evening, track.meetings.get(weekday=0)], name="Evening track")

    answer = search(desk, rosa)

    assert [card.fit.offer.name for card in answer.context["others"]] == ["Evening track"]
    assert "1 of 3 groups is part of the current enrollment (Mon)" in " ".join(answer.text.split())


def test_groups_left_in_the_current_track_are_not_offered_because_enrolling_would_be_refused(
    desk: Client, rosa: Patient, track: Track, site: Site, coordinator: User
) -> None:
    episode = rosa.episodes.get()
    enroll(episode, track)
    evenings = [make_meeting(site, weekday, "17:00", "20:00") for weekday in (0, 1, 2)]
    track.meetings.add(*evenings)

    answer = search(desk, rosa)

    assert (answer.context["number"], shown(answer)) == (0, [])
    assert answer.context["others"] == answer.context["partly"] == []
    with pytest.raises(Refused) as refused:
        enroll_patient(
            episode=episode, track=track, meetings=evenings, starts=TODAY, by=coordinator, now=TUESDAY_MORNING
        )
    assert refused.value.reasons == (AlreadyEnrolled("Morning track", episode.enrollments.get().starts),)


def test_the_picture_of_a_week_tells_current_treatment_from_commitments(
    desk: Client, rosa: Patient, track: Track, site: Site
) -> None:
    enroll(rosa.episodes.get(), track)
    make_commitment(rosa, [4], "09:00", "17:00", label="Shift")
    make_track(site, [make_meeting(site, weekday, "17:00", "20:00") for weekday in (0, 1, 2)], name="Evening track")

    answer = search(desk, rosa)

    [card] = shown(answer)
    assert card.picture.kinds == ("treatment", "current", "life")
    assert "Current treatment" in answer.text


def test_a_track_for_another_level_says_so_and_is_folded(desk: Client, rosa: Patient, track: Track) -> None:
    Track.objects.update(level="2.5")
    make_commitment(rosa, [0, 1, 2, 3], "08:00", "16:00", label="Work")

    response = search(desk, rosa)

    text = " ".join(plain(response.text).split())
    folded = text[text.index('<details class="other-levels">') :]
    assert "1 track is for another level of care" in folded
    assert "This track is for level 2.5, and the ordered level is 2.1." in folded
    assert " short" not in folded
    assert "doesn’t fit" not in text


@pytest.mark.parametrize(
    ("anchor", "words"),
    [
        pytest.param(None, "Every week.", id="every week"),
        pytest.param(date(2026, 11, 24), "Every other Tuesday, next on Tue, Nov 24; 6 of 12 dates.", id="this week"),
        pytest.param(date(2026, 12, 8), "Every other Tuesday, next on Tue, Nov 24; 6 of 12 dates.", id="even weeks"),
        pytest.param(date(2026, 12, 1), "Every other Tuesday, next on Tue, Dec 1; 6 of 12 dates.", id="odd weeks"),
    ],
)
def test_a_conflict_says_how_often_it_happens(
    desk: Client, rosa: Patient, site: Site, anchor: date | None, words: str
) -> None:
    make_weekday_track(site, (1, 2, 3))
    make_commitment(rosa, [1], "08:00", "16:00", label="Custody visit", anchor=anchor)

    assert words in search(desk, rosa).text


def test_a_track_that_does_not_fit_shows_every_reason_by_meeting(desk: Client, rosa: Patient, track: Track) -> None:
    make_commitment(rosa, [0, 1], "08:00", "16:00", label="Day shift")
    meeting = track.meetings.get(weekday=2)
    session = make_session(meeting, date(2026, 11, 25))
    session.booked = session.places
    session.save()

    response = search(desk, rosa)

    [card] = response.context["others"]
    assert [(meeting.weekday, [reason.code for reason in reasons]) for meeting, reasons in card.meeting_reasons] == [
        (0, ["clash"]),
        (1, ["clash"]),
        (2, ["full"]),
    ]
    text = plain(response.text)
    for words in (
        "Nothing fits", "1 track doesn’t fit", "6 h short", "Day shift (8:00 AM–4:00 PM) overlaps Monday’s",
        "is full on Wed, Nov 25", "3 h a week is 6 h less than the 9 h prescribed",
    ):  # fmt: skip
        assert words in text


def test_cohorts_start_on_their_start_date(desk: Client, rosa: Patient, track: Track) -> None:
    Track.objects.update(entry=EntryMode.COHORT)
    CohortStart.objects.create(track=track, on=date(2026, 12, 7))

    response = search(desk, rosa)

    assert "Enroll from Mon, Dec 7" in response.text
    assert "?from=2026-12-07" in response.text


def test_without_an_episode_the_page_links_to_admission(desk: Client, site: Site) -> None:
    patient = make_patient(site, "Wim")

    response = search(desk, patient)

    assert "Wim is not in care right now" in response.text
    assert reverse("level-new", args=[patient.pk]) in response.text


@pytest.mark.parametrize(
    ("day", "words"),
    [
        pytest.param("soon", "Enter a date.", id="no date"),
        pytest.param("2026-11-01", "Sun, Nov 1 is before the admission on Mon, Nov 23.", id="before admission"),
        pytest.param("2027-03-01", "no episode of care", id="after discharge"),
    ],
)
def test_a_day_that_cannot_be_searched_gets_a_reason_and_stays_in_the_form(
    desk: Client, rosa: Patient, track: Track, day: str, words: str
) -> None:
    Episode.objects.update(ends=date(2027, 1, 15))

    response = search(desk, rosa, **{"from": day})

    assert words in response.text
    assert f'value="{day}"' in response.text
    assert response.context["need"] is None


def test_the_search_is_recorded_in_the_trail(desk: Client, rosa: Patient, track: Track) -> None:
    search(desk, rosa)

    assert list(AuditEvent.objects.values_list("action", "patient_key", "detail")) == [
        (Action.VIEWED, rosa.pk, "find a schedule")
    ]


@pytest.mark.parametrize("number", [pytest.param(1, id="one track"), pytest.param(3, id="three tracks")])
def test_a_search_of_three_tracks_takes_as_many_queries_as_one(
    desk: Client, site: Site, rosa: Patient, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        make_weekday_track(site, name=f"Track {each}")
        make_commitment(rosa, [each], "13:00", "15:00")

    with django_assert_num_queries(23):
        response = search(desk, rosa)

    assert response.context["number"] == number


# Enrolling


def enroll_address(patient: Patient, track: Track, query: str = "") -> str:
    return reverse("enroll", args=[patient.pk, track.pk]) + query


@pytest.mark.parametrize(
    ("query", "starts", "chosen"),
    [
        pytest.param("", TODAY, [0, 1, 2, 3], id="all of it, from today"),
        pytest.param("?from=2026-11-30", NEXT_MONDAY, [0, 1, 2, 3], id="from the day that was asked for"),
        pytest.param("?from=2026-11-30&choice=enough", NEXT_MONDAY, [0, 1, 2], id="just enough"),
        pytest.param("?from=nonsense&choice=x", TODAY, [0, 1, 2, 3], id="nonsense is no fault"),
    ],
)
def test_the_enrollment_form_opens_with_the_found_schedule(
    desk: Client, rosa: Patient, track: Track, query: str, starts: date, chosen: list[int]
) -> None:
    response = desk.get(enroll_address(rosa, track, query))

    options = response.context["options"]
    assert response.context["form"]["starts"].value() == starts
    assert [option.meeting.weekday for option in options if option.is_chosen] == chosen
    assert [option.places_left for option in options] == [10, 10, 10, 10]
    assert "Fits" in response.text


def test_a_patient_is_enrolled_and_booked(desk: Client, rosa: Patient, track: Track, site: Site) -> None:
    extend_horizon(site=site, now=TUESDAY_MORNING)

    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all(), modality="telehealth"))

    enrollment = Enrollment.objects.get()
    assert response["Location"] == reverse("patient", args=[rosa.pk])
    assert (enrollment.starts, enrollment.modality) == (NEXT_MONDAY, "telehealth")
    assert EnrollmentMeeting.objects.count() == 4
    assert Booking.objects.filter(session__on=NEXT_MONDAY).count() == 1
    assert not Booking.objects.filter(session__on__lt=NEXT_MONDAY).exists()
    assert AuditEvent.objects.filter(action=Action.ENROLLED, patient_key=rosa.pk).count() == 1


def refused_codes(answer: Any) -> list[str]:
    assert answer.status_code == 422
    assert not Enrollment.objects.filter(starts=NEXT_MONDAY).exists()
    return [reason.code for reason in answer.context["reasons"]]


def test_every_reason_is_shown_at_once_and_the_form_keeps_its_input(desk: Client, rosa: Patient, track: Track) -> None:
    make_commitment(rosa, [0], "08:00", "10:00", label="Day shift")
    chosen = track.meetings.filter(weekday__in=[0, 1])

    response = desk.post(enroll_address(rosa, track), typed(chosen, starts="2026-11-30", modality="telehealth"))

    assert refused_codes(response) == ["below_prescribed_minutes", "below_prescribed_days", "clash"]
    assert [option.meeting.weekday for option in response.context["options"] if option.is_chosen] == [0, 1]
    assert response.context["form"]["modality"].value() == "telehealth"
    text = plain(response.text)
    for words in (
        "can’t be enrolled with these choices",
        "3 h less than the 9 h prescribed",
        "by 1 h. Every week.",
    ):
        assert words in text


def test_two_alternatives_at_the_same_time_are_not_both_chosen(
    desk: Client, rosa: Patient, track: Track, site: Site
) -> None:
    parallel = make_meeting(site, 0, "09:00", "12:00", name="The other group")
    track.meetings.add(parallel)

    assert refused_codes(desk.post(enroll_address(rosa, track), typed(track.meetings.all()))) == ["two_at_once"]


def test_full_groups_early_starts_and_empty_choices_are_refused(desk: Client, rosa: Patient, site: Site) -> None:
    track = make_track(site, [make_meeting(site, day, "08:00", "16:00", places=1) for day in range(6)])
    session = make_session(track.meetings.get(weekday=2), date(2026, 12, 2))
    session.booked = 1
    session.save()
    Episode.objects.update(starts=date(2026, 12, 1))

    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all()))
    assert refused_codes(response) == ["too_many_minutes", "too_many_days", "full"]
    assert "is before the admission on Tue, Dec 1" in response.context["form"].errors["starts"][0]
    response = desk.post(enroll_address(rosa, track), typed([]))
    assert refused_codes(response)[0] == "no_meetings"
    assert "is before the admission on Tue, Dec 1" in response.context["form"].errors["starts"][0]


def test_no_patient_is_enrolled_twice_in_a_track(desk: Client, rosa: Patient, track: Track) -> None:
    enroll(rosa.episodes.get(), track)

    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all()))

    assert refused_codes(response) == ["already_enrolled"]
    name = track.meetings.get(weekday=0).name
    assert f"Monday’s “{name}” (9:00 AM–12:00 PM) is part of the current enrollment." in response.text
    assert "overlaps" not in response.text


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        pytest.param({"starts": "soon"}, "starts", id="no date"),
        pytest.param({"starts": ""}, "starts", id="no day at all"),
        pytest.param({"meetings": ["999999"]}, "meetings", id="another track's meeting"),
        pytest.param({"meetings": ["x"]}, "meetings", id="nonsense for a meeting"),
        pytest.param({"modality": "by post"}, "modality", id="no way to attend"),
    ],
)
def test_invalid_input_gets_an_error_beside_its_field(
    desk: Client, rosa: Patient, track: Track, fields: dict[str, Any], field: str
) -> None:
    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all()) | fields)

    assert response.status_code == 422
    assert list(response.context["form"].errors) == [field]
    assert response.context["form"].errors[field][0] in plain(response.text).replace("&quot;", '"')
    assert not Enrollment.objects.exists()


def test_a_choice_is_checked_without_enrolling(desk: Client, rosa: Patient, track: Track) -> None:
    chosen = track.meetings.filter(weekday__in=[0, 1])

    response = desk.post(enroll_address(rosa, track), typed(chosen, check="1"))

    assert response.status_code == 200
    trial = response.context["trial"]
    assert (trial.minutes, trial.days) == (360, 2)
    assert [reason.code for reason in trial.reasons] == ["below_prescribed_minutes", "below_prescribed_days"]
    assert "Doesn’t fit yet" in response.text
    assert not Enrollment.objects.exists()


def test_an_htmx_request_gets_only_the_part_that_changed(desk: Client, rosa: Patient, track: Track) -> None:
    response = desk.post(
        enroll_address(rosa, track), typed(track.meetings.all(), check="1"), headers={"HX-Request": "true"}
    )

    assert response.status_code == 200
    assert "<html" not in response.text
    assert "12 h" in response.text
    assert "Fits" in response.text


def test_a_meeting_that_does_not_run_then_cannot_be_chosen(
    desk: Client, rosa: Patient, track: Track, coordinator: User
) -> None:
    Meeting.objects.filter(weekday=3).update(runs_until=date(2026, 12, 1))

    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all()))

    assert refused_codes(response) == ["not_running"]


def test_a_conflicting_makeup_is_a_reason_and_not_an_error(
    rosa: Patient, track: Track, site: Site, coordinator: User
) -> None:
    other = make_weekday_track(site, days=(0,), name="Other")
    missed = book(make_session(other.meetings.get(), MONDAY), enroll(rosa.episodes.get(), other))
    Enrollment.objects.update(ends=TODAY)
    EnrollmentMeeting.objects.update(ends=TODAY)
    extend_horizon(site=site, now=TUESDAY_MORNING)
    parallel = make_session(make_meeting(site, 2, "10:00", "11:00", name="Make-up"), date(2026, 12, 2))
    Booking.objects.create(
        session=parallel, episode=missed.episode, makes_up=missed, starts=parallel.starts, ends=parallel.ends,
        countable_minutes=60, week=NEXT_MONDAY,
    )  # fmt: skip

    with pytest.raises(Refused) as refused:
        enroll_patient(
            episode=missed.episode, track=track, meetings=list(track.meetings.all()), starts=NEXT_MONDAY,
            by=coordinator, now=TUESDAY_MORNING,
        )  # fmt: skip

    assert refused.value.reasons == (InAnotherSession("Make-up", date(2026, 12, 2)),)
    assert not Enrollment.objects.filter(track=track).exists()


def test_a_patient_without_an_episode_is_admitted_first(desk: Client, site: Site, track: Track) -> None:
    patient = make_patient(site)

    assert desk.get(enroll_address(patient, track))["Location"] == reverse("level-new", args=[patient.pk])


def test_a_day_after_the_episode_gets_a_reason(desk: Client, rosa: Patient, track: Track) -> None:
    Episode.objects.update(ends=date(2026, 12, 20))
    LevelOfCareSpan.objects.update(ends=date(2026, 12, 20))

    opened = desk.get(enroll_address(rosa, track, "?from=2027-01-04"))
    assert opened.status_code == 200
    response = desk.post(enroll_address(rosa, track), typed(track.meetings.all(), starts="2027-01-04"))
    assert response.status_code == 422
    assert "There is no episode of care" in response.context["form"].errors["starts"][0]


def test_the_enrollment_page_takes_few_queries(
    desk: Client, rosa: Patient, track: Track, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(25):
        desk.get(enroll_address(rosa, track))


# Ending an enrollment


def test_an_enrollment_ends_after_its_last_day_and_releases_its_bookings(
    desk: Client, rosa: Patient, track: Track
) -> None:
    enrollment = enroll(rosa.episodes.get(), track)
    kept_booking = book(make_session(track.meetings.get(weekday=2), date(2026, 11, 25)), enrollment)
    later = book(make_session(track.meetings.get(weekday=3), date(2026, 11, 26)), enrollment)

    address, typed = reverse("enrollment-end", args=[enrollment.pk]), {"last_day": "2026-11-25", "reason": "Moved"}
    shown = desk.post(address, typed)
    assert list(Booking.objects.active()) == [kept_booking, later]
    assert later.session.name in shown.text
    desk.post(address, typed | {"seen": shown.context["impact"].key})

    enrollment.refresh_from_db()
    assert (enrollment.ends, enrollment.end_reason) == (date(2026, 11, 26), "Moved")
    assert list(Booking.objects.active()) == [kept_booking]
    assert Session.objects.get(pk=later.session_id).booked == 0


def test_an_enrollment_does_not_end_before_it_starts(desk: Client, rosa: Patient, track: Track) -> None:
    enrollment = enroll(rosa.episodes.get(), track)

    response = desk.post(reverse("enrollment-end", args=[enrollment.pk]), {"last_day": str(MONDAY - timedelta(days=1))})

    assert response.status_code == 422
    assert "is too early. Choose Mon, Nov 23 or later." in response.context["form"].errors["last_day"][0]


# Permissions


def statuses(user: User, address: str) -> set[int]:
    client = signed_in_as(user)
    return {client.get(address).status_code, client.post(address).status_code}


def test_outsiders_can_neither_search_nor_enroll(site: Site, rosa: Patient, track: Track, lead: User) -> None:
    enrollment = enroll(rosa.episodes.get(), track)
    fit, enrolling = reverse("find-schedule", args=[rosa.pk]), enroll_address(rosa, track)
    ending = reverse("enrollment-end", args=[enrollment.pk])
    elsewhere = make_site("Elsewhere")

    outsider = make_staff(Role.COORDINATOR, elsewhere)
    assert (statuses(outsider, fit), statuses(outsider, enrolling), statuses(outsider, ending)) == (
        {404, 405},
        {404},
        {404},
    )
    other_group = make_staff(Role.CLINICIAN, site)
    assert (statuses(other_group, fit), statuses(other_group, enrolling)) == ({404, 405}, {403})
    for role in (Role.REVIEWER, Role.ADMINISTRATOR):
        reader = make_staff(role, site)
        assert statuses(reader, fit) <= {403, 405}
        assert (statuses(reader, enrolling), statuses(reader, ending)) == ({403}, {403})
    own = make_patient_user(rosa)
    assert statuses(own, fit) <= {403, 405}
    assert (statuses(own, enrolling), statuses(own, ending)) == ({403}, {403})
    assert not AuditEvent.objects.exists()


def test_a_clinician_searches_for_their_own_patients_but_enrolls_nobody(
    rosa: Patient, track: Track, lead: User
) -> None:
    book(make_session(track.meetings.get(weekday=2), date(2026, 11, 25)), enroll(rosa.episodes.get(), track))
    client = signed_in_as(lead)

    response = search(client, rosa)

    assert response.status_code == 200
    assert "Enroll from" not in response.text
    assert client.get(enroll_address(rosa, track)).status_code == 403


def test_a_track_of_another_site_is_not_offered(desk: Client, rosa: Patient) -> None:
    foreign = make_weekday_track(make_site("Elsewhere"))

    assert desk.get(enroll_address(rosa, foreign)).status_code == 404


def test_an_anonymous_visitor_is_asked_to_sign_in(client: Client, rosa: Patient, track: Track) -> None:
    for address in (reverse("find-schedule", args=[rosa.pk]), enroll_address(rosa, track)):
        assert client.get(address)["Location"].startswith(reverse("account_login"))
