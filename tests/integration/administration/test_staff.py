"""Administrators invite staff, change roles, and turn accounts off. Every site keeps a coordinator and an administrator."""

import re
import threading
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.core import mail
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from accounts.models import Action, AuditEvent, Invitation, RoleAssignment, User
from accounts.permissions import Role
from accounts.services.staffing import LastCoordinator
from iopmanager import clock
from scheduling.models import MeetingFacilitator, Site
from scheduling.services.administration.staff import AlreadyStaff, change_roles, invite_staff
from scheduling.services.documents.feeds import create_feed, find_feed
from tests.concurrency import at_the_same_time
from tests.factories import (
    PASSWORD,
    make_meeting,
    make_patient,
    make_patient_user,
    make_session,
    make_site,
    make_staff,
)
from timekeeping.reasons import Refused

pytestmark = pytest.mark.django_db

NEW_PASSWORD = "nobody will guess this"
EMAIL = "ada@mail.example"


@pytest.fixture(autouse=True)
def no_tries_yet() -> None:
    cache.clear()


@pytest.fixture
def site() -> Site:
    return make_site("Harbor Street")


@pytest.fixture
def administrator(site: Site) -> User:
    return make_staff(Role.ADMINISTRATOR, site)


@pytest.fixture
def office(client: Client, administrator: User) -> Client:
    client.force_login(administrator)
    return client


@pytest.fixture
def lead(site: Site) -> User:
    """A clinician who leads a weekly group."""
    user = make_staff(Role.CLINICIAN, site, "Ben Ito")
    make_meeting(site, 0, "09:00", "12:00", lead=user, name="Monday group")
    return user


def invitation_form(site: Site, **changes: Any) -> dict[str, Any]:
    return {"name": "Ada Park", "email": EMAIL, f"roles_{site.pk}": ["clinician"], "how": "mail"} | changes


def link_in(text: str) -> str:
    found = re.search(r"/join/[\w-]+/", text)
    assert found
    return found[0]


def join(link: str) -> Any:
    return Client().post(link, {"email": "other@mail.example", "password": NEW_PASSWORD})


def sign_in(user: User, password: str) -> bool:
    cache.clear()
    return Client().post(reverse("account_login"), {"login": user.email, "password": password}).status_code == 302


def test_an_invited_staff_member_chooses_a_password_and_has_the_roles(office: Client, site: Site) -> None:
    response = office.post(reverse("staff-new"), invitation_form(site), follow=True)
    assert f"The link is on its way to {EMAIL}." in response.text
    user = User.objects.get(email=EMAIL)
    assert not user.is_active
    assert user.roles_at(site.pk) == {Role.CLINICIAN}
    assert not User.objects.get_queryset().clinicians_at(site.pk).filter(pk=user.pk).exists()
    assert "Invited, until" in office.get(reverse("staff")).text
    message = mail.outbox[0]
    assert "Harbor" not in f"{message.subject} {message.body}"
    page = Client().get(link_in(message.body))
    assert re.search(rf'value="{EMAIL}"[^>]*disabled', page.text)
    assert join(link_in(message.body)).status_code == 302
    user = User.objects.get(email=EMAIL)  # an invited person cannot choose another address
    assert (user.is_active, user.check_password(NEW_PASSWORD)) == (True, True)
    assert "Active" in office.get(reverse("staff-member", args=[user.pk])).text


def test_a_printed_sheet_needs_no_mail(office: Client, site: Site) -> None:
    sheet = office.post(reverse("staff-new"), invitation_form(site, how="print"))
    assert mail.outbox == []
    assert join(link_in(sheet.text)).status_code == 302


def test_an_address_that_somebody_signs_in_with_is_refused_and_nothing_is_lost(office: Client, site: Site) -> None:
    elsewhere = make_staff(Role.REVIEWER, make_site("Elm Square"), "Ben Ito", email=EMAIL)
    response = office.post(reverse("staff-new"), invitation_form(site, email=EMAIL.upper()))
    assert response.status_code == 422
    assert "Somebody else signs in with" in response.text
    assert "Ada Park" in response.text
    assert "Ben Ito" not in response.text
    assert reverse("staff-member", args=[elsewhere.pk]) not in response.text
    assert not Invitation.objects.exists()


