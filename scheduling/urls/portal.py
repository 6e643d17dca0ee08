from django.urls import URLPattern, URLResolver, path

from scheduling.views.documents import calendar_links
from scheduling.views.portal import account, consents, schedule, shared

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/", schedule.portal_home, name="portal-home"),
    path("me/week/", schedule.portal_week, name="portal-week"),
    path("me/calendar/", calendar_links.portal_calendar, name="portal-calendar"),
    path("me/calendar/<int:feed_id>/revoke/", calendar_links.portal_feed_revoke, name="portal-feed-revoke"),
    path("me/consents/", consents.portal_consents, name="portal-consents"),
    path(
        "me/consents/<int:consent_id>/revoke/",
        consents.portal_consent_revoke,
        name="portal-consent-revoke",
    ),
    path("shared/", shared.shared_schedules, name="shared-schedules"),
    path("shared/<int:patient_id>/", shared.shared_schedule, name="shared-schedule"),
    path("me/account/", account.portal_account, name="portal-account"),
]
