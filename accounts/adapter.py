from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest


class ClosedSignupAdapter(DefaultAccountAdapter):
    """Account adapter that disables public sign-up, because only the clinic creates accounts."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False