def test_whoever_is_invited_again_is_named_with_a_link_to_the_page(office: Client, site: Site) -> None:
    office.post(reverse("staff-new"), invitation_form(site))
    again = office.post(reverse("staff-new"), invitation_form(site, name="A. Park", email=f" {EMAIL.upper()} "))
    assert again.status_code == 422
    assert f"Ada Park already has an account with {EMAIL}." in again.text
    assert "Somebody else" not in again.text
    assert reverse("staff-member", args=[User.objects.get(email=EMAIL).pk]) in again.text
    assert Invitation.objects.count() == 1
    assert office.post(reverse("staff-new"), {"name": "A. Park"}).status_code == 422


def test_an_invitation_needs_a_role(office: Client, site: Site) -> None:
    response = office.post(reverse("staff-new"), invitation_form(site, **{f"roles_{site.pk}": []}))
    assert (response.status_code, "Choose at least one role." in response.text) == (422, True)


def test_a_password_reset_lets_nobody_in_before_the_invitation_is_used(office: Client, site: Site) -> None:
    office.post(reverse("staff-new"), invitation_form(site))
    mail.outbox.clear()
    Client().post(reverse("account_reset_password"), {"email": EMAIL})
    assert mail.outbox == []


def test_a_link_is_sent_again_and_withdrawn(office: Client, site: Site) -> None:
    office.post(reverse("staff-new"), invitation_form(site))
    user = User.objects.get(email=EMAIL)
    office.post(reverse("staff-member-invite", args=[user.pk]), {"how": "mail"})
    first, second = (link_in(message.body) for message in mail.outbox)
    assert join(first).status_code == 410
    office.post(reverse("staff-member-withdraw", args=[user.pk]))
    assert join(second).status_code == 410
    again = office.post(reverse("staff-member-withdraw", args=[user.pk]), follow=True)
    assert "has no open link" in again.text


def test_an_expired_link_is_not_withdrawn(office: Client, site: Site) -> None:
    office.post(reverse("staff-new"), invitation_form(site))
    member = reverse("staff-member", args=[User.objects.get(email=EMAIL).pk])
    assert "Withdraw link" in office.get(member).text
    Invitation.objects.update(created_at=clock.now() - timedelta(days=4), expires_at=clock.now() - timedelta(days=1))
    page = office.get(member).text
    assert ("The link has expired" in page, "Withdraw link" in page) == (True, False)


def test_somebody_who_can_sign_in_gets_no_link(office: Client, lead: User) -> None:
    response = office.post(reverse("staff-member-invite", args=[lead.pk]), {"how": "mail"}, follow=True)
    assert "already has access" in response.text
    assert mail.outbox == []


def test_roles_are_changed_and_audited(office: Client, site: Site) -> None:
    user = make_staff(Role.REVIEWER, site)
    office.post(reverse("staff-member", args=[user.pk]), {f"roles_{site.pk}": ["coordinator", "clinician"]})
    assert User.objects.get(pk=user.pk).roles_at(site.pk) == {Role.COORDINATOR, Role.CLINICIAN}
    event = AuditEvent.objects.get(subject_kind="user", subject_key=user.pk)
    assert event.action == Action.CHANGED
    assert "coordinator at site" in event.detail


def test_roles_at_other_sites_stay(office: Client, site: Site) -> None:
    user = make_staff(Role.REVIEWER, site)
    other = make_site("Elm Square")
    RoleAssignment.objects.create(user=user, role=Role.REVIEWER, site=other)
    form = {f"roles_{site.pk}": ["coordinator"], f"roles_{other.pk}": ["administrator"], "all_sites": "on"}
    office.post(reverse("staff-member", args=[user.pk]), form)
    assert set(User.objects.get(pk=user.pk).assigned_roles) == {
        (Role.COORDINATOR, site.pk),
        (Role.REVIEWER, other.pk),
    }


