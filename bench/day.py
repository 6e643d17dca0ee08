"""How fast the day's page is, as a ratio: against the same page written plainly, with prefetched rows.

    .venv/bin/python -m bench.day
    bin/with-postgres .venv/bin/python -m bench.day

On a database that is thrown away, through the whole stack of middleware; on both sides the same rights are asked and the
same people are in the trail. Rounds are interleaved, figures are medians. The peer is `bench.plain_day_page`: the page as it
was, with what needs attention drawn up in it, and its day alone. What needs attention is a part of its own by now, which
the browser asks for once the day stands; it is timed by itself.
"""

import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

import django

if TYPE_CHECKING:
    from accounts.models import User

SESSIONS, PATIENTS, ROUNDS = 50, 12, 15
PEER_URL, PEER_DAY_URL, DAY_URL, ATTENTION_URL = (
    "/prefetched/?attention=",
    "/prefetched/",
    "/today/",
    "/today/attention/",
)
PATIENT_ROW = re.compile(r'<a href="/patients/(\d+)/">([^<]+)</a>.*?</i> ([^<]+)</span>')


class TimedResponse(NamedTuple):
    status: int
    tag: str
    text: str
    seconds: float


Fetch = Callable[..., TimedResponse]


@contextmanager
def temporary_database() -> Iterator[str]:
    """What kind it is. On SQLite a file, as in use."""
    os.environ["DEPLOYMENT"] = "test"
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "iopmanager.settings")
    django.setup()
    from django.db import connection

    name = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        if connection.vendor == "sqlite":
            connection.settings_dict["TEST"]["NAME"] = str(Path(folder) / "bench.sqlite3")
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        yield connection.vendor
        connection.creation.destroy_test_db(name, verbosity=0)


def fetcher_for(user: "User") -> Fetch:
    """Asks as the person's browser does, with the tag that it holds, and tells what was answered in how many seconds."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import Client, RequestFactory

    handler, client, requests = WSGIHandler(), Client(), RequestFactory()
    client.force_login(user)
    client.get(DAY_URL)  # brings the CSRF cookie
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())

    def look(address: str, tag: str = "") -> TimedResponse:
        headers = {"Cookie": cookies, "HX-Request": "true" if address == ATTENTION_URL else "", "If-None-Match": tag}
        environ = requests.get(address, headers=headers).environ
        began = perf_counter()
        answer = handler(environ, _start_response)
        content = b"".join(answer)
        answer.close()
        seconds = perf_counter() - began
        return TimedResponse(answer.status_code, answer.headers.get("ETag", ""), content.decode(), seconds)

    return look


def _start_response(*_: object) -> Callable[[bytes], object]:
    """What a server would begin its answer with."""
    return lambda _: None


def check_pages_agree(look: Fetch) -> None:
    from accounts.models import AuditEvent

    said, seen = [], []
    for address in (PEER_DAY_URL, DAY_URL):
        before = AuditEvent.objects.count()
        said.append(sorted(PATIENT_ROW.findall(look(address).text)))
        seen.append(set(AuditEvent.objects.order_by("pk")[before:].values_list("patient_key", "subject_label")))
    assert said[0] == said[1], "both must name the same people with the same marks"
    assert seen[0] == seen[1], "both must leave the same trail"
    assert len(said[0]) == len(seen[0]) == SESSIONS * PATIENTS
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"viewed"}


def time_rounds(look: Fetch, mark: Callable[[], None]) -> dict[str, float]:
    """The median seconds of each kind of look, in interleaved rounds."""
    taken: dict[str, list[float]] = {}

    def take(kind: str, answer: TimedResponse, status: int = 200) -> TimedResponse:
        assert answer.status == status, f"{kind}: {answer.status}"
        taken.setdefault(kind, []).append(answer.seconds)
        return answer

    for _ in range(ROUNDS):
        take("page", look(PEER_URL))
        take("day", look(PEER_DAY_URL))
        tag = take("first", look(DAY_URL)).tag
        for _ in range(3):
            take("unchanged", look(DAY_URL, tag), 304)
        mark()
        take("marked", look(DAY_URL, tag))
        take("attention", look(ATTENTION_URL))
    return {kind: median(seconds) for kind, seconds in taken.items()}


def main() -> None:
    with temporary_database() as vendor:
        from django.urls import path

        from attendance.models import Attendance, AttendanceStatus
        from attendance.services.marks import Mark, mark_booking
        from bench.plain_day_page import NOON, open_clinic, prefetched_view
        from iopmanager import clock, urls

        urls.urlpatterns.append(path("prefetched/", prefetched_view))
        setattr(clock, "now", lambda: NOON)  # noqa: B010
        coordinator, booking = open_clinic(Random(1), SESSIONS, PATIENTS)

        def mark() -> None:
            """In place of the mark that stood: the same people, and another page."""
            was_there = Attendance.objects.filter(booking=booking, status=AttendanceStatus.PRESENT).exists()
            status = AttendanceStatus.NO_SHOW if was_there else AttendanceStatus.PRESENT
            mark_booking(booking=booking, mark=Mark(status), by=coordinator, now=NOON)

        look = fetcher_for(coordinator)
        check_pages_agree(look)
        took = time_rounds(look, mark)

    def line(words: str, kind: str) -> str:
        of_page, of_day = (took[peer] / took[kind] for peer in ("page", "day"))
        fast = f"{of_page:5.1f} times as fast as it was, {of_day:.1f} as its day alone"
        return f"  {words:34} {took[kind] * 1000:6.1f} ms: {fast}"

    report = (
        f"{SESSIONS} sessions x {PATIENTS} patients on {vendor}",
        f"  as it was, prefetched              {took['page'] * 1000:6.1f} ms; its day alone {took['day'] * 1000:.1f} ms",
        line("a first look", "first"),
        line("another page with the same people", "marked"),
        line("unchanged", "unchanged"),
        f"  what needs attention, after it     {took['attention'] * 1000:6.1f} ms",
    )
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
