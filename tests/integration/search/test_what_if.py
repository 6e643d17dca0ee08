"""The search page with what-if scenarios: changing commitments, saving a change, trying suggestions, comparing schedules."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from patients.models import Commitment, LevelOfCareSpan, Patient
from scheduling.models import CohortStart, EntryMode, Site, Track, WaitingEntry
from scheduling.views.search.schedule_cards import ScheduleCard
from tests.factories import (
    admit,
    make_commitment,
    make_meeting,
    make_patient,
    make_session,
    make_site,
    make_staff,
    make_track,
    make_weekday_track,
)

pytestmark = pytest.mark.django_db

TUESDAY_MORNING = datetime(2026, 11, 24, 14, tzinfo=UTC)
HTMX = {"HTTP_HX_REQUEST": "true"}


@pytest.fixture(autouse=True)
def tuesday_morning() -> Iterator[None]:
    with time_machine.travel(TUESDAY_MORNING, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def track(site: Site) -> Track:
    """A track that meets on Monday, Wednesday and Friday from 9:00 to 12:00."""
    return make_weekday_track(site, name="Morning track")


@pytest.fixture
def rosa(site: Site) -> Patient:
    patient = make_patient(site, code="P001")
    admit(patient)
    return patient


@pytest.fixture
def shift(rosa: Patient) -> Commitment:
    """A commitment that conflicts with every group of the track."""
    return make_commitment(rosa, [0, 2, 4], "11:00", "16:00", "Shop")


@pytest.fixture
def desk(site: Site) -> Client:
    return signed_in_as(make_staff(Role.COORDINATOR, site))


def signed_in_as(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def life(commitment: Commitment, **changes: Any) -> dict[str, Any]:
    """Return the form data of a commitment in a scenario. The keyword arguments replace fields."""
    fields = {
        "weekdays": [str(day) for day in commitment.weekday_numbers],
        "starts": f"{commitment.starts:%H:%M}",
        "ends": f"{commitment.ends:%H:%M}",
        "movable_minutes": str(commitment.movable_minutes),
        "travel_before": str(commitment.travel_before_minutes),
        "travel_after": str(commitment.travel_after_minutes),
    }
    return {f"c{commitment.pk}-{name}": value for name, value in (fields | changes).items()}


def typed(*lives: dict[str, Any], **fields: Any) -> dict[str, Any]:
    form_data: dict[str, Any] = {"from": "2026-11-24", "prescribed_minutes": "9 h", "prescribed_days": "3"}
    for each in lives:
        form_data |= each
    return form_data | fields


def what_if(client: Client, patient: Patient, data: dict[str, Any], **headers: Any) -> Any:
    return client.post(reverse("find-schedule-what-if", args=[patient.pk]), data, **headers)


def numbers(answer: Any) -> list[int]:
    return [card.schedule.minutes for card in cards_of(answer)]


def cards_of(answer: Any) -> list[ScheduleCard]:
    """Return every schedule that the search found, track by track."""
    choices = (*answer.context["choices"], *answer.context["more"]) if "choices" in answer.context else ()
    return [card for choice in choices for card in (choice.card, *choice.variants)]


def plain(text: str) -> str:
    return text.replace("&#x27;", "'").replace("&amp;", "&")


# Scenarios


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        pytest.param({"starts": "12:00"}, "12:00–4:00 PM instead of 11:00 AM–4:00 PM", id="other times"),
        pytest.param({"weekdays": ["1", "3"]}, "on Tue, Thu instead of Mon, Wed, Fri", id="other days"),
        pytest.param({"movable_minutes": "60"}, "can move by 1 h", id="could move"),
        pytest.param({"leave_out": "on"}, "left out", id="left out"),
    ],
)
def test_a_changed_commitment_is_searched_at_once_and_not_saved(
    desk: Client, rosa: Patient, track: Track, shift: Commitment, changes: dict[str, Any], said: str
) -> None:
    assert numbers(desk.get(reverse("find-schedule", args=[rosa.pk]))) == []

    response = what_if(desk, rosa, typed(life(shift, **changes)))

    assert numbers(response) == [540]
    for words in ("Scenario: not saved", "Discard scenario", said, "Fits only with"):
        assert words in response.text
    assert "Enroll from" not in response.text
    before = Commitment.objects.get()
    assert (before.starts, before.weekday_numbers, before.movable_minutes) == (time(11), (0, 2, 4), 0)
    assert not AuditEvent.objects.exclude(action=Action.VIEWED).exists()
    assert AuditEvent.objects.first().detail == "find a schedule, what if"


def test_a_commitment_changes_on_some_days_only(desk: Client, rosa: Patient, site: Site, shift: Commitment) -> None:
    make_track(site, [make_meeting(site, day) for day in (0, 1, 3)])

    response = what_if(desk, rosa, typed(life(shift, starts="12:00", only=["0"])))

    assert numbers(response) == [540]
    for words in ("only on Mon", "12:00–4:00 PM instead of 11:00 AM–4:00 PM"):
        assert words in response.text
    assert numbers(what_if(desk, rosa, typed(life(shift, starts="12:00", only=["2"])))) == []
    assert numbers(what_if(desk, rosa, typed(life(shift, leave_out="on", only=["0"])))) == [540]


def test_shorter_travel_is_searched(desk: Client, rosa: Patient, track: Track) -> None:
    shop = make_commitment(rosa, [0], "12:15", "16:00", "Shop", travel_minutes=25)

    assert numbers(what_if(desk, rosa, typed(life(shop)))) == []
    response = what_if(desk, rosa, typed(life(shop, travel_before="15")))

    assert numbers(response) == [540]
    assert "15 min of travel there instead of 25 min" in response.text


def test_another_prescription_links_to_a_new_level_of_care(
    desk: Client, rosa: Patient, site: Site, track: Track
) -> None:
    track.meetings.add(make_meeting(site, 1))
    data = typed(prescribed_minutes="12", prescribed_days="4")

    response = what_if(desk, rosa, data)
    opened = desk.post(reverse("level-new", args=[rosa.pk]), data | {"open": "level"})

    assert numbers(response) == [720]
    assert "12 h on 4 days</strong> a week instead of 9 h on 3" in response.text
    assert (opened.status_code, LevelOfCareSpan.objects.count()) == (200, 1)
    assert (
        opened.context["form"]["prescribed_minutes"].value(),
        opened.context["form"]["prescribed_days"].value(),
    ) == (
        "12",
        "4",
    )


def test_a_schedule_that_fits_without_the_scenario_can_be_enrolled(
    desk: Client, rosa: Patient, site: Site, shift: Commitment
) -> None:
    make_track(site, [make_meeting(site, day) for day in (0, 1, 3, 5)])

    response = what_if(desk, rosa, typed(life(shift, leave_out="on")))

    fits_now = {
        tuple(meeting.weekday for meeting in card.schedule.meetings): not card.against for card in cards_of(response)
    }
    assert fits_now == {(0, 1, 3, 5): False, (0, 1, 3): False, (0, 1, 5): False, (0, 3, 5): False, (1, 3, 5): True}


def test_invalid_input_gets_an_error_and_the_form_keeps_the_rest(
    desk: Client, rosa: Patient, track: Track, shift: Commitment
) -> None:
    data = typed(life(shift, starts="16:00", movable_minutes="3"), prescribed_minutes="many")

    response = what_if(desk, rosa, data)
    part = what_if(desk, rosa, data, **HTMX)

    assert (response.status_code, part.status_code) == (422, 200)
    for each in (response, part):
        for words in ("Some fields need attention", "“many” is not a number of hours", "Enter at least 5 minutes"):
            assert words in each.text
    assert 'value="many"' in response.text
    assert 'value="16:00"' in response.text
    assert "<html" not in part.text


def test_impossible_times_are_refused_as_when_saving(
    desk: Client, rosa: Patient, track: Track, shift: Commitment
) -> None:
    assert "The start and the end are the same" in what_if(desk, rosa, typed(life(shift, ends="11:00"))).text


@pytest.mark.parametrize(
    "nonsense",
    [
        {"c0-starts": "9:00"},
        {"place": "x", "join": "-1", "rule": "minimum_days:99"},
        {"rule": "breaks_count:1"},
        {"try": "%%%=&&"},
        {"compare": "x"},
    ],
)
def test_forged_input_is_ignored(desk: Client, rosa: Patient, track: Track, nonsense: dict[str, str]) -> None:
    response = what_if(desk, rosa, typed(**nonsense))

    assert response.status_code == 200
    assert numbers(response) == [540]


def test_without_a_change_the_what_if_button_runs_a_normal_search(desk: Client, rosa: Patient, track: Track) -> None:
    response = what_if(desk, rosa, typed(look="1") | {"from": "2026-12-07"})

    assert response["Location"] == f"{reverse('find-schedule', args=[rosa.pk])}?from=2026-12-07"


# Saving a change


def keep(client: Client, commitment: Commitment, data: dict[str, Any]) -> Any:
    return client.post(reverse("find-schedule-save", args=[commitment.patient_id, commitment.pk]), data, follow=True)


def test_a_change_is_saved_on_request(desk: Client, rosa: Patient, track: Track, shift: Commitment) -> None:
    response = keep(desk, shift, typed(life(shift, starts="12:00", movable_minutes="15")))

    shift.refresh_from_db()
    assert (shift.starts, shift.movable_minutes) == (time(12), 15)
    assert response.redirect_chain[0][0] == f"{reverse('find-schedule', args=[rosa.pk])}?from=2026-11-24"
    assert "Commitment saved." in response.text
    assert AuditEvent.objects.get(action=Action.CHANGED).detail == "starts, movable_minutes"


def test_saving_one_change_keeps_the_rest_of_the_scenario(
    desk: Client, rosa: Patient, track: Track, shift: Commitment
) -> None:
    other = make_commitment(rosa, [5], "09:00", "12:00", "Children")

    response = keep(desk, shift, typed(life(shift, starts="12:00"), life(other, leave_out="on")))

    assert [changed.was.label for changed in response.context["query"].scenario.changed] == ["Children"]
    assert "Scenario: not saved" in response.text


def test_a_change_on_some_days_becomes_another_commitment(
    desk: Client, rosa: Patient, track: Track, shift: Commitment
) -> None:
    keep(desk, shift, typed(life(shift, starts="12:00", only=["0", "4"])))

    assert [(each.label, each.weekday_numbers, each.starts) for each in rosa.commitments.order_by("starts")] == [
        ("Shop", (2,), time(11)),
        ("Shop", (0, 4), time(12)),
    ]


def test_saving_twice_writes_once(desk: Client, rosa: Patient, track: Track, shift: Commitment) -> None:
    data = typed(life(shift, starts="12:00"))

    keep(desk, shift, data)
    keep(desk, shift, data)

    assert AuditEvent.objects.filter(action=Action.CHANGED).count() == 1


def test_a_refusal_is_shown_beside_its_field(desk: Client, rosa: Patient, track: Track, shift: Commitment) -> None:
    shift.valid_from, shift.valid_until = date(2026, 11, 30), date(2026, 12, 2)
    shift.save()

    response = keep(desk, shift, typed(life(shift, weekdays=["4"])))

    shift.refresh_from_db()
    assert response.status_code == 422
    assert "None of these weekdays falls between the first and the last day." in response.text
    assert shift.weekday_numbers == (0, 2, 4)


def test_saving_does_not_end_a_commitment_that_is_left_out(
    desk: Client, rosa: Patient, track: Track, shift: Commitment
) -> None:
    response = what_if(desk, rosa, typed(life(shift, leave_out="on")))
    keep(desk, shift, typed(life(shift, leave_out="on")))

    assert Commitment.objects.get().valid_until is None
    assert reverse("commitment-end", args=[shift.pk]) in response.text


def test_a_user_who_may_only_view_cannot_save(
    site: Site, rosa: Patient, track: Track, shift: Commitment, desk: Client
) -> None:
    clinician = make_staff(Role.CLINICIAN, site)
    track.meetings.first().meeting_facilitators.create(user=clinician, part="leads")
    stranger = signed_in_as(make_staff(Role.REVIEWER, site))

    assert what_if(stranger, rosa, typed(life(shift, starts="12:00"))).status_code == 403
    assert keep(stranger, shift, typed(life(shift, starts="12:00"))).status_code == 403


def test_a_commitment_of_another_patient_is_not_saved(desk: Client, rosa: Patient, site: Site, track: Track) -> None:
    other = make_commitment(make_patient(site), [0], "09:00", "12:00")

    response = desk.post(reverse("find-schedule-save", args=[rosa.pk, other.pk]), typed(life(other, starts="10:00")))

    assert response.status_code == 404


# Suggestions


def tries(answer: Any) -> list[str]:
    return [each.form_query for each in answer.context["suggestions"]]


def test_when_nothing_fits_a_suggestion_is_tried_with_one_button(desk: Client, rosa: Patient, track: Track) -> None:
    shop = make_commitment(rosa, [0, 1], "11:40", "16:00", "Shop")

    response = desk.get(reverse("find-schedule", args=[rosa.pk]))

    first = tries(response)[0]
    assert first == f"c{shop.pk}-only=0&c{shop.pk}-starts=12%3A00"
    for words in (
        "Changes that would make it fit",
        "Start “Shop” at 12:00 PM instead of 11:40 AM on Mondays",
        "Try it",
    ):
        assert words in response.text
    tried = what_if(desk, rosa, typed(life(shop), **{"try": first}))
    assert numbers(tried) == [540]
    keep(desk, shop, typed(life(shop, starts="12:00", only=["0"])))
    assert numbers(desk.get(reverse("find-schedule", args=[rosa.pk]))) == [540]


def test_every_suggestion_opens_the_scenario_that_it_describes(
    desk: Client, rosa: Patient, site: Site, track: Track
) -> None:
    shop = make_commitment(rosa, [0, 1], "11:40", "16:00", "Shop", movable_minutes=10)
    make_commitment(rosa, [2], "12:20", "16:00", "Class", travel_minutes=15)
    late = make_weekday_track(site, name="Late track", entry=EntryMode.COHORT)
    CohortStart.objects.create(track=late, on=date(2027, 6, 7))

    for each in desk.get(reverse("find-schedule", args=[rosa.pk])).context["suggestions"]:
        response = what_if(desk, rosa, typed(life(shop), **{"try": each.form_query}))
        assert each.form_query == "" or response.context["number"] >= 1, each


def test_a_suggestion_for_a_full_group_leads_to_the_waitlist(desk: Client, rosa: Patient, track: Track) -> None:
    meeting = track.meetings.get(weekday=2)
    session = make_session(meeting, date(2026, 11, 25))
    session.booked = session.places
    session.save()

    response = desk.get(reverse("find-schedule", args=[rosa.pk]))
    [suggestion] = [each for each in response.context["suggestions"] if each.waitlist_track]
    note = f"Needs a spot in Wednesday’s {meeting.name} (9:00 AM–12:00 PM)"
    assert (suggestion.waitlist_track, note in response.text) == (track.pk, True)
    tried = what_if(desk, rosa, typed(**{"try": suggestion.form_query}))
    assert numbers(tried) == [540]
    assert "One more spot in" in tried.text

    address = reverse("waitlist-join", args=[rosa.pk, track.pk])
    opened = desk.post(address, {"open": "1", "from_day": "2026-11-24", "note": note})
    assert (opened.status_code, opened.context["form"]["note"].value()) == (200, note)
    assert not WaitingEntry.objects.exists()
    desk.post(address, {"priority": "2", "from_day": "2026-11-24", "note": note})
    assert WaitingEntry.objects.get().note == note
    assert note in desk.get(reverse("waitlist", args=[track.pk])).text


# Comparing schedules


@pytest.fixture
def four_days(site: Site) -> Track:
    return make_track(site, [make_meeting(site, day) for day in (0, 1, 2, 3)], name="Morning track")


def compare(client: Client, patient: Patient, keys: list[str], **fields: Any) -> Any:
    return client.post(reverse("find-schedule-compare", args=[patient.pk]), typed(compare=keys, **fields))


def test_two_schedules_are_compared_side_by_side(desk: Client, rosa: Patient, four_days: Track) -> None:
    keys = [card.key for card in cards_of(desk.get(reverse("find-schedule", args=[rosa.pk])))]

    response = compare(desk, rosa, keys[:2], prescribed_minutes="9:00")

    differs = {part.code: part.differs for part in response.context["parts"]}
    assert {code for code, is_different in differs.items() if is_different} == {"when", "groups"}
    assert response.text.count("Enroll from Tue, Nov 24") == 2
    assert 'name="prescribed_minutes" value="9:00"' in response.text


@pytest.mark.parametrize(
    ("chosen", "words"),
    [
        pytest.param(0, "Choose two schedules to compare.", id="none"),
        pytest.param(1, "One is chosen.", id="one"),
        pytest.param(3, "3 are chosen.", id="three"),
    ],
)
def test_two_schedules_must_be_chosen(desk: Client, rosa: Patient, four_days: Track, chosen: int, words: str) -> None:
    keys = [card.key for card in cards_of(desk.get(reverse("find-schedule", args=[rosa.pk])))]

    response = compare(desk, rosa, keys[:chosen])

    assert response.status_code == 422
    assert words in response.text
    assert response.text.count('name="compare"') == 5
    assert sum(card.is_chosen for card in cards_of(response)) == chosen


def test_a_schedule_that_no_longer_exists_is_reported(desk: Client, rosa: Patient, four_days: Track) -> None:
    keys = [card.key for card in cards_of(desk.get(reverse("find-schedule", args=[rosa.pk])))]

    response = compare(desk, rosa, [keys[0], "7.2026-11-24.1-2-3"])

    assert "One of the schedules is no longer among the best." in response.text


# Enrolling


def test_a_card_opens_the_enrollment_with_its_meetings_and_remarks(
    desk: Client, rosa: Patient, four_days: Track
) -> None:
    make_commitment(rosa, [3], "12:15", "18:00", "Late shift", travel_minutes=25, movable_minutes=30)
    cards = cards_of(desk.get(reverse("find-schedule", args=[rosa.pk])))
    card = next(card for card in cards if [each.weekday for each in card.schedule.meetings] == [0, 1, 3])

    response = desk.get(f"{reverse('enroll', args=[rosa.pk, four_days.pk])}?{card.enroll_query}")

    assert [option.meeting.weekday for option in response.context["options"] if option.is_chosen] == [0, 1, 3]
    assert "Late shift would have to start 10 min later, at 12:25 PM, on Thu" in response.text


# Query counts


@pytest.mark.parametrize("number", [pytest.param(1, id="one"), pytest.param(3, id="three")])
@pytest.mark.parametrize(("name", "queries"), [("find-schedule-what-if", 22), ("find-schedule-compare", 21)])
def test_a_page_with_three_tracks_takes_as_many_queries_as_one(
    desk: Client,
    site: Site,
    rosa: Patient,
    django_assert_num_queries: DjangoAssertNumQueries,
    number: int,
    name: str,
    queries: int,
) -> None:
    changed = []
    for each in range(number):
        make_track(site, [make_meeting(site, day) for day in (0, 1, 2, 3)], name=f"Track {each}")
        changed.append(life(make_commitment(rosa, [each], "13:00", "15:00"), starts="12:30"))
    keys = [card.key for card in cards_of(what_if(desk, rosa, typed(*changed)))]

    with django_assert_num_queries(queries):
        response = desk.post(reverse(name, args=[rosa.pk]), typed(*changed, compare=keys[:2]))

    assert response.status_code == 200
