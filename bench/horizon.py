"""Measure how long it takes to write twelve weeks of sessions and bookings to PostgreSQL.

    bin/with-postgres .venv/bin/python -m bench.horizon [--tiny]

The clinic has 200 meetings and 3,000 enrollments, which give 2,400 sessions and 108,000 bookings. The baseline copies
the same rows into the same tables with COPY, with all constraints and indexes in place. For comparison, the bookings
are also copied into a table without constraints or indexes. Each round runs every variant. The reported times are
medians. The reported memory is the peak of a separate process that writes the twelve weeks.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime, time
from io import BytesIO
from itertools import combinations
from statistics import median
from time import perf_counter
from typing import NamedTuple

from bench.command_line import parse_tiny
from bench.temporary_database import set_up_django, temporary_database


class HorizonSize(NamedTuple):
    tracks: int
    patients: int
    """Number of patients per track."""
    rounds: int


FULL, TINY = HorizonSize(tracks=40, patients=75, rounds=5), HorizonSize(tracks=2, patients=3, rounds=1)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLES = ("scheduling_session", "scheduling_sessionfacilitator", "scheduling_booking")
MEMORY_COMMAND = "import bench.horizon; bench.horizon.measure_memory()"


def build(size: HorizonSize) -> None:
    """Create a site with tracks of five morning meetings each. Every patient attends three of a track's five meetings.

    Each track has its own room and leader.
    """
    from accounts.models import User
    from patients.models import Episode, LevelOfCareSpan, Patient
    from scheduling.models import (
        Enrollment,
        EnrollmentMeeting,
        Meeting,
        MeetingFacilitator,
        Room,
        RuleSet,
        ServiceType,
        Site,
        Track,
    )

    begins = date(2026, 11, 2)
    site = Site.objects.create(code="S", name="Site", neutral_name="Appointment", time_zone="America/New_York")
    RuleSet.objects.create(site=site, starts=date(2020, 1, 6))
    group = ServiceType.objects.get(code="group")
    for number in range(size.tracks):
        lead = User.objects.create_user(f"lead{number}@example.test", None, name=f"Lead {number}")
        room = Room.objects.create(site=site, code=f"R{number}", name=f"Room {number}", places=60)
        track = Track.objects.create(
            site=site, code=f"T{number}", name=f"Track {number}", status="published", published_at=NOW
        )
        meetings = [
            Meeting.objects.create(
                site=site, code=f"M{number}.{day}", name="Group", weekday=day, starts=time(9), ends=time(12),
                service_type=group, room=room, places=60, runs_from=begins,
            )
            for day in range(5)
        ]  # fmt: skip
        track.meetings.set(meetings)
        MeetingFacilitator.objects.bulk_create(MeetingFacilitator(meeting=each, user=lead) for each in meetings)
        patients = Patient.objects.bulk_create(
            Patient(site=site, code=f"P{number}.{n}", first_name="A", last_name="B", birth_date=date(1990, 1, 1))
            for n in range(size.patients)
        )
        episodes = Episode.objects.bulk_create(Episode(patient=each, site=site, starts=begins) for each in patients)
        LevelOfCareSpan.objects.bulk_create(
            LevelOfCareSpan(
                episode=each,
                level="2.1",
                prescribed_minutes=540,
                prescribed_days=3,
                starts=begins,
                stated_by="Dr. Cole",
            )
            for each in episodes
        )
        enrollments = Enrollment.objects.bulk_create(
            Enrollment(episode=each, track=track, starts=begins) for each in episodes
        )
        days = list(combinations(range(5), 3))
        EnrollmentMeeting.objects.bulk_create(
            EnrollmentMeeting(enrollment=each, meeting=meetings[day], starts=begins)
            for n, each in enumerate(enrollments)
            for day in days[n % len(days)]
        )


def extend() -> tuple[int, int]:
    """Write the sessions and bookings of the next twelve weeks. Return how many sessions and bookings were written."""
    from scheduling.models import Site
    from scheduling.services.bookings.horizon import extend_horizon

    written = extend_horizon(site=Site.objects.get(), now=NOW)
    return written.sessions, written.bookings


def clear_sessions() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE " + ", ".join(TABLES) + " CASCADE")


def dump_rows() -> dict[str, bytes]:
    """Map the name of each table to the table's rows in PostgreSQL's COPY format."""
    from django.db import connection

    dumped = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            rows = BytesIO()
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                for part in copy:
                    rows.write(part)
            dumped[table] = rows.getvalue()
    return dumped


def copy_in(rows: dict[str, bytes]) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table, lines in rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(lines)


def time_once(function: Callable[[], object], *, before: Callable[[], None]) -> float:
    """Call `before`, then return the run time of `function` in seconds."""
    before()
    started = perf_counter()
    function()
    return perf_counter() - started


def create_bare_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare; CREATE TABLE bare AS SELECT * FROM scheduling_booking LIMIT 0")


def measure_memory() -> None:
    """Write twelve weeks of sessions and bookings in this process, and print its peak memory."""
    set_up_django()
    from django.db import connection

    connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE"]
    sessions, bookings = extend()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{sessions} sessions and {bookings} bookings; the process used at most {peak:.0f} MB (limit 300)")


def measure(size: HorizonSize, database: str) -> None:
    build(size)
    print(f"{size.tracks * 5} meetings, {size.tracks * size.patients} enrollments")
    environment = {**os.environ, "BENCH_DATABASE": database}
    memory = subprocess.run(
        [sys.executable, "-c", MEMORY_COMMAND], env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()
    print(memory)
    rows = dump_rows()
    bare = {"bare": rows["scheduling_booking"]}
    ours, again, limit, bottom = [], [], [], []
    for _ in range(size.rounds):
        ours.append(time_once(extend, before=clear_sessions))
        again.append(time_once(extend, before=lambda: None))
        limit.append(time_once(lambda: copy_in(rows), before=clear_sessions))
        bottom.append(time_once(lambda: copy_in(bare), before=create_bare_tables))
    print(f"writing twelve weeks      {median(ours):7.2f} s")
    print(f"the next night, no change {median(again):7.2f} s")
    print(f"COPY of the same rows     {median(limit):7.2f} s   ratio {median(ours) / median(limit):.2f} (at most 6)")
    print(f"COPY without any index    {median(bottom):7.2f} s   ratio {median(ours) / median(bottom):.2f}")


def main() -> None:
    size = TINY if parse_tiny(__doc__) else FULL
    set_up_django()
    from django.db import connection

    if connection.vendor != "postgresql":
        sys.exit("This benchmark needs PostgreSQL: bin/with-postgres .venv/bin/python -m bench.horizon")
    with temporary_database() as database:
        measure(size, database)


if __name__ == "__main__":
    main()
