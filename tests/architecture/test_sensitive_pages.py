"""Pages that give or take access, and pages that export records, ask again who the user is.

A new page that calls one of the services for access, or that sends a file, fails here until somebody has decided whether
it asks.
"""

import importlib
import inspect
from collections.abc import Callable, Iterator
from types import CodeType, FunctionType
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from accounts.models import RoleAssignment, User
from accounts.permissions import Role
from tests.every_page import make_pages
from tests.factories import make_staff
from tests.second_factor import A_QUARTER_OF_AN_HOUR, set_up_app, sign_in_earlier

SENSITIVE = {
    # giving roles, changing them, and turning accounts on and off
    "site-new", "staff-new", "staff-member", "staff-member-invite", "staff-member-withdraw", "staff-member-end",
    # what patients and their delegates may see
    "portal-access", "portal-access-withdraw", "portal-access-end", "delegates", "delegate-invite", "delegate-end",
    # the sign-in of a record that becomes part of another one, and back
    "patient-merge-with", "merge-take-back",
    # the second factor of somebody who lost the phone
    "staff-member-factor", "portal-access-factor",
    # writing many records at once
    "clinic-import-confirm",
    # calendar links for others
    "patient-calendar", "track-calendar",
}  # fmt: skip
"""URL names of the pages with the decorator `confirmed_recently`."""

ASKED_BY_ALLAUTH = {
    "mfa_activate_totp", "mfa_deactivate_totp", "mfa_add_webauthn", "mfa_edit_webauthn", "mfa_remove_webauthn",
    "mfa_generate_recovery_codes",
}  # fmt: skip
"""URL names of the pages with the user's own second factor. django-allauth asks. The page for a new password asks for the
old one."""

ADMIN = {
    "admin:accounts_user_add": [],
    "admin:accounts_user_change": ["user_id"],
    "admin:accounts_user_delete": ["user_id"],
    "admin:auth_user_password_change": ["user_id"],
}
"""URL names of Django's admin that change accounts, with the ids in their addresses."""

SERVICES_FOR_ACCESS = (
    "accounts.services.invitations",
    "accounts.services.second_factor",
    "scheduling.services.administration.delegates",
    "scheduling.services.administration.portal_access",
    "scheduling.services.administration.sites.add_site",
    "scheduling.services.administration.staff",
    "scheduling.services.documents.feeds",
    "scheduling.services.record.merge",
    "scheduling.services.record.take_back",
)
"""Modules whose services give or take access. A service names its actor: it has a parameter `by`."""

ACCESS_WITHOUT_ASKING = {
    "staff-calendar": "the link is for the user's own sessions",
    "portal-calendar": "the link is for the user's own appointments",
    "feed-revoke": "it only turns a link off, which must be quick",
    "portal-feed-revoke": "it only turns a link off, which must be quick",
    "site-feed-turn-off": "it only turns a link off, which must be quick",
}
FILES_WITHOUT_ASKING = {
    "letter-new": "a letter about one patient, for one recipient whom the patient has named",
    "import-blank-workbook": "it has only the titles of columns",
    "import-blank-csv": "it has only the titles of columns",
    "feed": "a calendar app asks for it; the address is secret",
}

QUESTION = "/accounts/confirm/"
OF_ONE_PASSKEY = {"mfa_edit_webauthn", "mfa_remove_webauthn"}


def views(resolver: URLResolver | None = None) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Yield the URL name and the view of each page outside Django's admin."""
    for pattern in (resolver or get_resolver()).url_patterns:
        if isinstance(pattern, URLResolver):
            if pattern.app_name != "admin":
                yield from views(pattern)
        elif isinstance(pattern, URLPattern) and pattern.name:
            yield pattern.name, pattern.callback


