from django.conf import settings
from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from scheduling.views.current_site import site_switch
from scheduling.views.design import design

urlpatterns: list[URLPattern | URLResolver] = [
    path("admin/", admin.site.urls),
    path("site/", site_switch, name="site-switch"),
    path("", include("accounts.urls")),
    path("", include("patients.urls.staff")),
    path("", include("scheduling.urls.staff")),
    path("", include("patients.urls.portal")),
    path("", include("scheduling.urls.portal")),
    path("", include("scheduling.urls.feeds")),
    path("", include("attendance.urls.staff")),
]

if settings.DEBUG or settings.DEPLOYMENT == "test":
    urlpatterns.append(path("design/", design, name="design"))