def test_an_administrator_of_one_site_cannot_give_roles_elsewhere(administrator: User, site: Site) -> None:
    other = make_site("Elm Square")
    for post in ((Role.REVIEWER, other.pk), (Role.ADMINISTRATOR, None)):
        with pytest.raises(Refused, match="not_your_site"):
            invite_staff(name="Ada", email=EMAIL, roles=[post], by_mail=False, by=administrator, now=clock.now())


def test_a_clinician_with_groups_is_shown_with_them_before_the_role_ends(
    office: Client, site: Site, lead: User
) -> None:
    address = reverse("staff-member", args=[lead.pk])
    page = office.get(address)
    assert "Monday group" in page.text
    meeting = lead.meetings.get()
    assert reverse("meeting-edit", args=[meeting.pk]) in page.text
    response = office.post(address, {f"roles_{site.pk}": ["reviewer"]})
    assert response.status_code == 422
    assert "Ben Ito is in 1 weekly group." in response.text
    assert User.objects.get(pk=lead.pk).roles_at(site.pk) == {Role.CLINICIAN}
    assert office.post(address, {f"roles_{site.pk}": ["reviewer"], "work_seen": "on"}).status_code == 302
    assert User.objects.get(pk=lead.pk).roles_at(site.pk) == {Role.REVIEWER}
    assert MeetingFacilitator.objects.filter(user=lead).exists()


def test_turning_off_shows_the_groups_and_sessions_first(office: Client, lead: User) -> None:
    make_session(lead.meetings.get(), clock.now().date() + timedelta(days=7))
    address = reverse("staff-member-end", args=[lead.pk])
    page = office.get(address)
    assert "Monday group" in page.text
    assert "Ben Ito is in 1 session to come." in page.text
    response = office.post(address, {})
    assert (response.status_code, "Choose who takes it" in response.text) == (422, True)
    assert User.objects.get(pk=lead.pk).is_active
    assert office.post(address, {"work_seen": "on"}).status_code == 302
    assert not User.objects.get(pk=lead.pk).is_active


def test_turning_off_ends_all_access_and_a_new_invitation_restores_only_the_roles(office: Client, site: Site) -> None:
    user = make_staff(Role.REVIEWER, site)
    phone = Client()
    phone.force_login(user)
    assert phone.get(reverse("today")).status_code == 200
    _, token = create_feed(facilitator=user, by=user, now=clock.now())
    Client().post(reverse("account_reset_password"), {"email": user.email})
    reset = re.search(r"/accounts/password/reset/key/\S+", mail.outbox.pop().body)
    assert reset
    office.post(reverse("staff-member-end", args=[user.pk]), {})
    assert phone.get(reverse("today")).status_code == 302
    assert find_feed(token) is None
    assert not sign_in(user, PASSWORD)

    sheet = office.post(reverse("staff-member-invite", args=[user.pk]), {"how": "print"})
    assert join(link_in(sheet.text)).status_code == 302
    assert User.objects.get(pk=user.pk).roles_at(site.pk) == {Role.REVIEWER}
    assert phone.get(reverse("today")).status_code == 302
    assert find_feed(token) is None
    assert not sign_in(user, PASSWORD)
    assert "no longer works" in Client().get(reset[0], follow=True).text
    assert sign_in(user, NEW_PASSWORD)


def test_turning_off_withdraws_a_link_that_is_still_open(office: Client, site: Site) -> None:
    sheet = office.post(reverse("staff-new"), invitation_form(site, how="print"))
    user = User.objects.get(email=EMAIL)
    User.objects.filter(pk=user.pk).update(is_active=True)  # as an import would do
    office.post(reverse("staff-member-end", args=[user.pk]), {})
    assert join(link_in(sheet.text)).status_code == 410


def test_somebody_without_a_password_can_be_invited_or_turned_off(office: Client, site: Site) -> None:
    user = make_staff(Role.REVIEWER, site)
    user.set_unusable_password()
    user.save()
    page = office.get(reverse("staff-member", args=[user.pk])).text
    assert "No password yet" in page
    for name in ("staff-member-invite", "staff-member-end"):
        assert reverse(name, args=[user.pk]) in page


