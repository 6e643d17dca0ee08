from django.urls import URLPattern, URLResolver, path

from patients.views.portal import calendar_files, commitments

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/life/", commitments.portal_life, name="portal-life"),
    path("me/life/new/", commitments.portal_life_new, name="portal-life-new"),
    path("me/life/week/", commitments.portal_life_week, name="portal-life-week"),
    path("me/life/<int:commitment_id>/edit/", commitments.portal_life_edit, name="portal-life-edit"),
    path("me/life/<int:commitment_id>/end/", commitments.portal_life_end, name="portal-life-end"),
    path("me/life/file/new/", calendar_files.portal_file_new, name="portal-file-new"),
    path("me/life/file/<int:calendar_id>/", calendar_files.portal_file, name="portal-file"),
    path("me/life/file/<int:calendar_id>/remove/", calendar_files.portal_file_remove, name="portal-file-remove"),
    path(
        "me/life/asked/<int:proposal_id>/withdraw/",
        commitments.portal_proposal_withdraw,
        name="portal-proposal-withdraw",
    ),
]
