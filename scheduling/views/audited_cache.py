"""Answer pages about patients that are loaded often: every view is audited, and an unchanged page is not sent again.

The browser caches such a page privately and asks on each view whether it has changed. The tag with which it asks is signed,
belongs to one user, and covers everything that the page is made of: the data, the frame around it, and the code. So the
page can't be out of date, and it can't outlast the right to see it, as permissions are checked first.
"""

import json
from collections.abc import Mapping
from datetime import date, datetime
from hashlib import blake2b
from typing import NamedTuple, Self
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.messages import get_messages
from django.http import HttpRequest, HttpResponse, HttpResponseNotModified
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils.cache import patch_cache_control
from django.utils.crypto import constant_time_compare, salted_hmac

from accounts.audit import record_repeated_view, record_views
from accounts.models import User
from accounts.views import signed_in
from iopmanager.release import fingerprint
from scheduling.models import Site

NO_VIEW = "0"


class PageTag(NamedTuple):
    """What the browser has: the view at which it was shown these patients, a signature of that, and one of the page."""

    view: str
    people: str
    page: str

    def __str__(self) -> str:
        return f'W/"{".".join(self)}"'

    @classmethod
    def read(cls, header: str) -> Self | None:
        """Parse If-None-Match, in which browsers send the tag of the page that they have."""
        parts = header.strip().removeprefix("W/").strip('"').split(".")
        return cls(*parts) if len(parts) == len(cls._fields) else None


def _encode_value(value: object) -> str:
    """Encode values other than text, numbers and lists of them, if their `repr` is complete."""
    if isinstance(value, date | datetime | ZoneInfo):
        return repr(value)
    raise TypeError(f"{value!r} has no complete text form: put plain values into the context.")


def _digest(*parts: object) -> str:
    return blake2b(json.dumps(parts, default=_encode_value).encode(), digest_size=16).hexdigest()


def _sign(*parts: str) -> str:
    return salted_hmac("scheduling.views.audited_cache", " ".join(parts), algorithm="sha256").hexdigest()[:32]


def audited_response(
    request: HttpRequest,
    template: str,
    context: Mapping[str, object],
    *,
    people: Mapping[int, str],
    site: Site,
    at: datetime,
    detail: str,
    framed: bool = True,
) -> HttpResponse:
    """Render the page, or answer 304 if the browser has the same; either way, audit it in the caller's transaction.

    `people` maps the ids of the patients on the page to their names. The first view writes an event for each of them; a
    later view of the same patients writes one event that points at those. The context must have plain values only, so that
    the tag covers all of it.
    """
    user = signed_in(request)
    cached = PageTag.read(request.headers.get("If-None-Match", ""))
    shown = _digest(user.pk, site.pk, detail, sorted(people.items()))
    content = _digest(fingerprint(), template, context, _render_frame(request) if framed else "")
    view = NO_VIEW
    if people:
        view = _repeated_view(cached, shown, len(people), user=user, site=site, at=at, detail=detail)
        view = view or record_views(people, by=user, at=at, site_key=site.pk, detail=detail).hex
    tag = _make_tag(request, view, shown, content)
    # A message must be shown only once, and under DEBUG templates change while the server runs.
    once = settings.DEBUG or bool(len(get_messages(request)))
    if cached and not once and constant_time_compare(cached.page, tag.page):
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = render(request, template, dict(context))
        tag = _make_tag(request, view, shown, content)  # rendering may have created the CSRF secret
    if once:
        patch_cache_control(answer, private=True, no_store=True)
    else:
        answer["ETag"] = str(tag)
        patch_cache_control(answer, private=True, no_cache=True)
    return answer


def _render_frame(request: HttpRequest) -> str:
    """Render the frame around the page without what differs between views although nothing changed."""
    return render_to_string("staff.html", {"csrf_token": "the same", "messages": ()}, request)


def _make_tag(request: HttpRequest, view: str, shown: str, content: str) -> PageTag:
    """Sign the page. The CSRF secret is part of it, as forms of a cached page work only as long as it is the same."""
    people = _sign(view, shown)
    return PageTag(view, people, _sign(people, content, request.META.get("CSRF_COOKIE") or ""))


def _repeated_view(
    cached: PageTag | None, shown: str, people: int, *, user: User, site: Site, at: datetime, detail: str
) -> str:
    """Record that the cached view was repeated, and return it; empty if it showed other patients or is not on record."""
    if cached is None or not constant_time_compare(cached.people, _sign(cached.view, shown)):
        return ""
    is_recorded = record_repeated_view(
        UUID(cached.view), people=people, by=user, at=at, site_key=site.pk, detail=detail
    )
    return cached.view if is_recorded else ""
