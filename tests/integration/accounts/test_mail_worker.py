"""The background worker in a process of its own: killed at random, stopped by a signal, and with a slow mail server."""

import os
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from accounts.domain.mail_schedule import CLAIM_LASTS
from accounts.models import OutgoingMail
from accounts.services.outbox import deliver_mail, put_in_outbox, queue_due_mail
from iopmanager import clock
from iopmanager.mailers import choose_mailers
from iopmanager.settings import TASKS
from tests.factories import make_patient, make_patient_user, make_site
from tests.mail_worker import letter
from tests.nightly_jobs import NIGHT
from tests.paths import PROJECT

pytestmark = pytest.mark.django_db(transaction=True)

MINUTE = timedelta(minutes=1)
KILLS = int(os.environ.get("KILLS", "5"))
"""How often workers are killed. Run the test with KILLS=100 after changes to the outbox."""
SYSTEM_CLOCK = clock.now


@pytest.fixture(autouse=True)
def with_worker(settings: Settings) -> None:
    """Keep tasks in the queue until a worker runs, as in production."""
    settings.TASKS = TASKS


@contextmanager
def worker_process(file: Path, minutes: int) -> Iterator[subprocess.Popen[bytes]]:
    database = str(connection.settings_dict["NAME"])
    arguments = [sys.executable, "-m", "tests.mail_worker", database, str(file), str(minutes)]
    process = subprocess.Popen(arguments, cwd=PROJECT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def clock_of(worker: int) -> datetime:
    return SYSTEM_CLOCK() + worker * 10 * MINUTE


def accepted(file: Path) -> list[str]:
    return file.read_text().split() if file.exists() else []


def wait_until_sent(file: Path, number: int) -> None:
    ends = time.monotonic() + 60
    while len(accepted(file)) < number:
        assert time.monotonic() < ends, "the worker took too long"
        time.sleep(0.01)


def test_no_mail_is_lost_when_workers_are_killed_at_random(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each worker's clock is ten minutes ahead of the previous worker's. Mail that a killed worker left is then due again."""
    file, chance, expected = tmp_path / "accepted", random.Random(1), set()
    for kill in range(KILLS + 1):
        now = clock_of(kill)
        for _ in range(3):
            stored = put_in_outbox(message=letter(), now=now)
            expected.add(stored.content["headers"]["Message-ID"])
        put_in_outbox(message=letter(), now=now, is_dropped=True)
        queue_due_mail(now=now)
        with worker_process(file, minutes=kill * 10):
            if kill < KILLS:
                wait_until_sent(file, len(accepted(file)) + 1)
                time.sleep(chance.random() / 5)
            else:
                ends = time.monotonic() + 60
                while OutgoingMail.objects.exists():
                    assert time.monotonic() < ends, "mail was left"
                    time.sleep(0.05)
    sent = accepted(file)
    assert set(sent) == expected
    assert len(sent) - len(expected) <= KILLS, "only what was being sent when the worker was killed is sent again"


def test_the_worker_stops_within_seconds_of_a_signal(tmp_path: Path) -> None:
    put_in_outbox(message=letter(), now=clock_of(0))
    with worker_process(tmp_path / "accepted", minutes=0) as process:
        wait_until_sent(tmp_path / "accepted", 1)
        process.terminate()
        assert process.wait(timeout=10) == 0


@pytest.fixture
def slow_server() -> Iterator[int]:
    """The port of a mail server that accepts connections but never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


@pytest.mark.parametrize("page", ["account_reset_password", "account_request_login_code"])
def test_a_slow_mail_server_keeps_the_worker_waiting_and_nobody_else(
    client: Client, settings: Settings, slow_server: int, monkeypatch: pytest.MonkeyPatch, page: str
) -> None:
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NIGHT)
    settings.MAILERS = choose_mailers(f"smtp://127.0.0.1:{slow_server}", folder=Path(), in_memory=False)
    server = settings.MAILERS["server"]["OPTIONS"]
    assert server["timeout"] < CLAIM_LASTS.total_seconds(), "no other worker takes the message while this one waits"
    server["timeout"] = 0.2
    user = make_patient_user(make_patient(make_site()))
    answers = []
    with monkeypatch.context() as patch:
        patch.setattr(socket, "create_connection", forbidden)
        for email in (user.email, "stranger@example.test"):
            answer = client.post(reverse(page), {"email": email})
            answers.append((answer.status_code, answer.headers["Location"]))
    assert answers[0] == answers[1]
    for mail in OutgoingMail.objects.order_by("pk"):
        deliver_mail(mail_id=mail.pk, now=clock.now)
    [left] = OutgoingMail.objects.all()
    assert (left.is_dropped, left.attempts, left.next_try) == (False, 1, NIGHT + MINUTE)


def forbidden(*_: object, **__: object) -> None:
    raise AssertionError("a request spoke to the mail server")
