from django.db import models
from django.db.models import Q
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import RoleAssignment, User
from accounts.permissions import Permission
from patients.models import Patient
from scheduling.models.site import Room, Site
from scheduling.models.track import Track


class FeedStyle(models.TextChoices):
    """How much the events of a calendar feed reveal."""

    DISCREET = "discreet", _("Neutral title, such as “Appointment”")
    BUSY = "busy", _("“Busy” only")


class FeedQuerySet(models.QuerySet["Feed"]):
    def visible_to(self, user: User) -> "FeedQuerySet":
        """Feeds of the patients, rooms and tracks that the user manages, and the user's own feeds."""
        manages_rooms = Room.objects.filter(user.may_at(Permission.MANAGE_TIMETABLE))
        manages_tracks = Track.objects.filter(user.may_at(Permission.MANAGE_TIMETABLE))
        return self.filter(
            Q(patient__in=Patient.objects.managed_by(user))
            | Q(patient__user=user.pk)
            | Q(facilitator=user.pk)
            | Q(room__in=manages_rooms)
            | Q(track__in=manages_tracks)
        )

    def at_site(self, site: Site) -> "FeedQuerySet":
        """Feeds of the site's patients, rooms and tracks, and of the staff who have a role at the site."""
        staff = RoleAssignment.objects.filter(site=site)
        return self.filter(
            Q(patient__site=site) | Q(room__site=site) | Q(track__site=site) | Q(facilitator__in=staff.values("user"))
        )

    def live(self) -> "FeedQuerySet":
        """Feeds that are not revoked."""
        return self.filter(revoked_at=None)


class Feed(models.Model):
    """A calendar feed that can be revoked. Its token is shown only once; only the hash of the token is stored."""

    patient = models.ForeignKey(
        Patient, on_delete=models.CASCADE, null=True, blank=True, related_name="feeds", verbose_name=_("patient")
    )
    facilitator = models.ForeignKey(
        User, on_delete=models.CASCADE, null=True, blank=True, related_name="feeds", verbose_name=_("staff member")
    )
    room = models.ForeignKey(
        Room, on_delete=models.CASCADE, null=True, blank=True, related_name="feeds", verbose_name=_("room")
    )
    track = models.ForeignKey(
        Track, on_delete=models.CASCADE, null=True, blank=True, related_name="feeds", verbose_name=_("track")
    )
    style = models.CharField(_("shows"), max_length=10, choices=FeedStyle.choices, default=FeedStyle.DISCREET)
    label = models.CharField(
        _("name"), max_length=60, blank=True, help_text=_("Where the link is used, for example my phone.")
    )
    token_hash = models.CharField(_("token hash"), max_length=64, unique=True, editable=False)
    uid_key = models.CharField(
        _("key of the entries' IDs"),
        max_length=64,
        editable=False,
        help_text=_("Entries' IDs are derived from this key."),
    )
    body = models.TextField(_("content"), blank=True, editable=False)
    etag = models.CharField(_("version"), max_length=70, blank=True, editable=False)
    rendered_at = models.DateTimeField(_("written"), null=True, blank=True, editable=False)
    stale_at = models.DateTimeField(
        _("out of date since"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("Set when something in the calendar changes."),
    )
    last_fetched_at = models.DateTimeField(_("last opened"), null=True, blank=True, editable=False)
    revoked_at = models.DateTimeField(_("turned off"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), editable=False)
    created_by = models.ForeignKey(
        User, on_delete=models.PROTECT, related_name="+", editable=False, verbose_name=_("created by")
    )

    objects = FeedQuerySet.as_manager()

    class Meta:
        verbose_name = _("calendar link")
        verbose_name_plural = _("calendar links")
        ordering = ["-created_at", "-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(patient__isnull=False, facilitator=None, room=None, track=None)
                | Q(patient=None, facilitator__isnull=False, room=None, track=None)
                | Q(patient=None, facilitator=None, room__isnull=False, track=None)
                | Q(patient=None, facilitator=None, room=None, track__isnull=False),
                name="feed_is_of_one_subject",
            ),
            models.CheckConstraint(condition=Q(style__in=FeedStyle.values), name="feed_style_is_known"),
        ]

    def __str__(self) -> str:
        return self.label or gettext("Calendar link %(number)s") % {"number": self.pk}

    @property
    def audit_patient_id(self) -> int | None:
        return self.patient_id

    @property
    def audit_site_id(self) -> int | None:
        if self.patient is not None:
            return self.patient.site_id
        subject = self.room or self.track
        return subject.site_id if subject else None
