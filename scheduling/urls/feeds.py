from django.urls import URLPattern, URLResolver, path

from scheduling.views.documents.feeds import feed

urlpatterns: list[URLPattern | URLResolver] = [
    path("c/<str:token>/schedule.ics", feed, name="feed"),
]
