from allauth.account import views as account_views
from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path
from django.views.generic import RedirectView

from accounts.views import admin_sign_in
from scheduling.views.current_site import site_switch
from scheduling.views.design import design
from scheduling.views.own_sign_ins import end_own_sign_ins, own_sign_ins, sign_in_state, signed_in_again

handler500 = "iopmanager.middleware.database_failures.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    # Django's own forms accept any number of guesses at a password, so the admin uses the product's forms.
    path("admin/login/", admin_sign_in),
    path("admin/logout/", account_views.logout),
    path("admin/password_change/", RedirectView.as_view(pattern_name="account_change_password")),
    path("admin/", admin.site.urls),
    path("site/", site_switch, name="site-switch"),
    path("sign-ins/", own_sign_ins, name="account-sign-ins"),
    path("sign-ins/end/", end_own_sign_ins, name="account-sign-ins-end"),
    path("sign-ins/again/", signed_in_again, name="account-signed-in-again"),
    path("sign-ins/state/", sign_in_state, name="account-sign-in-state"),
    path("", include("accounts.urls")),
    path("", include("patients.urls.staff")),
    path("", include("scheduling.urls.staff")),
    path("", include("patients.urls.portal")),
    path("", include("scheduling.urls.portal")),
    path("", include("scheduling.urls.feeds")),
    path("", include("attendance.urls.staff")),
    path("", include("clinic_import.urls")),
]

if settings.DEBUG or settings.DEPLOYMENT == "test":
    urlpatterns.append(path("design/", design, name="design"))