def names_in(code: CodeType) -> Iterator[str]:
    """Yield the names and the texts that a function uses, also in the functions inside it."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from names_in(constant)
        elif isinstance(constant, str):
            yield constant


def uses(view: Callable[..., Any]) -> Iterator[tuple[str, Any]]:
    """Yield the names and the texts that a view uses, each with the object if it is one of its module's.

    Functions of the same module are followed.
    """
    waiting, seen = [inspect.unwrap(view)], set()
    while waiting:
        function = waiting.pop()
        if not isinstance(function, FunctionType) or function in seen:
            continue
        seen.add(function)
        for name in names_in(function.__code__):
            used = function.__globals__.get(name)
            yield name, used
            if isinstance(used, FunctionType) and used.__module__ == function.__module__:
                waiting.append(inspect.unwrap(used))


def changes_access(used: object) -> bool:
    if not isinstance(used, FunctionType):
        return False
    full_name = f"{used.__module__}.{used.__name__}"
    names_its_actor = inspect.signature(used).parameters.get("by")
    return (
        full_name.startswith(SERVICES_FOR_ACCESS)
        and names_its_actor is not None
        and names_its_actor.kind is inspect.Parameter.KEYWORD_ONLY
    )


def sends_a_file(name: str) -> bool:
    return name in {"Content-Disposition", "FileResponse", "StreamingHttpResponse", "csv"}


def test_the_services_are_where_this_test_looks_for_them() -> None:
    for name in SERVICES_FOR_ACCESS:
        module, _, _ = name.partition(".add_site")
        found = [each for each in vars(importlib.import_module(module)).values() if changes_access(each)]
        assert found, name


def test_the_list_names_the_pages_that_ask() -> None:
    assert {name for name, view in views() if hasattr(view, "asks_again")} == SENSITIVE


def test_each_page_that_changes_access_asks() -> None:
    found = {name for name, view in views() if any(changes_access(used) for _, used in uses(view))}
    assert found >= SENSITIVE - {"clinic-import-confirm"}, "the search finds the pages that are known"
    assert found - SENSITIVE == set(ACCESS_WITHOUT_ASKING)


def test_each_page_that_sends_a_file_asks() -> None:
    found = {name for name, view in views() if any(sends_a_file(used) for used, _ in uses(view))}
    assert found - SENSITIVE == set(FILES_WITHOUT_ASKING)


@pytest.fixture
def someone_who_may(db: None) -> User:
    """A user who may use all of these pages."""
    return make_staff(Role.ADMINISTRATOR, None)


def answers(client: Client, address: str) -> list[tuple[int, str]]:
    """Return the status and the redirect target ("" if there is none) of the responses to a GET and to a POST."""
    both = client.get(address), client.post(address, {"reason": "Lost phone"})
    return [(each.status_code, each.headers.get("Location", "")) for each in both]


def assert_asks(client: Client, user: User, address: str) -> None:
    """Check that the page asks a user who signed in 15 minutes ago, and not a user who signed in a little later."""
    sign_in_earlier(client, user)
    asked = answers(client, address)
    assert all(status == 405 or to.startswith(QUESTION) for status, to in asked), asked
    assert any(to.startswith(QUESTION) for _, to in asked), asked
    sign_in_earlier(client, user, seconds_ago=A_QUARTER_OF_AN_HOUR - 60)
    assert not any(to.startswith(QUESTION) for _, to in answers(client, address))


@pytest.mark.parametrize("name", sorted(SENSITIVE))
def test_a_sensitive_page_asks_after_a_quarter_of_an_hour(client: Client, someone_who_may: User, name: str) -> None:
    pages = make_pages([name])
    RoleAssignment.objects.create(user=someone_who_may, role=Role.COORDINATOR, site=pages.site)
    assert_asks(client, someone_who_may, pages.addresses[name])


@pytest.mark.parametrize("name", sorted(ASKED_BY_ALLAUTH))
def test_the_pages_of_the_second_factor_ask(client: Client, someone_who_may: User, name: str) -> None:
    ids = []
    if name in OF_ONE_PASSKEY:
        data = {"name": "My laptop", "credential": {}}
        ids = [Authenticator.objects.create(user=someone_who_may, type="webauthn", data=data).pk]
    elif name == "mfa_deactivate_totp":
        set_up_app(someone_who_may)
    address = reverse(name, args=ids)
    sign_in_earlier(client, someone_who_may)
    assert answers(client, address)[1][1].startswith(QUESTION)
    sign_in_earlier(client, someone_who_may, seconds_ago=A_QUARTER_OF_AN_HOUR - 60)
    assert not any(to.startswith(QUESTION) for _, to in answers(client, address))


@pytest.mark.parametrize("name", sorted(ADMIN))
def test_the_admin_asks_before_a_change_of_accounts(client: Client, someone_who_may: User, name: str) -> None:
    ids = {"user_id": someone_who_may.pk}
    assert_asks(client, someone_who_may, reverse(name, args=[ids[each] for each in ADMIN[name]]))


def test_the_list_of_users_in_the_admin_asks_before_an_action_on_several_rows(
    client: Client, someone_who_may: User
) -> None:
    sign_in_earlier(client, someone_who_may)
    (shown, _), (_, asked) = answers(client, reverse("admin:accounts_user_changelist"))
    assert (shown, asked.partition("?")[0]) == (200, QUESTION)
