"""Mail is stored together with the change that it reports. The worker sends it at least once, and never in a request."""

import json
import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta
from threading import Barrier
from unittest import mock

import pytest
from django.core import mail
from django.core.cache import cache
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.db.models import F
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django_tasks_db.management.commands import db_worker
from django_tasks_db.models import DBTaskResult
from pytest_django.fixtures import Settings

from accounts.domain.mail_schedule import CLAIM_LASTS, LONGEST_PAUSE, MAX_MAIL_ATTEMPTS
from accounts.models import OutgoingMail, User
from accounts.permissions import Role
from accounts.services.outbox import delete_old_tasks, deliver_mail, put_in_outbox, queue_due_mail
from accounts.services.sealed_text import unseal
from iopmanager import clock
from iopmanager.settings import MAILERS, TASKS
from tests.factories import make_patient, make_patient_user, make_site, make_staff
from tests.mail_worker import letter
from tests.mailed_codes import ask_for_code, code_in_mail, type_code
from tests.nightly_jobs import NIGHT

pytestmark = pytest.mark.django_db

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


@pytest.fixture(autouse=True)
def at_night(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NIGHT)


@pytest.fixture
def with_worker(settings: Settings) -> None:
    """Keep tasks in the queue until the worker runs, as in production."""
    settings.TASKS = TASKS


@pytest.fixture
def server_down(settings: Settings) -> None:
    settings.MAILERS = {**settings.MAILERS, "server": {"BACKEND": "tests.mail_worker.RefusingMailer"}}


@pytest.fixture
def coordinator() -> User:
    return make_staff(Role.COORDINATOR, make_site())


def work() -> None:
    """Run the tasks that wait in the queue."""
    worker = db_worker.Worker(
        queue_names=["default"],
        interval=0,
        batch=True,
        backend_name="background",
        startup_delay=False,
        max_tasks=None,
        worker_id="test",
        excluded_queue_names=[],
    )
    # The test's transaction needs the connection to stay open.
    with mock.patch.object(db_worker, "close_old_connections"):
        worker.run()


def deliver_at(message: OutgoingMail, now: datetime) -> None:
    deliver_mail(mail_id=message.pk, now=lambda: now)


def ask_for_a_link(client: Client, email: str) -> HttpResponseBase:
    return client.post(reverse("account_reset_password"), {"email": email})


@pytest.mark.usefixtures("with_worker")
def test_a_request_stores_the_mail_and_the_worker_sends_and_deletes_it(client: Client, coordinator: User) -> None:
    ask_for_a_link(client, coordinator.email)
    assert mail.outbox == []
    assert OutgoingMail.objects.count() == 1
    work()
    [message] = mail.outbox
    assert (message.to, message.subject, message.sent_using) == ([coordinator.email], "Reset your password", "server")
    assert not OutgoingMail.objects.exists()


@pytest.mark.usefixtures("with_worker")
def test_the_queue_keeps_nothing_of_a_message_but_its_number(client: Client, coordinator: User) -> None:
    ask_for_a_link(client, coordinator.email)
    stored = OutgoingMail.objects.get()
    work()
    task = DBTaskResult.objects.get()
    assert (task.status, task.args_kwargs) == ("SUCCESSFUL", {"args": [stored.pk], "kwargs": {}})
    assert (task.return_value, task.traceback) == (None, "")


@pytest.mark.usefixtures("with_worker", "server_down")
def test_a_failure_leaves_no_address_in_the_queue_or_the_log(
    client: Client, coordinator: User, caplog: pytest.LogCaptureFixture
) -> None:
    ask_for_a_link(client, coordinator.email)
    work()
    task = DBTaskResult.objects.get()
    assert (task.status, task.exception_class_path, task.traceback) == ("SUCCESSFUL", "", "")
    assert "attempt 1: ConnectionRefusedError" in caplog.text
    assert coordinator.email not in caplog.text


@pytest.mark.usefixtures("server_down")
def test_every_address_gets_the_same_answer_while_the_mail_server_is_down(client: Client, coordinator: User) -> None:
    known, unknown = (ask_for_a_link(client, email) for email in (coordinator.email, "stranger@example.test"))
    assert known.status_code == unknown.status_code == 302
    assert known.headers["Location"] == unknown.headers["Location"]
    assert [(each.attempts, each.is_dropped) for each in OutgoingMail.objects.all()] == [(1, False)]


def test_mail_to_an_unknown_address_is_stored_and_dropped(client: Client, settings: Settings) -> None:
    settings.TASKS = TASKS
    ask_for_a_link(client, "stranger@example.test")
    assert OutgoingMail.objects.get().is_dropped
    work()
    assert mail.outbox == []
    assert not OutgoingMail.objects.exists()


