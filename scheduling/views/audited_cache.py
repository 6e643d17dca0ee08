"""Serve frequently loaded pages about patients. Every request is audited, but an unchanged page is not sent again.

The browser caches the page privately, together with a tag. At each request, the browser sends the tag and asks whether
its copy is still valid. The tag is signed, belongs to one user, and covers everything that the page is made of: its
data, the frame around it, and the code. So a cached page is never out of date. Permissions are checked first: a user
who may no longer see the page is refused even if the browser has a copy.
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
from django.utils.translation import get_language

from accounts.audit import record_repeated_view, record_views
from accounts.models import User
from accounts.views import signed_in
from iopmanager.reader import uses_24_hours
from iopmanager.release import fingerprint
from scheduling.models import Site

NO_VIEW = "0"


class PageTag(NamedTuple):
    """The tag of a page in a browser's cache.

    The audit trail has a record of the user's first view of the patients on the page. `view` is the id of this record.
    `people` is a signature of this id and the patients. `page` is a signature of the whole page.
    """

    view: str
    people: str
    page: str

    def __str__(self) -> str:
        return f'W/"{".".join(self)}"'

    @classmethod
    def read(cls, header: str) -> Self | None:
        """Parse the tag of the browser's copy from the If-None-Match header. Return None if it has another format."""
        parts = header.strip().removeprefix("W/").strip('"').split(".")
        return cls(*parts) if len(parts) == len(cls._fields) else None


def _encode_value(value: object) -> str:
    """Encode a date, datetime or time zone for the digest. Raises TypeError for any other type."""
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
    """Render the page, or answer 304 if the browser's copy is current. Audit the view either way.

    `people` maps the ids of the patients on the page to their names. The first view writes an audit event for each
    patient. A later view of the same patients writes a single event that refers to the first events. The caller must
    have opened a transaction.

    The page's tag is computed from the context. The context must therefore contain only plain values. With `framed`,
    the tag also covers the frame around the page.
    """
    user = signed_in(request)
    cached = PageTag.read(request.headers.get("If-None-Match", ""))
    shown = _digest(user.pk, site.pk, detail, sorted(people.items()))
    frame = _render_frame(request) if framed else ""
    content = _digest(fingerprint(), get_language(), uses_24_hours(), template, context, frame)
    view = NO_VIEW
    if people:
        view = _repeated_view(cached, shown, len(people), user=user, site=site, at=at, detail=detail)
        view = view or record_views(people, by=user, at=at, site_key=site.pk, detail=detail).hex
    tag = _make_tag(request, view, shown, content)
    # A page with messages is not cached, because messages are shown only once.
    # Under DEBUG, no page is cached, because templates may be edited.
    is_uncacheable = settings.DEBUG or bool(len(get_messages(request)))
    if cached and not is_uncacheable and constant_time_compare(cached.page, tag.page):
        response: HttpResponse = HttpResponseNotModified()
    else:
        response = render(request, template, dict(context))
        tag = _make_tag(request, view, shown, content)  # sign again, because rendering can create the CSRF secret
    if is_uncacheable:
        patch_cache_control(response, private=True, no_store=True)
    else:
        response["ETag"] = str(tag)
        patch_cache_control(response, private=True, no_cache=True)
    return response


def _render_frame(request: HttpRequest) -> str:
    """Render the frame around the page, without the parts of the frame that change with every request."""
    return render_to_string("staff.html", {"csrf_token": "-", "messages": ()}, request)


def _make_tag(request: HttpRequest, view: str, shown: str, content: str) -> PageTag:
    """Sign the page. The signature covers the CSRF secret, because a new secret breaks the forms on a cached page."""
    people = _sign(view, shown)
    return PageTag(view, people, _sign(people, content, request.META.get("CSRF_COOKIE") or ""))


def _repeated_view(
    cached: PageTag | None, shown: str, people: int, *, user: User, site: Site, at: datetime, detail: str
) -> str:
    """Record another view of a cached page, and return the id of the page's first view.

    Return an empty string if the first view showed other patients or is not on record.
    """
    if cached is None or not constant_time_compare(cached.people, _sign(cached.view, shown)):
        return ""
    is_recorded = record_repeated_view(
        UUID(cached.view), people=people, by=user, at=at, site_key=site.pk, detail=detail
    )
    return cached.view if is_recorded else ""
