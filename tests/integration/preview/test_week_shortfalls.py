"""The preview says which treatment weeks become short."""

from datetime import UTC, datetime, time, timedelta
from functools import partial

import pytest

from accounts.permissions import Role
from scheduling.models import Session
from scheduling.services.bookings.horizon import extend_horizon
from scheduling.services.enrollment.enroll import enroll_patient
from scheduling.services.preview.preview import preview_impact
from scheduling.services.preview.snapshot import SnapshotScope
from scheduling.services.sessions.session_changes import move_session
from scheduling.services.sessions.slots import Slot
from tests.factories import MONDAY, admit, make_patient, make_site, make_staff, make_weekday_track

pytestmark = pytest.mark.django_db

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def test_a_session_that_moves_to_the_week_before_leaves_its_own_week_short() -> None:
    site = make_site()
    coordinator = make_staff(Role.COORDINATOR, site)
    track = make_weekday_track(site)
    extend_horizon(site=site, now=NOW)
    patient = make_patient(site)
    enroll_patient(
        episode=admit(patient), track=track, meetings=list(track.meetings.all()), starts=MONDAY, by=coordinator, now=NOW
    )
    session = Session.objects.filter(on__gte=MONDAY + WEEK).earliest("starts")
    slot = Slot(room=None, on=session.on - timedelta(days=2), starts=time(13), ends=time(16))
    act = partial(move_session, session=session, slot=slot, by=coordinator, now=NOW)
    [short] = preview_impact(act, scope=SnapshotScope(site, MONDAY), now=NOW).shortfalls
    assert (short.patient, short.week) == (patient.pk, MONDAY + WEEK)
    assert (short.minutes_before, short.minutes_after, short.days_after) == (540, 360, 2)
