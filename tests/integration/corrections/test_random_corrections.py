"""After random corrections, a patient's record is the same as one that was entered right from the beginning."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.test import override_settings
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.models import Booking
from scheduling.services.corrections.admissions import correct_admission
from scheduling.services.corrections.discharges import correct_discharge, take_back_discharge
from scheduling.services.enrollment.discharge import discharge_patient
from tests.factories import MONDAY
from tests.integration.corrections.history import DAY, History, facts
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db


@dataclass
class RightRecord:
    """What the record should say: the naive model, to which a correction just assigns the right value."""

    admitted: date = MONDAY
    enrolled: date = MONDAY
    last_day: date | None = None
    evenings: list[date] = field(default_factory=list)
    attended: list[date] = field(default_factory=list)

    def enter(self) -> History:
        """Enter the record without any mistake, and return it at the same time."""
        history = History()
        history.admit(self.admitted)
        history.enroll(self.enrolled)
        for evening in self.evenings:
            history.live_until(evening)
            for day in [day for day in self.attended if day == evening]:
                history.attend(day)
        if self.last_day is not None:
            discharge_patient(episode=history.episode, last_day=self.last_day, reason="", **history.said)
        return history


def live_on(history: History, right: RightRecord, days: int) -> None:
    """Let some days pass. On the last one, the patient attends if there is a session."""
    evening = history.today + (1 + days % 5) * DAY
    history.live_until(evening)
    right.evenings.append(evening)
    if Booking.objects.active().filter(episode=history.episode, session__on=evening).exists() and days % 2:
        history.attend(evening)
        right.attended.append(evening)


def discharge(history: History, right: RightRecord, days: int) -> None:
    last_day = history.today + (days - 7) * DAY
    discharge_patient(episode=history.episode, last_day=last_day, reason="", **history.said)
    right.last_day = last_day


def correct_last_day(history: History, right: RightRecord, days: int) -> None:
    last_day = history.today + (days - 7) * DAY
    correct_discharge(episode=history.episode, last_day=last_day, discharge_reason="", reason="A typo", **history.said)
    right.last_day = last_day


def take_back(history: History, right: RightRecord, days: int) -> None:
    take_back_discharge(episode=history.episode, reason="A mistake", **history.said)
    right.last_day = None


def correct_first_day(history: History, right: RightRecord, days: int) -> None:
    starts = MONDAY + (days - 4) * DAY
    correct_admission(episode=history.episode, starts=starts, referral_source="", reason="A typo", **history.said)
    right.admitted, right.enrolled = starts, max(starts, right.enrolled)


Step = Callable[[History, RightRecord, int], None]
STEPS: list[Step] = [live_on, live_on, discharge, correct_last_day, correct_last_day, take_back, correct_first_day]


def without_names(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what differs between two clinics: the names of groups, and the ids of tracks."""
    return found | {facet: [row[1:] for row in found[facet]] for facet in ("booked", "enrollments", "waits")}


@given(st.lists(st.tuples(st.sampled_from(STEPS), st.integers(min_value=0, max_value=18)), min_size=2, max_size=7))
@settings(max_examples=15, derandomize=True, deadline=timedelta(minutes=2))
@override_settings(HORIZON_WEEKS=3)
def test_a_corrected_record_is_the_same_as_the_right_one(steps: list[tuple[Step, int]]) -> None:
    with transaction.atomic():
        history, right = History(), RightRecord()
        history.admit()
        history.enroll()
        for step, days in steps:
            try:
                step(history, right, days)
            except Refused:
                continue
        assert without_names(facts(history)) == without_names(facts(right.enter()))
        transaction.set_rollback(True)
