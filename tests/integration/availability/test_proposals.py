"""Commitments that patients enter themselves. A commitment that conflicts with a booking waits for a coordinator."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from iopmanager import clock
from patients.models import Commitment, CommitmentProposal, Patient, ProposalState
from patients.services.availability.commitment_json import values_from_json, values_to_json
from patients.services.availability.commitments import CommitmentValues, remove_commitment
from patients.services.availability.week import commitment_values
from scheduling.models import Booking, Site
from scheduling.reason_text import reason_text
from scheduling.services.availability.proposals import (
    accept_proposal,
    decline_proposal,
    propose_change,
    propose_commitment,
)
from tests.factories import (
    MONDAY,
    admit,
    book,
    enroll,
    make_commitment,
    make_patient,
    make_patient_user,
    make_place,
    make_session,
    make_site,
    make_staff,
    make_weekday_track,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

TUESDAY = datetime(2026, 11, 24, 15, tzinfo=UTC)
WEDNESDAY, FRIDAY = date(2026, 11, 25), date(2026, 11, 27)
SHIFT = {
    "kind": "work",
    "label": "Day shift",
    "pattern": "every",
    "weekdays": ["2"],
    "starts": "11:00",
    "ends": "18:00",
}
IN_THE_WAY, FREE = {"weekdays": ["2"]}, {"weekdays": ["1"]}
SECRETS = ("Group", "Morning track", "Harbor Street", "Ada Park", "treatment", "session", "patient", "clinic")


@pytest.fixture(autouse=True)
def on_tuesday(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: TUESDAY)


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street", phone="555-0100")


@pytest.fixture
def rosa(site: Site) -> Patient:
    """A patient who can sign in and is booked on Wednesday and Friday from 9:00 to 12:00."""
    patient = make_patient(site)
    enrollment = enroll(admit(patient), make_weekday_track(site, lead=make_staff(Role.CLINICIAN, site, "Ada Park")))
    for weekday, on in ((2, WEDNESDAY), (4, FRIDAY)):
        book(make_session(enrollment.track.meetings.get(weekday=weekday), on), enrollment)
    make_patient_user(patient)
    return patient


@pytest.fixture
def own(rosa: Patient) -> Client:
    client = Client()
    assert rosa.user is not None
    client.force_login(rosa.user)
    return client


@pytest.fixture
def nora(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site, "Nora Castellanos")


@pytest.fixture
def coordinator(nora: User) -> Client:
    client = Client()
    client.force_login(nora)
    return client


def values(**fields: Any) -> CommitmentValues:
    given = {"kind": "work", "label": "Day shift", "starts": time(11), "ends": time(18), "weekdays": 0b100}
    return CommitmentValues(**given | fields)


def states() -> list[tuple[str, str]]:
    return list(CommitmentProposal.objects.order_by("pk").values_list("action", "state"))


def told(answer: Any) -> list[str]:
    return [str(message) for message in answer.context["messages"]]


def asked(rosa: Patient, **fields: Any) -> CommitmentProposal:
    assert rosa.user is not None
    return propose_commitment(patient=rosa, values=values(**fields), by=rosa.user, now=TUESDAY)


# Proposals that the patient enters in the portal


def test_a_proposal_without_conflicts_is_saved_at_once_and_recorded(own: Client, rosa: Patient) -> None:
    response = own.post(reverse("portal-commitment-new"), SHIFT | FREE, follow=True)

    assert told(response) == ["Saved."]
    assert Commitment.objects.get().weekday_numbers == (1,)
    assert states() == [("add", "kept")]
    events = AuditEvent.objects.order_by("pk").values_list(
        "action", "subject_kind", "detail", "patient_key", "actor_key"
    )
    assert rosa.user is not None
    assert list(events) == [
        (Action.CREATED, "commitment", "", rosa.pk, rosa.user.pk),
        (Action.CREATED, "commitmentproposal", "add, kept", rosa.pk, rosa.user.pk),
    ]


def test_a_proposal_that_conflicts_with_a_booking_waits_and_changes_nothing(own: Client, rosa: Patient) -> None:
    response = own.post(reverse("portal-commitment-new"), SHIFT | IN_THE_WAY, follow=True)

    assert told(response) == [
        "This is at the same time as an appointment, so we will look at it first. Your schedule stays the same until then."
    ]
    assert not Commitment.objects.exists()
    assert states() == [("add", "waiting")]
    text = response.text
    assert "It is at the same time as 1 appointment:" in text
    assert "<li>Wed, Nov 25</li>" in text
    assert [word for word in SECRETS if word in text.replace("555-0100", "")] == []


def test_a_proposal_waits_if_only_its_travel_conflicts(own: Client, rosa: Patient) -> None:
    own.post(reverse("portal-commitment-new"), SHIFT | {"starts": "12:10", "travel_before_minutes": "20"})

    assert states() == [("add", "waiting")]


def test_a_change_waits_only_if_it_has_new_conflicts(own: Client, rosa: Patient) -> None:
    shift = make_commitment(rosa, [2], "11:00", "18:00")
    address = reverse("portal-commitment-edit", args=[shift.pk])

    own.post(address, SHIFT | {"label": "Shop"})
    own.post(address, SHIFT | {"label": "Store", "weekdays": ["2", "4"]})

    shift.refresh_from_db()
    assert (shift.label, shift.weekdays) == ("Shop", 0b100)
    assert states() == [("change", "kept"), ("change", "waiting")]


def test_a_new_proposal_replaces_the_one_that_waits(own: Client, rosa: Patient) -> None:
    shift = make_commitment(rosa, [1], "11:00", "18:00")
    address = reverse("portal-commitment-edit", args=[shift.pk])

    own.post(address, SHIFT | IN_THE_WAY)
    own.post(address, SHIFT | {"weekdays": ["4"]})
    own.post(reverse("portal-commitment-end", args=[shift.pk]), {"last_day": "2026-12-01"})

    assert states() == [("change", "withdrawn"), ("change", "withdrawn"), ("end", "kept")]
    shift.refresh_from_db()
    assert (shift.weekdays, shift.valid_until) == (0b10, date(2026, 12, 2))


def test_a_commitment_on_single_dates_is_deleted(own: Client, rosa: Patient) -> None:
    hearing = make_commitment(rosa, [], "13:00", "14:00", label="Hearing", on=FRIDAY)

    response = own.post(reverse("portal-commitment-end", args=[hearing.pk]), follow=True)

    assert told(response) == ["Saved."]
    assert not Commitment.objects.exists()
    assert states() == [("end", "kept")]


def test_a_proposal_can_be_withdrawn(own: Client, rosa: Patient) -> None:
    proposal = asked(rosa)
    address = reverse("portal-proposal-withdraw", args=[proposal.pk])

    own.post(address)
    response = own.post(address, follow=True)

    assert states() == [("add", "withdrawn")]
    assert "This was already decided or withdrawn." in told(response)[-1]


def week(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    rows = list(rows)
    sent: dict[str, Any] = {"rows-TOTAL_FORMS": str(len(rows)), "rows-INITIAL_FORMS": "0"}
    for number, row in enumerate(rows):
        sent |= {f"rows-{number}-{name}": value for name, value in row.items() if name != "pattern"}
    return sent


def test_a_week_saves_rows_without_conflicts_and_lets_the_others_wait(own: Client, rosa: Patient) -> None:
    course = make_commitment(rosa, [5], "08:00", "10:00", "Course")
    rows = [SHIFT | IN_THE_WAY, SHIFT | FREE | {"label": "Shop"}, {"commitment": str(course.pk), "DELETE": "on"}]

    response = own.post(reverse("portal-commitment-week"), week(rows), follow=True)

    assert told(response)[:2] == ["2 changes are saved.", "We will look at 1 change first."]
    assert states() == [("end", "kept"), ("add", "waiting"), ("add", "kept")]


def test_a_week_with_an_invalid_row_is_refused_and_keeps_the_input(own: Client, rosa: Patient) -> None:
    response = own.post(reverse("portal-commitment-week"), week([SHIFT | FREE, SHIFT | {"ends": "11:00"}]))

    assert response.status_code == 422
    assert "The start and the end are the same." in response.text
    assert response.context["rows"].forms[0]["weekdays"].value() == ["1"]
    assert not CommitmentProposal.objects.exists()


@pytest.mark.parametrize(
    ("page", "title"),
    [
        ("portal-commitments", "When I’m busy"),
        ("portal-commitment-new", "Add a busy time"),
        ("portal-commitment-week", "My week"),
    ],
)
def test_the_pages_do_not_reveal_treatment(own: Client, rosa: Patient, page: str, title: str) -> None:
    asked(rosa)
    make_commitment(rosa, [1], "11:00", "18:00", "Shop")

    text = own.get(reverse(page)).text

    assert [word for word in SECRETS if word in text.replace("visually-hidden", "")] == []
    assert f"<title>{title} · My schedule</title>" in text


@pytest.mark.parametrize("page", ["portal-commitment-edit", "portal-commitment-end"])
def test_a_patient_cannot_change_another_patients_commitments(
    own: Client, site: Site, rosa: Patient, page: str
) -> None:
    foreign = make_commitment(make_patient(site), [0], "08:00", "10:00")

    assert own.get(reverse(page, args=[foreign.pk])).status_code == 404
    assert own.post(reverse(page, args=[foreign.pk]), SHIFT).status_code == 404


def test_a_patient_cannot_withdraw_another_patients_proposal(own: Client, site: Site) -> None:
    other = make_patient(site)
    proposal = CommitmentProposal.objects.create(patient=other, action="add", label="Shift", proposed_at=TUESDAY)

    assert own.post(reverse("portal-proposal-withdraw", args=[proposal.pk])).status_code == 404


@pytest.mark.parametrize("number", [pytest.param(1, id="one"), pytest.param(3, id="three")])
def test_the_list_takes_as_many_queries_for_three_as_for_one(
    own: Client, rosa: Patient, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        place = make_place(rosa, {rosa.site: (10, 20)}, f"Place {each}")
        make_commitment(rosa, [each], "13:00", "18:00", place=place)
        asked(rosa, label=f"Shift {each}")

    with django_assert_num_queries(10):
        response = own.get(reverse("portal-commitments"))

    assert len(response.context["asked"]) == number


# Decisions of the coordinator


def test_the_coordinator_sees_the_conflicts_and_accepts(coordinator: Client, rosa: Patient, own: Client) -> None:
    proposal = asked(rosa)
    assert "Changes that patients request" in coordinator.get(reverse("today-attention")).text
    chart = coordinator.get(reverse("patient", args=[rosa.pk])).text
    assert "Rosa requests 1 change" in chart
    page = coordinator.get(reverse("proposal", args=[proposal.pk])).text
    for text in (chart, page):
        assert "This conflicts with 1 booked session:" in text
        assert "Wed, Nov 25, 9:00 AM–12:00 PM" in " ".join(text.split())

    coordinator.post(reverse("proposal", args=[proposal.pk]), {"decision": "accept"})

    made = Commitment.objects.get()
    proposal.refresh_from_db()
    assert (proposal.state, proposal.commitment, proposal.decided_by_id is not None) == ("accepted", made, True)
    assert Booking.objects.active().count() == 2
    chart = coordinator.get(reverse("patient", args=[rosa.pk])).text
    assert "1 booked session conflicts with a commitment" in chart
    assert "Rosa requests" not in chart
    assert "Changes that patients request" not in coordinator.get(reverse("today-attention")).text
    assert "Day shift" in own.get(reverse("portal-commitments")).text


def test_declining_needs_a_reason_that_the_patient_reads(coordinator: Client, rosa: Patient, own: Client) -> None:
    proposal = asked(rosa)
    address = reverse("proposal", args=[proposal.pk])

    refused = coordinator.post(address, {"decision": "decline", "reason": " "})
    assert refused.status_code == 422
    assert "Enter a reason. The patient will read it." in refused.text

    coordinator.post(address, {"decision": "decline", "reason": "Let us talk on Friday."})

    assert states() == [("add", "declined")]
    assert not Commitment.objects.exists()
    text = own.get(reverse("portal-commitments")).text
    assert "We could not do this" in text
    assert "Let us talk on Friday." in text


@pytest.mark.parametrize(
    ("pressed", "words"),
    [
        pytest.param({}, "Choose Accept or Decline.", id="neither"),
        pytest.param(
            {"decision": "accept", "reason": "No"}, "A reason is only for declining.", id="Enter in the reason"
        ),
    ],
)
def test_an_invalid_decision_shows_the_form_again(
    coordinator: Client, rosa: Patient, pressed: dict[str, str], words: str
) -> None:
    response = coordinator.post(reverse("proposal", args=[asked(rosa).pk]), pressed or {"reason": ""})

    assert response.status_code == 422
    assert words in response.text
    assert states() == [("add", "waiting")]


def test_an_accepted_change_is_saved_in_its_commitment(rosa: Patient, nora: User) -> None:
    shift = make_commitment(rosa, [1], "11:00", "18:00", travel_minutes=10)
    assert rosa.user is not None
    proposal = propose_change(
        commitment=shift,
        values=values(cycle_days=7, cycle_mask=0b1111, anchor=MONDAY, weekdays=0),
        by=rosa.user,
        now=TUESDAY,
    )

    accept_proposal(proposal=proposal, by=nora, now=TUESDAY)

    shift.refresh_from_db()
    assert (shift.rotation, shift.weekdays, shift.travel_before_minutes) == ("4 on, 3 off", 0, 0)


def test_a_decided_proposal_cannot_be_decided_again(rosa: Patient, nora: User, coordinator: Client) -> None:
    proposal = asked(rosa)
    accept_proposal(proposal=proposal, by=nora, now=TUESDAY)

    for decide in (
        lambda: accept_proposal(proposal=proposal, by=nora, now=TUESDAY),
        lambda: decline_proposal(proposal=proposal, reason="No", by=nora, now=TUESDAY),
    ):
        with pytest.raises(Refused) as refused:
            decide()
        assert [reason_text(reason) for reason in refused.value.reasons] == ["This was already decided or withdrawn."]
    assert coordinator.get(reverse("proposal", args=[proposal.pk])).status_code == 404
    assert Commitment.objects.count() == 1


def test_a_proposal_for_a_deleted_commitment_is_declined(rosa: Patient, nora: User) -> None:
    hearing = make_commitment(rosa, [], "13:00", "14:00", label="Hearing", on=WEDNESDAY)
    assert rosa.user is not None
    earlier = values(label="Hearing", on=WEDNESDAY, weekdays=0)
    propose_change(commitment=hearing, values=earlier, by=rosa.user, now=TUESDAY)

    remove_commitment(commitment=hearing, by=nora, now=TUESDAY)

    proposal = CommitmentProposal.objects.get()
    assert (proposal.state, proposal.reason, proposal.commitment) == ("declined", "The commitment was removed.", None)


def test_changes_by_the_patient_are_shown_for_two_weeks(
    coordinator: Client, own: Client, rosa: Patient, monkeypatch: pytest.MonkeyPatch
) -> None:
    own.post(reverse("portal-commitment-new"), SHIFT | FREE)
    address = reverse("patient", args=[rosa.pk])
    assert "Changed by Rosa" in coordinator.get(address).text

    monkeypatch.setattr(clock, "now", lambda: TUESDAY + timedelta(days=14))
    assert "Changed by Rosa" not in coordinator.get(address).text


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.ADMINISTRATOR])
def test_only_users_who_may_decide_see_proposals(site: Site, rosa: Patient, role: Role) -> None:
    proposal = asked(rosa)
    client = Client()
    client.force_login(make_staff(role, site))

    assert "Changes that patients request" not in client.get(reverse("today-attention")).text
    assert client.get(reverse("proposal", args=[proposal.pk])).status_code in {403, 404}


@pytest.mark.parametrize("number", [pytest.param(1, id="one"), pytest.param(3, id="three")])
def test_the_chart_takes_as_many_queries_for_three_waiting_proposals_as_for_one(
    coordinator: Client, rosa: Patient, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        place = make_place(rosa, {rosa.site: (10, 20)}, f"Place {each}")
        make_commitment(rosa, [each], "13:00", "18:00", place=place)
        asked(rosa, label=f"Shift {each}")

    with django_assert_num_queries(26):
        response = coordinator.get(reverse("patient", args=[rosa.pk]))

    assert len(response.context["chart"].pending_proposals) == number


@pytest.mark.parametrize("number", [pytest.param(1, id="one"), pytest.param(3, id="three")])
def test_what_needs_attention_takes_as_many_queries_for_three_as_for_one(
    coordinator: Client, rosa: Patient, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        asked(rosa, label=f"Shift {each}")

    with django_assert_num_queries(19):
        coordinator.get(reverse("today-attention"))


# Conversion of commitments to and from JSON


@pytest.mark.parametrize(
    "given",
    [
        pytest.param(values(), id="weekly"),
        pytest.param(values(on=MONDAY, until=FRIDAY, weekdays=127, starts=time(0), ends=time(0)), id="whole days"),
        pytest.param(values(cycle_days=56, cycle_mask=(1 << 55) - 1, anchor=MONDAY, weekdays=0), id="a long round"),
        pytest.param(values(valid_from=MONDAY, movable_minutes=30, place_id=7, travel_after_minutes=9), id="the rest"),
    ],
)
def test_values_survive_a_round_trip_through_json(given: CommitmentValues, rosa: Patient) -> None:
    proposal = CommitmentProposal.objects.create(
        patient=rosa, action="add", label="Shift", values=values_to_json(given), proposed_at=TUESDAY
    )

    proposal.refresh_from_db()
    assert values_from_json(proposal.values) == given
    assert proposal.state == ProposalState.WAITING


def test_the_values_of_a_commitment_equal_those_that_were_entered(rosa: Patient) -> None:
    assert commitment_values(make_commitment(rosa, [2], "11:00", "18:00")) == values()
