from django.urls import URLPattern, URLResolver, path

from scheduling.views import calendars, portal, portal_consents

urlpatterns: list[URLPattern | URLResolver] = [
    path("me/", portal.portal_home, name="portal-home"),
    path("me/week/", portal.portal_week, name="portal-week"),
    path("me/calendar/", calendars.portal_calendar, name="portal-calendar"),
    path("me/calendar/<int:feed_id>/revoke/", calendars.portal_feed_revoke, name="portal-feed-revoke"),
    path("me/consents/", portal_consents.portal_consents, name="portal-consents"),
    path(
        "me/consents/<int:consent_id>/revoke/",
        portal_consents.portal_consent_revoke,
        name="portal-consent-revoke",
    ),
    path("me/account/", portal.portal_account, name="portal-account"),
]
