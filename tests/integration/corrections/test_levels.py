"""Levels of care that were entered by mistake are corrected or removed, and the chart shows what was corrected."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, User
from accounts.permissions import Role
from attendance.services.week_states import weeks_so_far
from patients.models import Episode, LevelOfCareSpan, Patient
from patients.services.care.episodes import LevelValues, set_level_of_care
from scheduling.domain.hours.rules import HoursRules
from scheduling.models import RuleSet, Site
from scheduling.services.corrections.levels import correct_level, remove_level
from tests.confirmation import preview_and_confirm, send_twice
from tests.factories import MONDAY, admit, make_patient, make_site, make_staff
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

WEEK = timedelta(weeks=1)
NOW = datetime(2026, 11, 24, 15, tzinfo=UTC)
ADMITTED = MONDAY - 4 * WEEK
QUERIES = 60
TYPED = {
    "starts": "2026-11-09",
    "level": "2.1",
    "prescribed_minutes": "10",
    "prescribed_days": "4",
    "stated_by": "Dr. Imani Cole, MD",
    "reason": "Typed the wrong level",
}


def level(**fields: Any) -> LevelValues:
    given = {
        "level": "2.1",
        "prescribed_minutes": 540,
        "prescribed_days": 3,
        "starts": MONDAY - 2 * WEEK,
        "stated_by": "Dr. Imani Cole, MD",
    }
    return LevelValues(**given | fields)


@pytest.fixture(autouse=True)
def tuesday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def site() -> Site:
    return make_site()


@pytest.fixture
def by(site: Site) -> User:
    return make_staff(Role.COORDINATOR, site)


@pytest.fixture
def client_of(by: User) -> Client:
    client = Client()
    client.force_login(by)
    return client


@pytest.fixture
def rosa(site: Site) -> Patient:
    return make_patient(site)


@pytest.fixture
def episode(rosa: Patient, by: User) -> Episode:
    """Care that began at level 2.5 four weeks ago, and stepped down two weeks ago."""
    episode = admit(rosa, ADMITTED, minutes=1200, days=5, level="2.5")
    set_level_of_care(episode=episode, values=level(), rules=HoursRules(), by=by, now=NOW)
    return episode


def spans(episode: Episode) -> list[tuple[str, int, int, date, date | None]]:
    rows = episode.spans.order_by("starts")
    return list(rows.values_list("level", "prescribed_minutes", "prescribed_days", "starts", "ends"))


def latest(episode: Episode) -> LevelOfCareSpan:
    return episode.spans.latest("starts")


def test_a_corrected_level_is_the_same_as_one_that_was_right_from_the_start(
    site: Site, episode: Episode, by: User
) -> None:
    right = level(starts=MONDAY - WEEK, prescribed_minutes=600, prescribed_days=4)
    other = admit(make_patient(site), ADMITTED, minutes=1200, days=5, level="2.5")
    set_level_of_care(episode=other, values=right, rules=HoursRules(), by=by, now=NOW)

    correct_level(span=latest(episode), values=right, reason="A typo", by=by, now=NOW)

    assert spans(episode) == spans(other)
    assert weeks_so_far(episode_id=episode.pk, now=NOW) == weeks_so_far(episode_id=other.pk, now=NOW)


def test_a_correction_says_what_was_before_and_after(episode: Episode, by: User) -> None:
    values = level(starts=MONDAY - WEEK, prescribed_days=4)

    correct_level(span=latest(episode), values=values, reason="A typo", by=by, now=NOW)

    event = AuditEvent.objects.get(action=Action.CORRECTED)
    assert (event.detail, event.reason) == ("days a week 3 → 4; first day 2026-11-09 → 2026-11-16", "A typo")


def test_a_removed_level_leaves_its_days_to_the_level_before(episode: Episode, by: User) -> None:
    remove_level(span=latest(episode), reason="Another patient's order", by=by, now=NOW)

    assert spans(episode) == [("2.5", 1200, 5, ADMITTED, None)]
    event = AuditEvent.objects.get(action=Action.CORRECTED)
    assert event.detail.startswith("removed: level 2.1, minutes a week 540")


def test_the_first_level_is_neither_moved_nor_removed(episode: Episode, by: User) -> None:
    first = episode.spans.earliest("starts")

    for act in (
        lambda: correct_level(span=first, values=level(starts=MONDAY - 3 * WEEK), reason="A typo", by=by, now=NOW),
        lambda: remove_level(span=first, reason="A typo", by=by, now=NOW),
    ):
        with pytest.raises(Refused) as refused:
            act()
        assert [reason.code for reason in refused.value.reasons] == ["first_level_follows_admission"]


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        pytest.param({"starts": ADMITTED}, "level_out_of_bounds", id="when the level before it begins"),
        pytest.param({}, "nothing_changed", id="nothing changes"),
        pytest.param({"prescribed_minutes": 5400}, "impossible_prescription", id="90 hours on 3 days"),
        pytest.param({"prescribed_minutes": 300}, "prescription_outside_rules", id="outside the rules"),
    ],
)
def test_a_wrong_correction_is_refused_and_changes_nothing(
    episode: Episode, by: User, fields: dict[str, Any], expected: str
) -> None:
    before = spans(episode)

    with pytest.raises(Refused) as refused:
        correct_level(span=latest(episode), values=level(**fields), reason="A typo", by=by, now=NOW)

    assert [reason.code for reason in refused.value.reasons] == [expected]
    assert spans(episode) == before


def test_a_correction_needs_a_reason(episode: Episode, by: User) -> None:
    with pytest.raises(Refused) as refused:
        correct_level(span=latest(episode), values=level(prescribed_days=4), reason=" ", by=by, now=NOW)

    assert [reason.code for reason in refused.value.reasons] == ["reason_required"]


def test_the_rules_of_the_level_on_its_first_day_decide(site: Site, episode: Episode, by: User) -> None:
    RuleSet.objects.create(site=site, starts=MONDAY, level="2.5", minimum_minutes=1200)
    values = level(level="2.5", prescribed_minutes=600, prescribed_days=4, exception_reason="Not needed")

    correct_level(span=latest(episode), values=values, reason="A typo", by=by, now=NOW)
    assert latest(episode).exception_reason == ""
    later = level(level="2.5", prescribed_minutes=600, prescribed_days=4, starts=MONDAY)
    with pytest.raises(Refused) as refused:
        correct_level(span=latest(episode), values=later, reason="A typo", by=by, now=NOW)
    assert [reason.code for reason in refused.value.reasons] == ["prescription_outside_rules"]


# Pages


def test_a_correction_is_previewed_with_the_weeks_that_it_changes(
    client_of: Client, rosa: Patient, episode: Episode
) -> None:
    address = reverse("level-correct", args=[latest(episode).pk])

    shown = preview_and_confirm(client_of, address, TYPED)

    changes = shown.context["impact"].weeks
    assert [each.week for each in changes] == [MONDAY - number * WEEK for number in (2, 1, 0)]
    assert {(each.before.prescribed_minutes, each.after.prescribed_minutes) for each in changes} == {(540, 600)}
    assert "Weeks that change, up to this week" in shown.text
    assert latest(episode).prescribed_minutes == 600
    chart = client_of.get(reverse("patient", args=[rosa.pk])).text
    assert "minutes a week 540 → 600" in chart
    assert "Typed the wrong level" in chart


def test_a_correction_is_shown_again_if_its_weeks_have_changed_meanwhile(
    client_of: Client, episode: Episode, by: User
) -> None:
    address = reverse("level-correct", args=[latest(episode).pk])
    seen = client_of.post(address, TYPED).context["impact"].key
    correct_level(span=latest(episode), values=level(prescribed_minutes=570), reason="A typo", by=by, now=NOW)

    again = client_of.post(address, TYPED | {"seen": seen})

    assert again.context["is_outdated"]
    assert latest(episode).prescribed_minutes == 570


def test_a_level_is_removed_after_a_preview(client_of: Client, episode: Episode) -> None:
    page = client_of.get(reverse("level-correct", args=[latest(episode).pk]))
    assert reverse("level-remove", args=[latest(episode).pk]) in page.text

    shown = preview_and_confirm(client_of, reverse("level-remove", args=[latest(episode).pk]), {"reason": "A typo"})

    assert len(shown.context["impact"].weeks) == 3
    assert spans(episode) == [("2.5", 1200, 5, ADMITTED, None)]


@pytest.mark.parametrize(
    ("name", "typed", "sentence"),
    [
        ("level-correct", TYPED, "This change is already saved."),
        ("level-remove", {"reason": "A typo"}, "The level of care is already removed."),
    ],
)
def test_a_correction_that_is_sent_twice_leads_to_the_chart(
    client_of: Client, rosa: Patient, episode: Episode, name: str, typed: dict[str, str], sentence: str
) -> None:
    again = send_twice(client_of, reverse(name, args=[latest(episode).pk]), typed)

    assert again.redirect_chain == [(reverse("patient", args=[rosa.pk]), 302)]
    assert sentence in again.text
    assert AuditEvent.objects.filter(action=Action.CORRECTED).count() == 1


def test_a_new_level_on_the_same_day_offers_the_correction_with_what_was_typed(
    client_of: Client, rosa: Patient, episode: Episode
) -> None:
    refused = client_of.post(reverse("level-new", args=[rosa.pk]), TYPED)
    assert refused.status_code == 422
    assert "Correct level of care" in refused.text

    address, typed = refused.context["correct_url"], refused.context["typed"]
    opened = client_of.post(address, typed | {"open": "1"})

    assert opened.status_code == 200
    assert opened.context["form"]["prescribed_minutes"].value() == "10"
    assert opened.context["form"]["prescribed_days"].value() == "4"


def test_a_level_set_in_the_past_is_previewed_with_the_weeks_that_it_changes(client_of: Client, rosa: Patient) -> None:
    admit(rosa, ADMITTED, minutes=1200, days=5)

    shown = preview_and_confirm(client_of, reverse("level-new", args=[rosa.pk]), TYPED)

    assert len(shown.context["impact"].weeks) == 3


def test_an_admission_outside_the_rules_asks_for_a_reason_only_then(client_of: Client, site: Site) -> None:
    patient = make_patient(site)
    address = reverse("level-new", args=[patient.pk])
    typed = TYPED | {"prescribed_minutes": "6", "prescribed_days": "2", "referral_source": "Harbor House"}
    assert "exception_reason" not in client_of.get(address).text

    refused = client_of.post(address, typed)
    assert refused.status_code == 422
    assert "Enter why" in refused.context["form"].errors["exception_reason"][0]
    assert 'name="exception_reason"' in refused.text
    assert refused.context["form"]["referral_source"].value() == "Harbor House"
    saved = client_of.post(address, typed | {"exception_reason": "Ordered while tapering off"})

    assert saved.status_code == 302
    assert patient.episodes.get().spans.get().exception_reason == "Ordered while tapering off"
    assert AuditEvent.objects.get(action=Action.CREATED, subject_kind="episode").reason == "Ordered while tapering off"
    assert "Ordered while tapering off" in client_of.get(reverse("patient", args=[patient.pk])).text


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.CLINICIAN, Role.ADMINISTRATOR])
def test_only_coordinators_correct_levels(site: Site, episode: Episode, role: Role) -> None:
    client = Client()
    client.force_login(make_staff(role, site))

    for name in ("level-correct", "level-remove"):
        assert client.get(reverse(name, args=[latest(episode).pk])).status_code in {403, 404}


def test_the_number_of_queries_does_not_depend_on_the_number_of_weeks(
    client_of: Client, rosa: Patient, by: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def count(episode: Episode) -> int:
        address = reverse("level-correct", args=[latest(episode).pk])
        client_of.post(address, TYPED | {"starts": str(latest(episode).starts)})
        with django_assert_num_queries(QUERIES):
            shown = client_of.post(address, TYPED | {"starts": str(latest(episode).starts)})
        return len(shown.context["impact"].weeks)

    assert count(admit(rosa, MONDAY)) == 1
    assert count(admit(make_patient(rosa.site), MONDAY - 2 * WEEK)) == 3
