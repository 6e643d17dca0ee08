"""How long twelve weeks take to write, as a ratio to one bare COPY of the same rows; on PostgreSQL.

    bin/with-postgres .venv/bin/python -m bench.horizon

200 meetings and 3,000 enrollments make 2,400 sessions and 108,000 bookings. The limit is COPY of the very rows into the very
tables, every constraint and index of them kept; beside it stands COPY of the bookings into a table without any. Rounds are
interleaved, figures are medians. Memory is the most that a process of its own held while it wrote them.
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

import django

ROUNDS = 5
TRACKS, PATIENTS_A_TRACK = 40, 75
TODAY = date(2026, 11, 22)
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
TABLES = ("scheduling_session", "scheduling_sessionfacilitator", "scheduling_booking")


def build() -> None:
    """Forty tracks of five mornings, each with a room and a leader of its own, and patients on three of the five."""
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
    for number in range(TRACKS):
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
            for n in range(PATIENTS_A_TRACK)
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
    """Sessions and bookings written."""
    from scheduling.models import Site
    from scheduling.services.bookings.horizon import extend_horizon

    written = extend_horizon(site=Site.objects.get(), today=TODAY, now=NOW)
    return written.sessions, written.bookings


def clear_sessions() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE " + ", ".join(TABLES) + " CASCADE")


def dump_rows() -> dict[str, bytes]:
    """Each table's rows as COPY writes them."""
    from django.db import connection

    found = {}
    with connection.cursor() as cursor:
        for table in TABLES:
            rows = BytesIO()
            with cursor.copy(f"COPY {table} TO STDOUT") as copy:
                for part in copy:
                    rows.write(part)
            found[table] = rows.getvalue()
    return found


def copy_in(rows: dict[str, bytes]) -> None:
    from django.db import connection, transaction

    with transaction.atomic(), connection.cursor() as cursor:
        for table, lines in rows.items():
            with cursor.copy(f"COPY {table} FROM STDIN") as copy:
                copy.write(lines)


def time_best(act: Callable[[], object], before: Callable[[], None]) -> float:
    before()
    started = perf_counter()
    act()
    return perf_counter() - started


def create_bare_tables() -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS bare; CREATE TABLE bare AS SELECT * FROM scheduling_booking LIMIT 0")


def measure() -> None:
    build()
    print(f"{TRACKS * 5} meetings, {TRACKS * PATIENTS_A_TRACK} enrollments")
    memory = subprocess.run(
        [sys.executable, "-m", "bench.horizon", "memory"], check=True, capture_output=True, text=True
    ).stdout.strip()
    print(memory)
    rows = dump_rows()
    bare = {"bare": rows["scheduling_booking"]}
    ours, again, limit, bottom = [], [], [], []
    for _ in range(ROUNDS):
        ours.append(time_best(extend, clear_sessions))
        again.append(time_best(extend, lambda: None))
        limit.append(time_best(lambda: copy_in(rows), clear_sessions))
        bottom.append(time_best(lambda: copy_in(bare), create_bare_tables))
    print(f"writing twelve weeks      {median(ours):7.2f} s")
    print(f"the next night, no change {median(again):7.2f} s")
    print(f"COPY of the same rows     {median(limit):7.2f} s   ratio {median(ours) / median(limit):.2f} (at most 6)")
    print(f"COPY without any index    {median(bottom):7.2f} s   ratio {median(ours) / median(bottom):.2f}")


def main() -> None:
    os.environ["DEPLOYMENT"] = "test"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
    django.setup()
    from django.db import connection

    if connection.vendor != "postgresql":
        sys.exit("This is about PostgreSQL: bin/with-postgres .venv/bin/python -m bench.horizon")
    if sys.argv[1:] == ["memory"]:
        connection.settings_dict["NAME"] = os.environ["BENCH_DATABASE"]
        sessions, bookings = extend()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{sessions} sessions and {bookings} bookings; the process held at most {most:.0f} MB (limit 300)")
        return
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    os.environ["BENCH_DATABASE"] = str(connection.settings_dict["NAME"])
    try:
        measure()
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


if __name__ == "__main__":
    main()
