"""The demo clinic has the planned situations, such as a week at risk, on whatever day the clinic is loaded."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db.models import Count

from accounts.models import User
from attendance.domain.ledger import Standing
from attendance.models import Attendance
from attendance.services.ledgers import LedgerRow, recent_weeks, site_ledgers
from clinic_import.clinic import import_clinic
from demo.episodes import COHORT
from demo.load import FOLDER, load_demo
from demo.sign_ins import (
    AT_RISK,
    NOTHING_FITS,
    ON_WAITLIST,
    OUT_OF_REACH,
    PASSWORD,
    PATIENT_WITH_SIGN_IN,
    SIGN_INS,
    STEPPING_DOWN,
)
from patients.models import Commitment, CommitmentKind, Episode, LevelOfCare, Patient
from scheduling.domain.search.conflicts import CommitmentConflict
from scheduling.domain.search.fit import MeetingFull
from scheduling.models import Booking, Meeting, Session, Site, Track, TrackStatus, WaitingEntry
from scheduling.services.rulebook import RuleBook
from scheduling.services.search.offers import search_tracks
from scheduling.services.timetable.tracks import track_verdict
from tests.clinic import openings_in_week
from tests.factories import make_site

pytestmark = pytest.mark.django_db

NOON_ON_WEDNESDAY = datetime(2026, 11, 18, 17, tzinfo=UTC)


def load(now: datetime) -> None:
    load_demo(now=now, say=lambda words: None)


def rows_of(site: Site, now: datetime, weeks_ago: int = 0) -> dict[str, LedgerRow]:
    episodes = Episode.objects.filter(site=site).select_related("patient", "site").prefetch_related("spans")
    day = now.astimezone(site.zone).date() - timedelta(weeks=weeks_ago)
    return {row.patient.code: row for row in site_ledgers(site=site, week=day, now=now, episodes=episodes)}


def test_the_demo_clinic_has_the_intended_size_and_variety() -> None:
    import_clinic(FOLDER, by=None, now=NOON_ON_WEDNESDAY)
    assert len({site.time_zone for site in Site.objects.all()}) == 2
    tracks = list(Track.objects.filter(status=TrackStatus.PUBLISHED).prefetch_related("meetings__service_type"))
    book = RuleBook.of(tracks[0].site)
    verdicts = [track_verdict(track=track, on=NOON_ON_WEDNESDAY.date(), book=book) for track in tracks]
    assert len(tracks) == 10
    assert {(540, 3), (1500, 5)} <= {(verdict.minutes, verdict.days) for verdict in verdicts}
    assert any(verdict.minutes_by_weekday[5] for verdict in verdicts), "one has a Saturday"
    assert Meeting.objects.annotate(served=Count("tracks")).filter(served__gt=1).exists(), "groups are shared"
    assert Patient.objects.count() == 60
    assert {
        CommitmentKind.WORK, CommitmentKind.SCHOOL, CommitmentKind.CHILDCARE, CommitmentKind.COURT, CommitmentKind.MEDICAL,
    } <= set(Commitment.objects.values_list("kind", flat=True))  # fmt: skip
    assert Commitment.objects.exclude(anchor=None).exists(), "shifts alternate"


@pytest.mark.parametrize(
    "now",
    [
        pytest.param(NOON_ON_WEDNESDAY, id="Wednesday noon"),
        pytest.param(datetime(2026, 11, 23, 6, 10, tzinfo=UTC), id="just after midnight on Monday"),
        pytest.param(datetime(2026, 11, 29, 20, tzinfo=UTC), id="Sunday afternoon"),
        pytest.param(datetime(2027, 3, 13, 13, tzinfo=UTC), id="Saturday morning before the clocks change"),
    ],
)
def test_the_demo_patients_are_in_their_planned_situations_at_any_time(now: datetime) -> None:
    load(now)
    north, south = Site.objects.get(code="NORTH"), Site.objects.get(code="SOUTH")
    this_week = rows_of(north, now)
    assert this_week[OUT_OF_REACH].ledger.standing == Standing.CANNOT_BE_MET
    at_risk = this_week[AT_RISK]
    local = now.astimezone(north.zone)
    if (local.weekday(), local.hour) < (5, 9):  # before the last group of the week begins
        assert at_risk.ledger.standing == Standing.AT_RISK
        assert at_risk.ledger.makeup_openings
        openings = {session.pk for session in openings_in_week(at_risk.episode, local.date(), now=now)}
        assert set(at_risk.ledger.makeup_openings) <= openings

    stepping_down = Episode.objects.get(patient__code=STEPPING_DOWN)
    assert [span.level for span in stepping_down.spans.order_by("starts")] == [
        LevelOfCare.HIGHER,
        LevelOfCare.INTENSIVE,
    ]
    assert "Residential" in stepping_down.referral_source
    assert list(stepping_down.enrollments.order_by("starts").values_list("track__code", flat=True)) == ["N-DAY", "N-AM"]

    nothing = Episode.objects.get(patient__code=NOTHING_FITS)
    fits = search_tracks(episode=nothing, from_day=nothing.starts, now=now)
    assert len(fits) == 5
    assert not any(fit.fits for fit in fits)
    waiting = Episode.objects.get(patient__code=ON_WAITLIST)
    obstacles = {
        fit.offer.name: {type(obstacle) for obstacle in fit.obstacles}
        for fit in search_tracks(episode=waiting, from_day=waiting.starts, now=now)
    }
    assert MeetingFull in obstacles["Early small group"]
    assert CommitmentConflict not in obstacles.pop("Early small group"), "only that it is full keeps this patient out"
    assert all(CommitmentConflict in found for found in obstacles.values())

    entry = WaitingEntry.objects.open().get()
    assert (entry.episode, entry.track.name, entry.from_day) == (waiting, "Early small group", waiting.starts)

    own_bookings = Booking.objects.active().of_patient(Patient.objects.get(code=PATIENT_WITH_SIGN_IN).pk)
    assert own_bookings.filter(starts__lt=now).count() > 12
    assert own_bookings.filter(starts__gte=now + timedelta(weeks=8)).exists(), "eight weeks and more to come"
    for site in (north, south):
        standings = Counter(
            row.ledger.standing for weeks_ago in range(1, 8) for row in rows_of(site, now, weeks_ago).values()
        )
        assert standings[Standing.MET] > standings[Standing.SHORT] > 0
    finished = Session.objects.filter(ends__lt=now - timedelta(days=3), booked__gt=0)
    assert not finished.filter(finalized_at=None).exists()
    assert finished.earliest("starts").starts < now - timedelta(weeks=7)
    assert not Attendance.objects.filter(booking__starts__gt=now).exclude(status="excused").exists()
    assert not Attendance.objects.filter(recorded_at__gt=now).exists()
    for session in Session.objects.filter(booked__gt=0).prefetch_related("bookings"):
        assert session.booked == sum(booking.released_at is None for booking in session.bookings.all())


def test_the_command_prints_the_sign_ins_and_refuses_a_second_clinic() -> None:
    output = StringIO()
    with time_machine.travel(NOON_ON_WEDNESDAY, tick=False):
        call_command("load_demo", stdout=output)
    for sign_in in SIGN_INS:
        assert sign_in.email in output.getvalue()
        assert User.objects.get(email=sign_in.email).check_password(PASSWORD)
    assert User.objects.get(email=SIGN_INS[-1].email) == Patient.objects.get(code=PATIENT_WITH_SIGN_IN).user
    assert sum(user.has_usable_password() for user in User.objects.all()) == len(SIGN_INS)
    assert import_clinic(FOLDER, by=None, now=NOON_ON_WEDNESDAY).changes == (), "the files still say what holds"
    for code in COHORT:  # 7 hours of groups and 2 hours of individual sessions
        episode = Episode.objects.select_related("site", "patient").prefetch_related("spans").get(patient__code=code)
        scheduled = [row.ledger.scheduled_minutes for row in recent_weeks(episode=episode, now=NOON_ON_WEDNESDAY)]
        assert max(scheduled) == 540
    clinician = User.objects.get(email=SIGN_INS[1].email)
    assert Session.objects.filter(facilitators=clinician, on=NOON_ON_WEDNESDAY.date()).exists()
    with pytest.raises(CommandError, match="The database already has a clinic"):
        call_command("load_demo", stdout=StringIO())


def test_the_demo_clinic_is_not_loaded_into_another_clinic() -> None:
    make_site()
    with pytest.raises(CommandError):
        call_command("load_demo")
