"""The way in: the front door, and what is used of the sign-in package. Accounts are made by the clinic."""

from django.urls import URLPattern, URLResolver, include, path

from accounts.views import closed, home

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    # These stand before the package's own pages at the same addresses.
    path("accounts/signup/", closed, name="account_signup"),
    path("accounts/email/", closed, name="account_email"),
    path("accounts/confirm-email/", closed, name="account_email_verification_sent"),
    path("accounts/confirm-email/<str:key>/", closed, name="account_confirm_email"),
    path("accounts/password/set/", closed, name="account_set_password"),
    path("accounts/reauthenticate/", closed, name="account_reauthenticate"),
    path("accounts/login/code/confirm/", closed, name="account_confirm_login_code"),
    path("accounts/", include("allauth.account.urls")),
]
