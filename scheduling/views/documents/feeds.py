"""Serve the feeds that calendar apps read. These apps can't sign in, so the address of each feed is secret."""

import logging

from django.core.cache import caches
from django.http import HttpRequest, HttpResponse
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from iopmanager import clock
from scheduling.services.documents.feeds import find_feed, hash_token, serve_feed

logger = logging.getLogger(__name__)

HOUR = 60 * 60
MAX_FETCHES_PER_HOUR = 120
"""Limit for one feed. Phones fetch a feed 100 to 200 times a day, so only an app in an endless loop reaches the limit."""
MAX_MISSES_PER_HOUR = 60


@require_safe
def feed(request: HttpRequest, token: str) -> HttpResponse:
    now = clock.now()
    found = find_feed(token)
    if found is not None and _exceeds_limit(f"feed:{hash_token(token)[:32]}", MAX_FETCHES_PER_HOUR):
        return _too_many_requests()
    calendar = serve_feed(feed=found, now=now) if found else None
    if found is None or calendar is None:
        if _exceeds_limit(f"feed-wrong:{request.META.get('REMOTE_ADDR', '')}", MAX_MISSES_PER_HOUR):
            return _too_many_requests()
        return _text_response(_("Calendar not found."), status=404)
    logger.info("calendar %s: read", found.pk)
    answer = get_conditional_response(request, etag=calendar.etag) or HttpResponse(
        calendar.body, content_type="text/calendar; charset=utf-8"
    )
    answer["Content-Disposition"] = 'inline; filename="schedule.ics"'
    answer["ETag"] = calendar.etag
    answer["Cache-Control"] = "private, no-cache"
    answer["X-Robots-Tag"] = "noindex, nofollow, noarchive"
    answer["Referrer-Policy"] = "no-referrer"
    return answer


def _exceeds_limit(key: str, limit: int) -> bool:
    cache = caches["feeds"]
    cache.add(key, 0, HOUR)
    try:
        return cache.incr(key) > limit
    except ValueError:  # the key expired after cache.add()
        return False


def _too_many_requests() -> HttpResponse:
    answer = _text_response(_("Too many requests. Try again in an hour."), status=429)
    answer["Retry-After"] = str(HOUR)
    return answer


def _text_response(text: str, *, status: int) -> HttpResponse:
    """Answer a calendar app in plain text.

    The response sets no cookie and doesn't reveal what is wrong with the address.
    """
    return HttpResponse(text, status=status, content_type="text/plain; charset=utf-8")
