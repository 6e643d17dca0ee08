from django.urls import URLPattern, URLResolver, path

from patients.views import portal, portal_calendar_files

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/life/", portal.portal_life, name="portal-life"),
    path("me/life/new/", portal.portal_life_new, name="portal-life-new"),
    path("me/life/week/", portal.portal_life_week, name="portal-life-week"),
    path("me/life/<int:commitment_id>/edit/", portal.portal_life_edit, name="portal-life-edit"),
    path("me/life/<int:commitment_id>/end/", portal.portal_life_end, name="portal-life-end"),
    path("me/life/file/new/", portal_calendar_files.portal_file_new, name="portal-file-new"),
    path("me/life/file/<int:calendar_id>/", portal_calendar_files.portal_file, name="portal-file"),
    path("me/life/file/<int:calendar_id>/remove/", portal_calendar_files.portal_file_remove, name="portal-file-remove"),
    path("me/life/asked/<int:proposal_id>/withdraw/", portal.portal_proposal_withdraw, name="portal-proposal-withdraw"),
]