def test_an_account_that_is_off_already_is_not_turned_off_again(office: Client, site: Site) -> None:
    user = make_staff(Role.REVIEWER, site, is_active=False)
    response = office.post(reverse("staff-member-end", args=[user.pk]), {})
    assert (response.status_code, "nothing to end" in response.text) == (422, True)


def test_the_last_coordinator_and_administrator_of_a_site_stay(office: Client, administrator: User, site: Site) -> None:
    coordinator = make_staff(Role.COORDINATOR, site)
    for address, form, sentence in (
        ("staff-member-end", {}, "Harbor Street would have no coordinator."),
        ("staff-member", {f"roles_{site.pk}": ["reviewer"]}, "Harbor Street would have no coordinator."),
    ):
        response = office.post(reverse(address, args=[coordinator.pk]), form)
        assert (response.status_code, sentence in response.text) == (422, True)
    for address, form in (("staff-member-end", {}), ("staff-member", {f"roles_{site.pk}": ["reviewer"]})):
        response = office.post(reverse(address, args=[administrator.pk]), form)
        assert (response.status_code, "Harbor Street would have no administrator." in response.text) == (422, True)
    make_staff(Role.COORDINATOR, site)
    assert office.post(reverse("staff-member-end", args=[coordinator.pk]), {}).status_code == 302
    make_staff(Role.ADMINISTRATOR, None)
    assert office.post(reverse("staff-member-end", args=[administrator.pk]), {}).status_code == 302


def test_administrators_read_that_an_account_is_their_own_and_that_they_are_signed_out(
    office: Client, administrator: User, site: Site
) -> None:
    colleague = make_staff(Role.ADMINISTRATOR, site)
    own, other = (reverse("staff-member-end", args=[user.pk]) for user in (administrator, colleague))
    assert "This is your own account." in office.get(own).text
    assert "This is your own account." not in office.get(other).text
    answer = office.post(own, {})
    assert answer.headers["Location"] == reverse("account_login")
    assert answer.headers["Clear-Site-Data"] == '"cache"'
    assert "Your account is off. You are signed out." in office.get(answer.headers["Location"]).text
    assert office.get(reverse("staff")).status_code == 302
    event = AuditEvent.objects.get(detail="account turned off")
    assert (event.actor_key, event.subject_key) == (administrator.pk, administrator.pk)


def test_a_coordinator_whose_account_is_off_does_not_count(office: Client, site: Site) -> None:
    coordinator = make_staff(Role.COORDINATOR, site)
    make_staff(Role.COORDINATOR, site, is_active=False)
    assert office.post(reverse("staff-member-end", args=[coordinator.pk]), {}).status_code == 422


def test_the_page_says_why_the_last_coordinator_stays_and_offers_no_button(office: Client, site: Site) -> None:
    coordinator = make_staff(Role.COORDINATOR, site)
    address = reverse("staff-member-end", args=[coordinator.pk])
    page = office.get(address).text
    assert "Harbor Street would have no coordinator. Make" in page
    assert "btn-danger" not in page
    make_staff(Role.COORDINATOR, site)
    page = office.get(address).text
    assert "would have no coordinator" not in page
    assert "btn-danger" in page


def make_imported(role: Role, site: Site | None) -> User:
    """Create a staff member as an import does: active, without a password, and not invited yet."""
    user = make_staff(role, site)
    user.set_unusable_password()
    user.save()
    return user


def test_the_last_coordinator_and_administrator_who_can_sign_in_stay(
    office: Client, administrator: User, site: Site
) -> None:
    coordinator, imported = make_staff(Role.COORDINATOR, site), make_imported(Role.COORDINATOR, site)
    make_imported(Role.ADMINISTRATOR, None)
    sentences = {
        coordinator: "Harbor Street would have no coordinator who can sign in. Send another coordinator a link first",
        administrator: "Harbor Street would have no administrator who can sign in.",
    }
    for user, sentence in sentences.items():
        for address, form in (("staff-member-end", {}), ("staff-member", {f"roles_{site.pk}": ["reviewer"]})):
            response = office.post(reverse(address, args=[user.pk]), form)
            assert (response.status_code, sentence in response.text) == (422, True)
    assert office.post(reverse("staff-member-end", args=[imported.pk]), {}).status_code == 302
    assert "would have no coordinator. Make" in office.post(reverse("staff-member-end", args=[coordinator.pk])).text
    make_staff(Role.COORDINATOR, site)
    make_staff(Role.ADMINISTRATOR, None)
    for user in (coordinator, administrator):
        assert office.post(reverse("staff-member-end", args=[user.pk]), {}).status_code == 302


