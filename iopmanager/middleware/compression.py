"""Compress pages on their way to the browser."""

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.middleware.gzip import GZipMiddleware


class PageCompressionMiddleware(GZipMiddleware):
    """Compress HTML pages, but not calendars and documents.

    Compressing a secret together with text that an attacker chose can reveal the secret. The only secret in a page is
    the CSRF token. Django protects the token in two ways: it masks the token anew in each response, and it adds a
    random number of bytes to each compressed page. Calendar feeds are not compressed, so their ETags stay strong.
    """

    def process_response(self, request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
        if not response.headers.get("Content-Type", "").startswith("text/html"):
            return response
        return super().process_response(request, response)
