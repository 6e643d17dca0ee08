from django.urls import URLPattern, URLResolver, path

from patients.views.portal import calendar_files, commitments

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/life/", commitments.portal_commitments, name="portal-commitments"),
    path("me/life/new/", commitments.portal_commitment_new, name="portal-commitment-new"),
    path("me/life/week/", commitments.portal_commitment_week, name="portal-commitment-week"),
    path("me/life/<int:commitment_id>/edit/", commitments.portal_commitment_edit, name="portal-commitment-edit"),
    path("me/life/<int:commitment_id>/end/", commitments.portal_commitment_end, name="portal-commitment-end"),
    path("me/life/file/new/", calendar_files.portal_calendar_file_new, name="portal-calendar-file-new"),
    path("me/life/file/<int:calendar_id>/", calendar_files.portal_calendar_file, name="portal-calendar-file"),
    path(
        "me/life/file/<int:calendar_id>/remove/",
        calendar_files.portal_calendar_file_remove,
        name="portal-calendar-file-remove",
    ),
    path(
        "me/life/asked/<int:proposal_id>/withdraw/",
        commitments.portal_proposal_withdraw,
        name="portal-proposal-withdraw",
    ),
]
