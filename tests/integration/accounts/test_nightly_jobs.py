"""Each nightly job runs once when it is due. A failed job does not stop the other jobs. Every run is recorded."""

import io
import logging
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction

from accounts import jobs as jobs_module
from accounts.domain.job_schedule import WHOLE_INSTALLATION, NextAttempt
from accounts.jobs import INTERRUPTED_MESSAGE, RUNS_KEPT_FOR, clear_sessions, run_due_jobs, scheduled_jobs
from accounts.models import BrowserSession, JobOutcome, JobRun
from iopmanager import clock
from iopmanager.jobs import NIGHTLY
from scheduling.jobs import extend_horizon_at
from scheduling.models import Session, Site
from scheduling.services.bookings.horizon import extend_horizon
from tests.factories import admit, enroll, make_meeting, make_patient, make_site, make_track, make_weekday_track
from tests.nightly_jobs import (
    FAIL,
    GREET,
    INTERRUPTED,
    NIGHT,
    PATIENT_NAME,
    TIDY,
    calls,
    make_run,
    run_at,
)

pytestmark = pytest.mark.django_db
TUESDAY = date(2026, 11, 24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def no_calls_yet() -> None:
    calls.clear()


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Capture the lines that the server's log has after its filters."""
    [handler] = [each for each in logging.getLogger().handlers if each.filters]
    assert isinstance(handler, logging.StreamHandler)
    lines = io.StringIO()
    before = handler.setStream(lines)
    yield lines
    handler.setStream(before or io.StringIO())


def test_a_run_records_its_job_site_times_result_and_night(site: Site) -> None:
    make_run(site, NIGHT - DAY)
    [run] = run_at(NIGHT, GREET)
    kept = JobRun.objects.get(night=TUESDAY)
    assert run == kept
    assert (kept.name, kept.site_key, kept.site_label) == ("greet", site.pk, "Harbor Street")
    assert (kept.attempt, kept.started_at, kept.finished_at) == (1, NIGHT, NIGHT)
    assert (kept.outcome, kept.words) == (JobOutcome.DONE, "Said good night.")


def test_no_job_runs_before_its_time_or_twice(site: Site) -> None:
    make_run(site, NIGHT - DAY)
    assert run_at(NIGHT - timedelta(minutes=1), GREET) == []
    assert len(run_at(NIGHT, GREET)) == 1
    assert run_at(NIGHT, GREET) == run_at(NIGHT + timedelta(hours=23, minutes=59), GREET) == []
    assert len(run_at(NIGHT + DAY, GREET)) == 1
    assert len(calls) == 2


def test_after_weeks_without_a_scheduler_a_job_runs_once(site: Site) -> None:
    make_run(site, NIGHT - timedelta(weeks=5))
    assert [run.night for run in run_at(NIGHT + 6 * HOUR, GREET)] == [TUESDAY]


def test_jobs_run_at_night_in_the_time_zone_of_each_site(site: Site) -> None:
    chicago = make_site("Prairie Avenue", "America/Chicago")
    for each in (site, chicago):
        make_run(each, NIGHT - DAY)
    assert [run.site_key for run in run_at(NIGHT, GREET)] == [site.pk]
    assert [run.site_key for run in run_at(NIGHT + HOUR, GREET)] == [chicago.pk]


def test_a_job_for_all_sites_runs_once_at_its_time_in_utc(site: Site) -> None:
    make_site("Prairie Avenue")
    seven = NIGHT.replace(hour=7, minute=0)
    make_run(name="tidy", started_at=seven - DAY)
    assert run_at(seven - timedelta(minutes=1), TIDY) == []
    [run] = run_at(seven, TIDY)
    assert (run.site_key, run.site_label, run.night) == (None, "", TUESDAY)
    assert run_at(seven, TIDY) == []
    assert calls == ["tidy"]


def test_jobs_run_in_the_order_in_which_they_are_due_then_as_listed(site: Site) -> None:
    other = make_site("Airport Road")
    run_at(NIGHT, FAIL, GREET, TIDY)
    failing_calls, greet_calls = calls[1:3], calls[3:]
    assert calls[0] == "tidy"
    assert sorted(failing_calls) == sorted(f"stumble {each.pk}" for each in (site, other))
    assert sorted(greet_calls) == sorted(f"greet {each.pk}" for each in (site, other))


def test_a_failed_run_does_not_stop_other_jobs(site: Site) -> None:
    make_site("Airport Road")
    runs = run_at(NIGHT, FAIL, GREET)
    assert [run.outcome for run in runs] == ["failed", "failed", "done", "done"]
    assert {run.words for run in runs[:2]} == {"The job failed with LookupError. See the server log."}


def test_an_error_message_reaches_neither_the_table_nor_the_log(site: Site, log: io.StringIO) -> None:
    run_at(NIGHT, FAIL)
    written = log.getvalue()
    assert PATIENT_NAME not in written
    assert not JobRun.objects.filter(words__contains=PATIENT_NAME).exists()
    assert "stumble, Harbor Street: The job failed with LookupError" in written
    assert "tests/nightly_jobs.py:" in written, "the log says where"
    assert "Traceback" not in written


def test_a_failed_job_is_tried_again_after_an_hour_three_times_a_night(site: Site) -> None:
    make_run(site, NIGHT - DAY, name="stumble")
    tries = [run_at(NIGHT + n * timedelta(minutes=10), FAIL) for n in range(6 * 23)]
    begun = [(run.attempt, run.started_at - NIGHT) for runs in tries for run in runs]
    assert begun == [(1, 0 * HOUR), (2, HOUR), (3, 2 * HOUR)]
    assert [(run.attempt, run.night) for run in run_at(NIGHT + DAY, FAIL)] == [(1, TUESDAY + DAY)]


def test_a_run_whose_process_was_killed_fails_after_an_hour_and_is_tried_again(site: Site) -> None:
    killed = make_run(site, outcome="running")
    assert run_at(NIGHT + timedelta(minutes=59), GREET) == []
    killed.refresh_from_db()
    assert killed.outcome == JobOutcome.RUNNING
    [again] = run_at(NIGHT + HOUR, GREET)
    killed.refresh_from_db()
    assert (killed.outcome, killed.finished_at, killed.words) == (
        JobOutcome.FAILED,
        NIGHT + HOUR,
        str(INTERRUPTED_MESSAGE),
    )
    assert (again.attempt, again.outcome) == (2, JobOutcome.DONE)


def test_an_unfinished_run_of_an_earlier_night_is_recorded_as_failed(site: Site) -> None:
    make_run(site, NIGHT - 9 * DAY, outcome="running")
    run_at(NIGHT, GREET)
    assert not JobRun.objects.filter(outcome=JobOutcome.RUNNING).exists()


def test_an_interrupted_job_is_recorded_as_failed(site: Site) -> None:
    with pytest.raises(KeyboardInterrupt):
        run_at(NIGHT, INTERRUPTED)
    run = JobRun.objects.get()
    assert (run.outcome, run.words, run.finished_at) == (JobOutcome.FAILED, str(INTERRUPTED_MESSAGE), NIGHT)


def test_a_scheduler_that_stops_starts_no_further_jobs(site: Site) -> None:
    make_site("Airport Road")
    places = [each.as_job_scope() for each in Site.objects.all()]
    runs = run_due_jobs(jobs=[GREET], sites=places, now=lambda: NIGHT, stopping=lambda: len(calls) > 0)
    assert len(list(runs)) == 1
    assert JobRun.objects.count() == 1


def test_a_run_that_cannot_be_written_does_not_stop_other_jobs(
    site: Site, monkeypatch: pytest.MonkeyPatch, log: io.StringIO
) -> None:
    claim = jobs_module._claim_run

    def claim_or_fail(scheduled: Any, now: datetime) -> JobRun | None:
        if scheduled.job is FAIL:
            raise DatabaseError(f"Key (name)=({PATIENT_NAME}) is gone")
        return claim(scheduled, now)

    monkeypatch.setattr(jobs_module, "_claim_run", claim_or_fail)
    assert [run.name for run in run_at(NIGHT, FAIL, GREET)] == ["greet"]
    assert "stumble at site" in log.getvalue()
    assert "could not be run: DatabaseError" in log.getvalue()
    assert PATIENT_NAME not in log.getvalue()


def test_runs_are_deleted_after_90_days(site: Site) -> None:
    expired = make_run(site, NIGHT - RUNS_KEPT_FOR - timedelta(seconds=1))
    kept = make_run(site, NIGHT - RUNS_KEPT_FOR, name="another")
    run_at(NIGHT, GREET)
    assert not JobRun.objects.filter(pk=expired.pk).exists()
    assert JobRun.objects.filter(pk=kept.pk).exists()


def test_a_run_never_ends_before_it_starts_even_if_the_clock_is_set_back(site: Site) -> None:
    times = iter([NIGHT, NIGHT, NIGHT, NIGHT, NIGHT - HOUR])
    [run] = run_due_jobs(jobs=[GREET], sites=[site.as_job_scope()], now=lambda: next(times))
    assert run.finished_at == run.started_at == NIGHT


def test_scheduled_jobs_have_the_last_run_and_the_next_attempt(site: Site) -> None:
    make_run(site, NIGHT - DAY)
    last = make_run(site, NIGHT, outcome="failed")
    greet, tidy = scheduled_jobs(
        jobs=[GREET, TIDY], sites=[site.as_job_scope()], runs=JobRun.objects.all(), now=NIGHT + timedelta(minutes=5)
    )
    assert (greet.job, greet.scope, greet.last_run) == (GREET, site.as_job_scope(), last)
    assert greet.next_attempt == NextAttempt(TUESDAY, 2, NIGHT + HOUR)
    assert (tidy.scope, tidy.last_run) == (WHOLE_INSTALLATION, None)


def test_the_last_run_of_each_job_at_each_site_and_all_runs_of_given_nights_are_found(site: Site) -> None:
    other = make_site("Airport Road")
    for ago in range(5):
        for place in (site, other, None):
            make_run(place, NIGHT - ago * DAY)
        make_run(site, NIGHT - ago * DAY, name="another")
    found = JobRun.objects.last_or_of([TUESDAY - 3 * DAY], now=NIGHT)
    assert [run.night for run in found] == [TUESDAY] * 4 + [TUESDAY - 3 * DAY] * 4
    assert {run.night for run in JobRun.objects.last_or_of([], now=NIGHT - HOUR)} == {TUESDAY - DAY}


@pytest.fixture
def clock_was_ahead(site: Site) -> None:
    """For three nights, the clock was 400 days ahead. Since then, it has been right."""
    make_run(site, NIGHT - 4 * DAY, name="stumble")
    for ago in (3, 2, 1):
        make_run(site, NIGHT + (400 - ago) * DAY, name="stumble")


@pytest.mark.usefixtures("clock_was_ahead")
def test_a_failed_job_is_tried_again_after_nights_with_a_clock_that_was_ahead() -> None:
    begun = [run.started_at - NIGHT for hours in range(5) for run in run_at(NIGHT + hours * HOUR, FAIL)]
    assert begun == [0 * HOUR, HOUR, 2 * HOUR]
    assert [run.attempt for run in run_at(NIGHT + DAY, FAIL)] == [1]


@pytest.mark.usefixtures("clock_was_ahead")
def test_runs_of_a_clock_that_was_ahead_are_not_the_last_run(site: Site) -> None:
    [listed] = scheduled_jobs(jobs=[FAIL], sites=[site.as_job_scope()], runs=JobRun.objects.all(), now=NIGHT)
    assert listed.last_run is not None
    assert listed.last_run.started_at == NIGHT - 4 * DAY


def test_after_the_clock_was_set_back_a_failed_job_of_the_same_night_is_tried_again_at_once(site: Site) -> None:
    run_at(NIGHT + 20 * HOUR, FAIL)
    assert [(run.attempt, run.started_at) for run in run_at(NIGHT + HOUR, FAIL)] == [(2, NIGHT + HOUR)]


def test_a_run_that_was_killed_while_the_clock_was_ahead_counts_as_failed(site: Site) -> None:
    killed = make_run(site, NIGHT + 400 * DAY, outcome="running")
    [run] = run_at(NIGHT, GREET)
    killed.refresh_from_db()
    assert (killed.outcome, killed.finished_at) == (JobOutcome.FAILED, killed.started_at)
    assert run.outcome == JobOutcome.DONE


@pytest.mark.parametrize("outcome", ["done", "failed"])
def test_the_database_requires_an_end_time_exactly_for_finished_runs(outcome: str) -> None:
    with pytest.raises(IntegrityError, match="job_run_is_unfinished_exactly_when_running"), transaction.atomic():
        JobRun.objects.create(name="greet", night=TUESDAY, started_at=NIGHT, outcome=outcome)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("job", [GREET, TIDY], ids=lambda job: job.name)
def test_only_one_of_several_schedulers_runs_the_job(job: Any) -> None:
    place = make_site().as_job_scope()
    barrier = Barrier(8)

    def run_scheduler() -> list[JobRun]:
        clock_calls: list[int] = []

        def now() -> datetime:
            # The third call comes after the scheduler has read the past runs and before it claims a run.
            # The schedulers wait here for each other, so that all of them try to claim the job at the same time.
            clock_calls.append(1)
            if len(clock_calls) == 3:
                barrier.wait(timeout=30)
            return NIGHT

        try:
            return list(run_due_jobs(jobs=[job], sites=[place], now=now))
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        runs = [run for done in pool.map(lambda _: run_scheduler(), range(8)) for run in done]
    assert len(runs) == len(calls) == JobRun.objects.count() == 1


def test_the_horizon_is_extended_from_the_local_date_of_the_site(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)
    track = make_weekday_track(site)
    extend_horizon(site=site, now=NIGHT - 7 * DAY)
    result = extend_horizon_at.enqueue(site.pk)
    assert result.return_value == "3 sessions added. 0 bookings added."
    assert Session.objects.filter(meeting__tracks=track).count() == 39
    assert extend_horizon_at.enqueue(site.pk).return_value == "Nothing was missing."


def test_the_number_of_bookings_that_failed_is_reported(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)
    track = make_track(site, [make_meeting(site, 0, places=1)])
    for _ in range(2):
        enroll(admit(make_patient(site)), track)
    result = extend_horizon_at.enqueue(site.pk).return_value
    assert (
        result == "12 sessions added. 12 bookings added. "
        "12 bookings not made, because their sessions are full or conflict with others."
    )


def test_expired_sign_ins_are_deleted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)
    for key, expires in (("ended", NIGHT - HOUR), ("ends now", NIGHT), ("goes on", NIGHT + HOUR)):
        BrowserSession.objects.create(session_key=key, session_data="", expire_date=expires)
    assert clear_sessions.enqueue().return_value == "1 expired sign-in deleted."
    assert set(BrowserSession.objects.values_list("session_key", flat=True)) == {"ends now", "goes on"}


def test_every_job_has_a_title_and_a_unique_name_that_fits_the_column() -> None:
    names = [job.name for job in NIGHTLY]
    assert len(set(names)) == len(names)
    assert all(0 < len(job.name) <= 60 and job.title for job in NIGHTLY)


def test_every_job_runs_in_an_empty_clinic(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)
    runs = run_at(NIGHT, *NIGHTLY)
    assert {run.name for run in runs} == {job.name for job in NIGHTLY}
    assert {run.outcome for run in runs} == {JobOutcome.DONE}
    assert all(run.words.endswith(".") for run in runs)
