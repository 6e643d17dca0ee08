"""The template context for the frame around every page. Values are computed only when a template uses them."""

from dataclasses import dataclass

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from scheduling.models import Site
from scheduling.views.current_site import current_site, sites_worked_at


@dataclass(frozen=True, slots=True)
class NavSection:
    """A section of the navigation. `paths` says which URL paths belong to it.

    Each item of `paths` is the beginning of a URL path: one part, or two. The longer item counts: the path
    "sessions/new/" belongs to the section with "sessions/new", not to the section with "sessions". If two sections have
    the same item, it belongs to the last one that the user may open.
    """

    name: str | Promise
    url_name: str
    icon: str
    paths: frozenset[str]
    permissions: frozenset[Permission]
    short_name: str | Promise = ""
    """A shorter name for the narrow bar of a phone. Empty if `name` is short enough."""
    seldom: bool = False
    """Whether the section is left out of a phone's navigation bar when there is not enough room for all sections."""


@dataclass(frozen=True, slots=True)
class NavItem:
    name: str | Promise
    url: str
    icon: str
    active: bool
    short_name: str | Promise = ""
    in_bar: bool = True
    """Whether the item is shown in a phone's navigation bar. If not, it is only in the phone's menu."""


MAX_BAR_ITEMS = 4

NAV_SECTIONS = (
    NavSection(
        _("Today"),
        "today",
        "house",
        frozenset({"today", "sessions", "attendance"}),
        frozenset({Permission.SEE_TIMETABLE}),
    ),
    NavSection(
        _("Patients"),
        "patients",
        "people",
        frozenset({"patients", "commitments", "episodes", "enrollments"}),
        frozenset({Permission.SEE_PATIENTS, Permission.SEE_OWN_PATIENTS}),
    ),
    NavSection(
        _("Tracks"),
        "tracks",
        "grid-3x2-gap",
        frozenset({"tracks", "meetings", "closures", "hours"}),
        frozenset({Permission.SEE_TIMETABLE}),
        seldom=True,
    ),
    NavSection(
        _("Board"),
        "board",
        "calendar3-week",
        frozenset({"board", "sessions/new"}),
        frozenset({Permission.SEE_TIMETABLE}),
    ),
    NavSection(
        _("Weekly hours"),
        "weeks",
        "calendar-check",
        frozenset({"weeks"}),
        frozenset({Permission.SEE_HOURS}),
        short_name=_("Weeks"),
    ),
    NavSection(
        _("Administration"),
        "administration",
        "gear",
        frozenset(
            {
                "administration",
                "sites",
                "rooms",
                "rules",
                "service-types",
                "staff",
                "start",
                "jobs",
                "import",
                "closures",
            }
        ),
        frozenset({Permission.MANAGE_SITE}),
        seldom=True,
        short_name=_("Manage"),
    ),
)


def _section_path(path: str) -> str:
    """Return the first two parts of the path if a section lists them, otherwise only the first part."""
    parts = path.strip("/").split("/")
    first_two = "/".join(parts[:2])
    return first_two if any(first_two in entry.paths for entry in NAV_SECTIONS) else parts[0]


def nav_items(user: User, path: str) -> tuple[NavItem, ...]:
    """Return the navigation items that the user may open. The item of the current page is marked active."""
    section_path = _section_path(path)
    open_to = [entry for entry in NAV_SECTIONS if any(map(user.may_somewhere, entry.permissions))]
    crowded = len(open_to) > MAX_BAR_ITEMS
    active = next((entry for entry in reversed(open_to) if section_path in entry.paths), None)
    return tuple(
        NavItem(
            entry.name,
            reverse(entry.url_name),
            entry.icon,
            entry is active,
            entry.short_name,
            in_bar=not (crowded and entry.seldom),
        )
        for entry in open_to
    )


def frame(request: HttpRequest) -> dict[str, object]:
    """Return the context of the frame for staff: the navigation, the sites, and some permissions.

    The context is empty for patients, and for visitors who are not signed in.
    """
    user = getattr(request, "user", None)
    if not isinstance(user, User) or not user.has_any_role:
        return {}

    def rail() -> tuple[NavItem, ...]:
        return nav_items(user, request.path)

    def sites() -> tuple[Site, ...]:
        return sites_worked_at(request)

    def here() -> Site | None:
        return current_site(request) if sites_worked_at(request) else None

    return {
        "rail": SimpleLazyObject(rail),
        "sites": SimpleLazyObject(sites),
        "current_site": SimpleLazyObject(here),
        "may_manage_sites": SimpleLazyObject(lambda: user.may_somewhere(Permission.MANAGE_SITE)),
        "may_search_patients": SimpleLazyObject(lambda: any(map(user.may_somewhere, NAV_SECTIONS[1].permissions))),
    }