def test_the_last_administrator_of_all_who_can_sign_in_stays(client: Client) -> None:
    administrator, imported = make_staff(Role.ADMINISTRATOR, None), make_imported(Role.ADMINISTRATOR, None)
    client.force_login(administrator)
    response = client.post(reverse("staff-member-end", args=[administrator.pk]), {})
    assert (response.status_code, "No administrator of all sites could sign in." in response.text) == (422, True)
    assert client.post(reverse("staff-member-end", args=[imported.pk]), {}).status_code == 302


def test_the_admin_keeps_the_password_of_the_last_administrator(client: Client) -> None:
    administrator = make_staff(Role.ADMINISTRATOR, None)
    make_imported(Role.ADMINISTRATOR, None)
    client.force_login(administrator)
    address = reverse("admin:auth_user_password_change", args=[administrator.pk])
    page = client.post(address, {"usable_password": "false", "unset-password": "yes"}, follow=True)
    assert "No administrator of all sites could sign in." in page.text
    assert User.objects.get(pk=administrator.pk).has_usable_password()


def test_an_uninvited_coordinator_who_is_the_only_one_stays_but_counts_for_nobody(office: Client, site: Site) -> None:
    imported = make_imported(Role.COORDINATOR, site)
    response = office.post(reverse("staff-member-end", args=[imported.pk]), {})
    assert (response.status_code, "would have no coordinator. Make" in response.text) == (422, True)


def test_the_admin_changes_no_roles_and_deletes_nobody_who_has_one(client: Client, site: Site) -> None:
    administrator, coordinator = make_staff(Role.ADMINISTRATOR, None), make_staff(Role.COORDINATOR, site)
    make_staff(Role.COORDINATOR, site)
    client.force_login(administrator)
    role, users = coordinator.role_assignments.get(), reverse("admin:accounts_user_changelist")
    change = {"user": coordinator.pk, "role": "reviewer", "site": site.pk}
    selected = {"action": "delete_selected", "post": "yes"}
    requests: list[tuple[str, dict[str, Any]]] = [
        (reverse("admin:accounts_roleassignment_add"), change),
        (reverse("admin:accounts_roleassignment_change", args=[role.pk]), change),
        (reverse("admin:accounts_roleassignment_delete", args=[role.pk]), {"post": "yes"}),
        (reverse("admin:accounts_user_delete", args=[coordinator.pk]), {"post": "yes"}),
        (users, {**selected, "_selected_action": [coordinator.pk]}),
        (reverse("admin:accounts_roleassignment_changelist"), {**selected, "_selected_action": [role.pk]}),
    ]
    for address, form in requests:
        client.post(address, form)
    assert [client.post(address, form).status_code for address, form in requests[:4]] == [403] * 4
    page = client.get(reverse("admin:accounts_user_change", args=[coordinator.pk])).text
    assert "open the page “Staff”" in page
    assert "role_assignments-0-role" not in page
    inline = {
        "email": coordinator.email, "name": "New name", "role_assignments-TOTAL_FORMS": 1,
        "role_assignments-INITIAL_FORMS": 1, "role_assignments-0-id": role.pk, "role_assignments-0-DELETE": "on",
        "role_assignments-0-role": "reviewer", "role_assignments-0-user": coordinator.pk,
    }  # fmt: skip
    client.post(reverse("admin:accounts_user_change", args=[coordinator.pk]), inline)
    coordinator.refresh_from_db()
    assert (coordinator.name, coordinator.role_assignments.get()) == ("New name", role)
    assert coordinator.role_assignments.get().role == Role.COORDINATOR


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_invite_one_address_at_the_same_time_one_succeeds() -> None:
    site = make_site()
    by = make_staff(Role.ADMINISTRATOR, site)
    invite = partial(
        invite_staff,
        name="Ada",
        email="ada@example.org",
        roles=[(Role.CLINICIAN, site.pk)],
        by_mail=False,
        now=clock.now(),
    )
    invites = [partial(invite, by=User.objects.get(pk=by.pk)) for _ in range(4)]
    outcomes = at_the_same_time(*invites)
    assert sorted(map(str, outcomes)) == sorted(map(str, ["done", *[AlreadyStaff] * 3]))
    assert User.objects.filter(email="ada@example.org").count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_people_who_remove_each_others_colleague_one_succeeds() -> None:
    site = make_site("Harbor Street")
    by = make_staff(Role.ADMINISTRATOR, site)
    coordinators = [make_staff(Role.COORDINATOR, site) for _ in range(2)]
    outcomes: list[object] = []
    start = threading.Barrier(2)

    def end(user: User) -> None:
        start.wait()
        try:
            administrator = User.objects.get(pk=by.pk)
            change_roles(
                user=user, roles=[(Role.REVIEWER, site.pk)], work_seen=False, by=administrator, now=clock.now()
            )
            outcomes.append("changed")
        except Refused as refused:
            outcomes.append(refused.reasons)
        finally:
            connection.close()

    both = [threading.Thread(target=end, args=(user,)) for user in coordinators]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert sorted(map(str, outcomes)) == sorted(map(str, ["changed", (LastCoordinator("Harbor Street"),)]))
    assert RoleAssignment.objects.filter(role=Role.COORDINATOR).count() == 1


