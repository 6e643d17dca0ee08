"""Benchmark the day page. The baseline is a plain day page (`bench.plain_day_page`), which prefetches its rows.

    .venv/bin/python -m bench.day [--tiny]
    bin/with-postgres .venv/bin/python -m bench.day

The benchmark uses a temporary database and sends requests through all middleware. Both pages check the same permissions
and write the same audit events. Each round requests both pages. The reported times are medians.

Both pages can show a list of weeks and sessions that need attention. The plain page is timed with and without this
list. The real day page loads the list in a second request, which is timed separately.
"""

import re
import sys
from collections.abc import Callable
from random import Random
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, NamedTuple

from bench.command_line import parse_tiny
from bench.temporary_database import temporary_database

if TYPE_CHECKING:
    from accounts.models import User


class DaySize(NamedTuple):
    sessions: int
    patients: int
    """Number of patients per session."""
    rounds: int


FULL, TINY = DaySize(sessions=50, patients=12, rounds=15), DaySize(sessions=3, patients=2, rounds=1)
PEER_URL, PEER_DAY_URL, DAY_URL, ATTENTION_URL = (
    "/prefetched/?attention=",
    "/prefetched/",
    "/today/",
    "/today/attention/",
)
PATIENT_ROW = re.compile(r'<a href="/patients/(\d+)/">([^<]+)</a>.*?</svg> ([^<]+)</span>')


class TimedResponse(NamedTuple):
    status: int
    tag: str
    text: str
    seconds: float


Fetch = Callable[..., TimedResponse]


def fetcher_for(user: "User") -> Fetch:
    """Return a function that requests a page as the user's browser would, and times the response.

    The function takes the address of the page. It can also take an ETag, which it sends as If-None-Match.
    """
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import Client, RequestFactory

    handler, client, requests = WSGIHandler(), Client(), RequestFactory()
    client.force_login(user)
    client.get(DAY_URL)  # the response to the first request sets the CSRF cookie
    cookies = "; ".join(f"{name}={each.value}" for name, each in client.cookies.items())

    def fetch(address: str, tag: str = "") -> TimedResponse:
        headers = {"Cookie": cookies, "HX-Request": "true" if address == ATTENTION_URL else "", "If-None-Match": tag}
        environ = requests.get(address, headers=headers).environ
        started = perf_counter()
        response = handler(environ, _start_response)
        content = b"".join(response)
        response.close()
        seconds = perf_counter() - started
        return TimedResponse(response.status_code, response.headers.get("ETag", ""), content.decode(), seconds)

    return fetch


def _start_response(*_: object) -> Callable[[bytes], object]:
    """Stand in for a WSGI server's `start_response`."""
    return lambda _: None


def check_pages_agree(fetch: Fetch, size: DaySize) -> None:
    from accounts.models import AuditEvent

    shown, audited = [], []
    for address in (PEER_DAY_URL, DAY_URL):
        before = AuditEvent.objects.count()
        shown.append(sorted(PATIENT_ROW.findall(fetch(address).text)))
        audited.append(set(AuditEvent.objects.order_by("pk")[before:].values_list("patient_key", "subject_label")))
    assert shown[0] == shown[1], "both must name the same people with the same marks"
    assert audited[0] == audited[1], "both must write the same audit events"
    assert len(shown[0]) == len(audited[0]) == size.sessions * size.patients
    assert set(AuditEvent.objects.values_list("action", flat=True)) == {"viewed"}


def time_rounds(fetch: Fetch, mark: Callable[[], None], rounds: int) -> dict[str, float]:
    """Return the median time of each kind of request, in seconds. Each round sends every kind of request."""
    seconds: dict[str, list[float]] = {}

    def note(kind: str, response: TimedResponse, status: int = 200) -> TimedResponse:
        assert response.status == status, f"{kind}: {response.status}"
        seconds.setdefault(kind, []).append(response.seconds)
        return response

    for _ in range(rounds):
        note("page", fetch(PEER_URL))
        note("day", fetch(PEER_DAY_URL))
        tag = note("first", fetch(DAY_URL)).tag
        for _ in range(3):
            note("unchanged", fetch(DAY_URL, tag), 304)
        mark()
        note("marked", fetch(DAY_URL, tag))
        note("attention", fetch(ATTENTION_URL))
    return {kind: median(each) for kind, each in seconds.items()}


def main() -> None:
    size = TINY if parse_tiny(__doc__) else FULL
    with temporary_database():
        from django.db import connection
        from django.urls import path

        from attendance.models import Attendance, AttendanceStatus
        from attendance.services.marks import Mark, mark_booking
        from attendance.services.roster import ANY
        from bench.plain_day_page import NOON, open_clinic, prefetched_view
        from iopmanager import clock, urls

        urls.urlpatterns.append(path("prefetched/", prefetched_view))
        setattr(clock, "now", lambda: NOON)  # noqa: B010
        coordinator, booking = open_clinic(Random(1), size.sessions, size.patients)

        def mark() -> None:
            """Toggle the booking between present and no-show, which changes the page."""
            was_present = Attendance.objects.filter(booking=booking, status=AttendanceStatus.PRESENT).exists()
            status = AttendanceStatus.NO_SHOW if was_present else AttendanceStatus.PRESENT
            mark_booking(booking=booking, mark=Mark(status), by=coordinator, now=NOON, seen_at=ANY)

        fetch = fetcher_for(coordinator)
        check_pages_agree(fetch, size)
        took = time_rounds(fetch, mark, size.rounds)

    def line(words: str, kind: str) -> str:
        of_page, of_day = (took[peer] / took[kind] for peer in ("page", "day"))
        return f"  {words:34} {took[kind] * 1000:6.1f} ms: {of_page:5.1f} and {of_day:.1f} times as fast as the plain pages"

    report = (
        f"{size.sessions} sessions x {size.patients} patients on {connection.vendor}",
        f"  plain page with what needs attention {took['page'] * 1000:.1f} ms, without it {took['day'] * 1000:.1f} ms",
        line("first request", "first"),
        line("changed page, same people", "marked"),
        line("unchanged page", "unchanged"),
        f"  what needs attention, on its own   {took['attention'] * 1000:6.1f} ms",
    )
    sys.stdout.write("\n".join(report) + "\n")


if __name__ == "__main__":
    main()
