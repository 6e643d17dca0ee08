"""URLs of the home page and of the django-allauth pages in use. There is no sign-up: the clinic creates accounts."""

from allauth.account import views
from allauth.mfa.base import views as factor_views
from allauth.mfa.recovery_codes import views as recovery_code_views
from allauth.mfa.totp import views as app_views
from allauth.mfa.webauthn import views as passkey_views
from django.contrib.auth.decorators import login_required
from django.urls import URLPattern, URLResolver, path, re_path
from django.views.generic import RedirectView

from accounts.code_views import ask_for_code, type_code
from accounts.views import accessibility, confirm_with_passkey, disabled_page, home, sign_in

urlpatterns: list[URLPattern | URLResolver] = [
    path("", home, name="home"),
    path("accessibility/", accessibility, name="accessibility"),
    path("accounts/login/", sign_in, name="account_login"),
    path("accounts/login/code/", ask_for_code, name="account_request_login_code"),
    path("accounts/login/code/confirm/", type_code, name="account_confirm_login_code"),
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
    path("accounts/confirm/", views.reauthenticate, name="account_reauthenticate"),
    path("accounts/two-step/", factor_views.index, name="mfa_index"),
    path("accounts/two-step/sign-in/", factor_views.authenticate, name="mfa_authenticate"),
    path("accounts/two-step/confirm/", factor_views.reauthenticate, name="mfa_reauthenticate"),
    path(
        "accounts/two-step/passkeys/",
        login_required(RedirectView.as_view(pattern_name="mfa_index")),
        name="mfa_list_webauthn",
    ),
    path("accounts/two-step/passkeys/add/", passkey_views.add_webauthn, name="mfa_add_webauthn"),
    path("accounts/two-step/passkeys/<int:pk>/", passkey_views.edit_webauthn, name="mfa_edit_webauthn"),
    path("accounts/two-step/passkeys/<int:pk>/remove/", passkey_views.remove_webauthn, name="mfa_remove_webauthn"),
    path("accounts/two-step/passkeys/sign-in/", passkey_views.login_webauthn, name="mfa_login_webauthn"),
    path("accounts/two-step/passkeys/confirm/", confirm_with_passkey, name="mfa_reauthenticate_webauthn"),
    path("accounts/two-step/app/", app_views.activate_totp, name="mfa_activate_totp"),
    path("accounts/two-step/app/remove/", app_views.deactivate_totp, name="mfa_deactivate_totp"),
    path("accounts/two-step/codes/", recovery_code_views.view_recovery_codes, name="mfa_view_recovery_codes"),
    path(
        "accounts/two-step/codes/new/", recovery_code_views.generate_recovery_codes, name="mfa_generate_recovery_codes"
    ),
    # django-allauth needs these URL names to exist. This product does not offer the pages.
    path("accounts/signup/", disabled_page, name="account_signup"),
    path("accounts/email/", disabled_page, name="account_email"),
    path("accounts/confirm-email/", disabled_page, name="account_email_verification_sent"),
    path("accounts/confirm-email/<str:key>/", disabled_page, name="account_confirm_email"),
    path("accounts/password/set/", disabled_page, name="account_set_password"),
]