def test_strangers_are_kept_out(client: Client, site: Site, lead: User) -> None:
    for outsider, status in (
        (make_staff(Role.COORDINATOR, site), 403),
        (make_patient_user(make_patient(site)), 403),
        (make_staff(Role.ADMINISTRATOR, make_site("Elm Square")), 404),
    ):
        client.force_login(outsider)
        for name in ("staff-member", "staff-member-invite", "staff-member-withdraw", "staff-member-end"):
            assert client.post(reverse(name, args=[lead.pk]), {"how": "print"}).status_code == status
    assert User.objects.get(pk=lead.pk).is_active
    assert "Ben Ito" not in client.get(reverse("staff")).text


def test_only_an_administrator_of_all_sites_turns_off_somebody_of_several_sites(
    office: Client, client: Client, site: Site
) -> None:
    user = make_staff(Role.REVIEWER, site)
    RoleAssignment.objects.create(user=user, role=Role.REVIEWER, site=make_site("Elm Square"))
    assert "Only an administrator of all sites" in office.get(reverse("staff-member", args=[user.pk])).text
    assert office.post(reverse("staff-member-end", args=[user.pk]), {}).status_code == 403
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.post(reverse("staff-member-end", args=[user.pk]), {}).status_code == 302


def test_a_role_taken_away_while_the_page_is_open_gives_no_access(
    office: Client, administrator: User, site: Site
) -> None:
    assert office.get(reverse("staff-new")).status_code == 200
    administrator.role_assignments.all().delete()
    RoleAssignment.objects.create(user=administrator, role=Role.REVIEWER, site=site)
    assert office.post(reverse("staff-new"), invitation_form(site)).status_code == 403
    assert not User.objects.filter(email=EMAIL).exists()


def test_the_first_administrator_without_a_site_is_led_to_add_one(client: Client) -> None:
    client.force_login(make_staff(Role.ADMINISTRATOR, None))
    assert client.get(reverse("staff")).status_code == 200
    assert "Add a site first." in client.get(reverse("staff-new")).text


@pytest.mark.parametrize("number", [1, 6])
def test_the_number_of_queries_does_not_grow(
    office: Client, site: Site, django_assert_num_queries: DjangoAssertNumQueries, number: int
) -> None:
    for each in range(number):
        office.post(reverse("staff-new"), invitation_form(site, email=f"{each}@mail.example"))
    office.get(reverse("staff"))
    with django_assert_num_queries(8):
        assert office.get(reverse("staff")).status_code == 200
