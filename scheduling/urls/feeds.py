"""URLs with a secret token, which anyone who has the token may open: calendar feeds and invitations."""

from django.urls import URLPattern, URLResolver, path

from scheduling.views.administration.join import join
from scheduling.views.documents.feeds import feed

urlpatterns: list[URLPattern | URLResolver] = [
    path("c/<str:token>/schedule.ics", feed, name="feed"),
    path("join/<str:token>/", join, name="join"),
]
