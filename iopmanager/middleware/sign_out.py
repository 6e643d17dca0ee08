"""Leave nothing to see in the browser after a user has signed out."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_cache_control

from iopmanager.middleware.reader import signed_in_user


class SignOutMiddleware:
    """Keep the pages of signed-in users out of caches, and empty the browser's cache at sign-out.

    Without this, the browser's Back button would show patients' records to the next person at the computer. Responses
    that set their own Cache-Control header keep it.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        was_signed_in = signed_in_user(request) is not None
        response = self.get_response(request)
        if was_signed_in and "Cache-Control" not in response.headers:
            patch_cache_control(response, private=True, no_store=True)
        if was_signed_in and not request.user.is_authenticated:
            # this also makes browsers drop the pages that they keep in memory for the Back button
            response.headers["Clear-Site-Data"] = '"cache"'
        return response
