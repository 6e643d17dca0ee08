"""Compress pages on their way to the browser."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compress HTML pages, but not calendars and documents.

    Compression can betray a secret beside text that an attacker chooses. The only secret in a page is the CSRF token, which
    Django masks anew in each response, and Django adds a random number of bytes. Calendar feeds keep their strong ETag.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
