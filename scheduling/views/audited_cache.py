"""Pages about patients that are looked at again and again: each look leaves its trail, and only what changed is sent.

A browser keeps such a page to itself and asks at each look whether it is still the same. The tag with which it asks is
signed, belongs to one person, and covers all that the page is made of: what was read for it, the frame around it, and
the code. So it can't be out of date, and can't outlast a right to see the page: rights are asked before.
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
    """What a browser holds: the look at which it was shown these people, a signature of that, and one of the page."""

    look: str
    people: str
    page: str

    def __str__(self) -> str:
        return f'W/"{".".join(self)}"'

    @classmethod
    def read(cls, header: str) -> Self | None:
        """From If-None-Match, in which browsers send the one tag that they hold."""
        parts = header.strip().removeprefix("W/").strip('"').split(".")
        return cls(*parts) if len(parts) == len(cls._fields) else None


def _encode_value(value: object) -> str:
    """What a page may be given besides text, numbers and lists of them: whatever says all of itself."""
    if isinstance(value, date | datetime | ZoneInfo):
        return repr(value)
    raise TypeError(f"{value!r} can't be told from another that looks the same: give the page values.")


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
    """The page, or 304 where the browser holds the same; either way its trail is left, in the caller's transaction.

    `people` are the ids and names of the patients in it. Their events are written at the first look; a look that shows
    the same people leaves one event that points at those. The context holds values alone, so that all of it is covered.
    """
    user = signed_in(request)
    held = PageTag.read(request.headers.get("If-None-Match", ""))
    shown = _digest(user.pk, site.pk, detail, sorted(people.items()))
    content = _digest(fingerprint(), template, context, _render_frame(request) if framed else "")
    look = NO_VIEW
    if people:
        look = _repeated_view(held, shown, len(people), user=user, site=site, at=at, detail=detail)
        look = look or record_views(people, by=user, at=at, site_key=site.pk, detail=detail).hex
    tag = _make_tag(request, look, shown, content)
    # A message is shown once; and under DEBUG templates change while the server runs.
    once = settings.DEBUG or bool(len(get_messages(request)))
    if held and not once and constant_time_compare(held.page, tag.page):
        answer: HttpResponse = HttpResponseNotModified()
    else:
        answer = render(request, template, dict(context))
        tag = _make_tag(request, look, shown, content)  # rendering has made the CSRF secret, if there was none
    if once:
        patch_cache_control(answer, private=True, no_store=True)
    else:
        answer["ETag"] = str(tag)
        patch_cache_control(answer, private=True, no_cache=True)
    return answer


def _render_frame(request: HttpRequest) -> str:
    """The frame around the page, in which nothing differs from one look to the next that is not a change."""
    return render_to_string("staff.html", {"csrf_token": "the same", "messages": ()}, request)


def _make_tag(request: HttpRequest, look: str, shown: str, content: str) -> PageTag:
    """The forms of a page that was kept work as long as the CSRF secret is the same."""
    people = _sign(look, shown)
    return PageTag(look, people, _sign(people, content, request.META.get("CSRF_COOKIE") or ""))


def _repeated_view(
    held: PageTag | None, shown: str, people: int, *, user: User, site: Site, at: datetime, detail: str
) -> str:
    """The look that the person holds, if it showed the same people and the trail says by now that it was repeated."""
    if held is None or not constant_time_compare(held.people, _sign(held.look, shown)):
        return ""
    again = record_repeated_view(UUID(held.look), people=people, by=user, at=at, site_key=site.pk, detail=detail)
    return held.look if again else ""
