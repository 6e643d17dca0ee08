"""URLs of the home page and of the django-allauth pages in use. There is no sign-up: the clinic creates accounts."""

from allauth.account import views
from django.urls import URLPattern, URLResolver, path, re_path

from accounts.views import accessibility, disabled_page, home, sign_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("accessibility/", accessibility, name="accessibility"),
    path("accounts/login/", sign_in, name="account_login"),
    path("accounts/logout/", views.logout, name="account_logout"),
    path("accounts/inactive/", views.account_inactive, name="account_inactive"),
    path("accounts/password/change/", views.password_change, name="account_change_password"),
    path("accounts/password/reset/", views.password_reset, name="account_reset_password"),
    path("accounts/password/reset/done/", views.password_reset_done, name="account_reset_password_done"),
    re_path(
        r"^accounts/password/reset/key/(?P<uidb36>[0-9A-Za-z]+)-(?P<key>.+)/$",
        views.password_reset_from_key,
        name="account_reset_password_from_key",
    ),
    path(
        "accounts/password/reset/key/done/",
        views.password_reset_from_key_done,
        name="account_reset_password_from_key_done",
    ),
    # django-allauth needs these URL names to exist. This product does not offer the pages.
    path("accounts/signup/", disabled_page, name="account_signup"),
    path("accounts/email/", disabled_page, name="account_email"),
    path("accounts/confirm-email/", disabled_page, name="account_email_verification_sent"),
    path("accounts/confirm-email/<str:key>/", disabled_page, name="account_confirm_email"),
    path("accounts/password/set/", disabled_page, name="account_set_password"),
    path("accounts/reauthenticate/", disabled_page, name="account_reauthenticate"),
    path("accounts/login/code/confirm/", disabled_page, name="account_confirm_login_code"),
]