@pytest.mark.usefixtures("with_worker")
def test_an_unknown_address_takes_the_same_work_as_a_known_one(client: Client) -> None:
    def statements(email: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            ask_for_a_link(client, email)
        return [re.sub(r"'[^']*'|\d+", "?", each["sql"])[:60] for each in queries.captured_queries]

    patient_user = make_patient_user(make_patient(make_site()))
    assert statements(patient_user.email) == statements("stranger@example.test")
    for stored in OutgoingMail.objects.all():
        assert {"subject", "sealed", "to"} <= set(stored.content)
        assert "/accounts/password/reset/key/" in text_of(stored)


def text_of(stored: OutgoingMail) -> str:
    text: str = json.loads(unseal(stored.content["sealed"]))["body"]
    return text


@pytest.mark.usefixtures("with_worker")
def test_the_text_of_a_message_is_stored_encrypted() -> None:
    message = letter()
    message.attach_alternative("<p>Sleep well.</p>", "text/html")
    stored = put_in_outbox(message=message, now=NIGHT)
    assert "Sleep well" not in json.dumps(stored.content)
    work()
    assert (mail.outbox[0].body, mail.outbox[0].alternatives[0][0]) == ("Sleep well.", "<p>Sleep well.</p>")


@pytest.mark.usefixtures("with_worker")
def test_a_message_of_an_earlier_version_is_still_sent() -> None:
    stored = put_in_outbox(message=letter(), now=NIGHT)
    del stored.content["sealed"]
    stored.content |= {"body": "Good morning.", "alternatives": [["<p>Good morning.</p>", "text/html"]]}
    stored.save()
    work()
    assert (mail.outbox[0].body, mail.outbox[0].alternatives[0][0]) == ("Good morning.", "<p>Good morning.</p>")


@pytest.mark.usefixtures("with_worker")
def test_a_message_under_a_lost_key_is_tried_again_like_any_other(settings: Settings) -> None:
    stored = put_in_outbox(message=letter(), now=NIGHT)
    with secret_key(settings, "another key"):
        deliver_at(stored, NIGHT)
    stored.refresh_from_db()
    assert (stored.attempts, stored.next_try, mail.outbox) == (1, NIGHT + MINUTE, [])
    deliver_at(stored, NIGHT + MINUTE)
    assert len(mail.outbox) == 1


@contextmanager
def secret_key(settings: Settings, key: str) -> Iterator[None]:
    before, settings.SECRET_KEY = settings.SECRET_KEY, key
    yield
    settings.SECRET_KEY = before


def test_mail_of_a_change_that_is_rolled_back_is_not_sent() -> None:
    with transaction.atomic():
        put_in_outbox(message=letter(), now=NIGHT)
        transaction.set_rollback(True)
    assert not OutgoingMail.objects.exists()


@pytest.mark.usefixtures("with_worker")
def test_djangos_default_mailer_is_the_outbox(settings: Settings) -> None:
    settings.MAILERS = {**settings.MAILERS, "default": MAILERS["default"]}
    message = letter(cc=["ada@example.test"], reply_to=["desk@clinic.example"], headers={"X-Kind": "note"})
    message.attach_alternative("<p>Sleep well.</p>", "text/html")
    assert message.send() == 1
    assert mail.outbox == []
    work()
    [sent] = mail.outbox
    assert (sent.subject, sent.body, sent.from_email) == (message.subject, message.body, message.from_email)
    assert (sent.to, sent.cc, sent.bcc, sent.reply_to) == (message.to, message.cc, [], message.reply_to)
    assert [tuple(each) for each in sent.alternatives] == [("<p>Sleep well.</p>", "text/html")]
    assert sent.extra_headers["X-Kind"] == "note"
    assert sent.extra_headers["Date"] == "Tue, 24 Nov 2026 07:15:00 +0000"
    assert sent.extra_headers["Message-ID"].endswith("@clinic.example>")


def test_a_message_with_an_attachment_is_refused() -> None:
    message = letter()
    message.attach("chart.txt", "secret")
    with pytest.raises(ValueError, match="attachments"):
        put_in_outbox(message=message, now=NIGHT)


@pytest.mark.usefixtures("with_worker", "server_down")
def test_mail_is_tried_for_a_day_with_growing_pauses_and_then_given_up() -> None:
    message, now, pauses = put_in_outbox(message=letter(), now=NIGHT), NIGHT, []
    while message.given_up_at is None:
        deliver_at(message, now)
        message.refresh_from_db()
        if message.next_try:
            pauses.append(message.next_try - now)
            deliver_at(message, message.next_try - timedelta(seconds=1))
            now = message.next_try
    assert [pause // MINUTE for pause in pauses[:9]] == [1, 2, 4, 8, 16, 32, 64, 120, 120]
    assert len(pauses) == MAX_MAIL_ATTEMPTS - 1
    assert timedelta(hours=23) < message.given_up_at - NIGHT < timedelta(hours=25)
    assert message.content == {}
    assert delete_old_tasks(now=now + 30 * DAY) == 0
    assert delete_old_tasks(now=now + 31 * DAY) == 1


@pytest.mark.usefixtures("with_worker")
def test_a_message_whose_worker_was_killed_is_sent_again_under_the_same_id(monkeypatch: pytest.MonkeyPatch) -> None:
    message = put_in_outbox(message=letter(), now=NIGHT)
    with monkeypatch.context() as patch:
        patch.setattr(OutgoingMail, "delete", interrupt)
        with pytest.raises(KeyboardInterrupt):
            deliver_at(message, NIGHT)
    deliver_at(message, NIGHT + CLAIM_LASTS - timedelta(seconds=1))
    assert len(mail.outbox) == 1
    deliver_at(message, NIGHT + CLAIM_LASTS)
    first, second = (sent.extra_headers["Message-ID"] for sent in mail.outbox)
    assert first == second
    assert not OutgoingMail.objects.exists()


@pytest.mark.usefixtures("with_worker")
def test_a_code_whose_worker_was_killed_while_it_was_sent_is_sent_once(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache.clear()
    ask_for_code(client, make_patient_user(make_patient(make_site())).email)
    message = OutgoingMail.objects.get()
    with monkeypatch.context() as patch:
        patch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", interrupt)
        with pytest.raises(KeyboardInterrupt):
            deliver_at(message, NIGHT)
    for now in (NIGHT, NIGHT + CLAIM_LASTS, NIGHT + CLAIM_LASTS * 2):
        deliver_at(message, now)
    assert len(mail.outbox) == 1
    type_code(client, code_in_mail())
    assert client.get(reverse("portal-home")).status_code == 200


def interrupt(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.usefixtures("with_worker")
def test_a_message_whose_worker_was_killed_at_the_last_attempt_is_given_up() -> None:
    message = put_in_outbox(message=letter(), now=NIGHT)
    OutgoingMail.objects.update(attempts=MAX_MAIL_ATTEMPTS)
    deliver_at(message, NIGHT)
    message.refresh_from_db()
    assert (message.given_up_at, mail.outbox) == (NIGHT, [])


@pytest.mark.usefixtures("with_worker")
@pytest.mark.parametrize(
    ("ahead", "sent"),
    [
        pytest.param(400 * DAY, 1, id="400 days ahead"),
        pytest.param(LONGEST_PAUSE + MINUTE, 1, id="further than any pause"),
        pytest.param(LONGEST_PAUSE, 0, id="the longest pause"),
    ],
)
def test_mail_does_not_wait_for_a_clock_that_was_ahead(ahead: timedelta, sent: int) -> None:
    put_in_outbox(message=letter(), now=NIGHT + ahead)
    DBTaskResult.objects.all().delete()
    assert queue_due_mail(now=NIGHT) == sent
    work()
    assert len(mail.outbox) == sent


@pytest.mark.usefixtures("with_worker")
def test_due_mail_whose_task_was_lost_is_queued_again_and_only_once() -> None:
    put_in_outbox(message=letter(), now=NIGHT)
    assert queue_due_mail(now=NIGHT) == 0, "its task still waits"
    DBTaskResult.objects.update(status="RUNNING")
    assert [queue_due_mail(now=NIGHT) for _ in range(3)] == [1, 0, 0]
    work()
    assert len(mail.outbox) == 1
    assert queue_due_mail(now=NIGHT) == 0


@pytest.mark.usefixtures("with_worker")
def test_the_scheduler_queues_due_mail() -> None:
    put_in_outbox(message=letter(), now=NIGHT)
    DBTaskResult.objects.all().delete()
    call_command("run_jobs", "--once", verbosity=0)
    assert DBTaskResult.objects.filter(status="READY").count() == 1


@pytest.mark.usefixtures("with_worker")
def test_tasks_that_ended_or_were_killed_are_deleted_after_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    for status in ("READY", "RUNNING", "SUCCESSFUL", "FAILED"):
        put_in_outbox(message=letter(), now=NIGHT)
        DBTaskResult.objects.filter(status="READY").update(status=status)
    enqueued = DBTaskResult.objects.latest("enqueued_at").enqueued_at
    put_in_outbox(message=letter(), now=NIGHT)
    DBTaskResult.objects.filter(status="READY").update(enqueued_at=enqueued - 9 * DAY)
    assert delete_old_tasks(now=enqueued + DAY / 2) == 0
    assert delete_old_tasks(now=enqueued + DAY) == 4
    assert [task.status for task in DBTaskResult.objects.all()] == ["READY"], "waiting tasks stay"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("with_worker")
def test_only_one_of_several_workers_sends_a_message() -> None:
    message, barrier = put_in_outbox(message=letter(), now=NIGHT), Barrier(8)

    def send() -> None:
        try:
            barrier.wait(timeout=30)
            deliver_at(message, NIGHT)
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        for done in [pool.submit(send) for _ in range(8)]:
            done.result()
    assert len(mail.outbox) == 1


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"given_up_at": NIGHT, "next_try": None}, id="given up, but still says something"),
        pytest.param({"given_up_at": NIGHT, "content": {}}, id="given up, but tried again"),
        pytest.param({"next_try": None}, id="never tried again"),
        pytest.param({"attempts": F("attempts") + MAX_MAIL_ATTEMPTS + 1}, id="tried too often"),
    ],
)
@pytest.mark.usefixtures("with_worker")
def test_the_database_keeps_the_rules_of_given_up_mail(fields: dict[str, object]) -> None:
    put_in_outbox(message=letter(), now=NIGHT)
    with pytest.raises(IntegrityError), transaction.atomic():
        OutgoingMail.objects.update(**fields)
