"""How commitments become busy times: rotations, date ranges, and travel between a place and the site."""

from datetime import date, timedelta
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from patients.models import Commitment, Patient
from scheduling.models import Site
from scheduling.services.search.need import PatientAvailability
from tests.factories import MONDAY, admit, make_commitment, make_patient, make_place, make_site
from timekeeping.rotations import runs_to_bits
from timekeeping.weeks import OnDates

pytestmark = pytest.mark.django_db

FOUR_ON_THREE_OFF: dict[str, Any] = {"anchor": MONDAY, "cycle_days": 7, "cycle_mask": runs_to_bits((4, 3))}
WEEK = timedelta(weeks=1)


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def patient(site: Site) -> Patient:
    return make_patient(site)


def dates_of(commitment: Commitment, weeks: int = 2) -> list[date]:
    return list(Commitment.objects.get(pk=commitment.pk).pattern.dates(MONDAY, MONDAY + weeks * WEEK))


def days(*numbers: int) -> list[date]:
    return [MONDAY + timedelta(days=number) for number in numbers]


def test_a_rotation_repeats_after_its_number_of_days(patient: Patient) -> None:
    shifts = make_commitment(
        patient, [], "07:00", "19:00", anchor=MONDAY, cycle_days=5, cycle_mask=runs_to_bits((3, 2))
    )

    assert dates_of(shifts) == days(0, 1, 2, 5, 6, 7, 10, 11, 12)
    assert shifts.rotation == "3 on, 2 off"


def test_a_rotation_applies_between_its_dates(patient: Patient) -> None:
    until = MONDAY + timedelta(days=8)
    shifts = make_commitment(patient, [], "07:00", "19:00", **FOUR_ON_THREE_OFF, valid_from=MONDAY, valid_until=until)

    assert dates_of(shifts) == days(0, 1, 2, 3, 7)
    assert not Commitment.objects.in_force_from(until).exists()


def test_a_cycle_of_eight_weeks_fits_into_the_mask(patient: Patient) -> None:
    mask = runs_to_bits((28, 28))
    shifts = make_commitment(patient, [], "07:00", "19:00", anchor=MONDAY, cycle_days=56, cycle_mask=mask)

    assert len(dates_of(shifts, weeks=8)) == 28


def test_consecutive_dates_are_one_busy_time(patient: Patient, site: Site) -> None:
    trip = make_commitment(patient, range(7), "00:00", "00:00", on=MONDAY, until=MONDAY + timedelta(days=5))
    busy = trip.as_busy_time(site=site)

    assert dates_of(trip) == days(0, 1, 2, 3, 4)
    assert isinstance(busy.recurrence, OnDates)
    assert busy.minutes == 24 * 60
    assert trip.last_on == date(2026, 11, 27)


def test_consecutive_dates_can_leave_weekdays_out(patient: Patient) -> None:
    assert dates_of(make_commitment(patient, [1, 3], "09:00", "17:00", on=MONDAY, until=MONDAY + 2 * WEEK)) == days(
        1, 3, 8, 10
    )


@pytest.mark.parametrize(
    ("day", "holds"),
    [
        pytest.param(MONDAY + timedelta(days=4), True, id="on the last of its dates"),
        pytest.param(MONDAY + timedelta(days=5), False, id="after them"),
    ],
)
def test_a_commitment_on_consecutive_dates_is_in_force_until_the_last_date(
    patient: Patient, day: date, holds: bool
) -> None:
    make_commitment(patient, range(7), "00:00", "00:00", on=MONDAY, until=MONDAY + timedelta(days=5))

    assert Commitment.objects.in_force_from(day).exists() is holds


def test_travel_is_from_the_place_to_each_site(patient: Patient, site: Site) -> None:
    elsewhere, unknown = make_site("Elsewhere"), make_site("Unknown")
    home = make_place(patient, {site: (20, 35), elsewhere: (5, 10)})
    shift = make_commitment(patient, [0], "09:00", "17:00", place=home, travel_minutes=50, movable_minutes=30)

    travel = {
        destination: (busy.travel_before, busy.travel_after)
        for destination in (site, elsewhere, unknown)
        for busy in [shift.as_busy_time(site=destination)]
    }
    assert travel == {site: (20, 35), elsewhere: (5, 10), unknown: (50, 50)}
    assert shift.as_busy_time(site=site).movable_minutes == 30


@pytest.mark.parametrize("number", [pytest.param(1, id="one commitment"), pytest.param(3, id="three commitments")])
def test_travel_from_places_takes_one_more_query_for_any_number(
    site: Site, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    episodes = []
    for each in range(number):
        patient = make_patient(site)
        episodes.append(admit(patient))
        place = make_place(patient, {site: (20, 30)})
        make_commitment(patient, [each], "09:00", "17:00", place=place)

    with django_assert_num_queries(6):
        availability = PatientAvailability.of(site, episodes, MONDAY)

    assert [each.travel_after for busy in availability.commitments.values() for each in busy] == [30] * number


def test_a_patient_is_deleted_with_their_places(patient: Patient, site: Site) -> None:
    make_commitment(patient, [0], "09:00", "17:00", place=make_place(patient, {site: (20, 30)}))

    patient.delete()

    assert not Commitment.objects.exists()
