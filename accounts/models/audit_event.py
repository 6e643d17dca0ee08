"""The audit trail: who viewed and did what."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.append_only import AppendOnlyModel
from accounts.models.user import User
from accounts.permissions import GRANTS, Permission


class Action(models.TextChoices):
    VIEWED = "viewed", _("Viewed")
    CREATED = "created", _("Created")
    CHANGED = "changed", _("Changed")
    CORRECTED = "corrected", _("Corrected")
    ENDED = "ended", _("Ended")
    DELETED = "deleted", _("Deleted")
    ENROLLED = "enrolled", _("Enrolled")
    BOOKED = "booked", _("Booked")
    RELEASED = "released", _("Released")
    MARKED = "marked", _("Marked")
    FINALIZED = "finalized", _("Finalized")
    AMENDED = "amended", _("Amended")
    PUBLISHED = "published", _("Published")
    CANCELLED = "cancelled", _("Canceled")
    REVOKED = "revoked", _("Revoked")
    DISCLOSED = "disclosed", _("Disclosed")
    IMPORTED = "imported", _("Imported")
    SIGNED_IN = "signed_in", _("Signed in")
    MERGED = "merged", _("Merged")
    SEPARATED = "separated", _("Separated")


class AuditEventQuerySet(models.QuerySet["AuditEvent"]):
    def about_patient(self, patient_id: int, *absorbed_ids: int) -> "AuditEventQuerySet":
        """Events about the patient's record, and about the records that were merged into it.

        When a page is viewed again, the event of the repeated view does not name the patients. It is found by its `look`,
        which the events of the first view have, too.
        """
        keys = [("patient_key", key) for key in (patient_id, *absorbed_ids)]
        own = self.model.objects.filter(Q(*keys, _connector=Q.OR)).order_by()
        repeated = self.model.objects.filter(patient_key=None, look__in=own.exclude(look=None).values("look"))
        return self.filter(pk__in=own.values("pk").union(repeated.order_by().values("pk")))

    def corrections_of(self, patient_id: int, *absorbed_ids: int) -> "AuditEventQuerySet":
        """Corrections of the patient's episodes and levels of care. Everybody who sees the patient's chart may see them.

        Corrections in the records that were merged into the patient's record are included.
        """
        return self.filter(patient_key__in=[patient_id, *absorbed_ids], action=Action.CORRECTED)

    def visible_to(self, user: User) -> "AuditEventQuerySet":
        """Events at the sites whose audit trail the user may see."""
        granted = [site for role, site in user.assigned_roles if Permission.SEE_TRAIL in GRANTS[role]]
        if None in granted:
            return self
        return self.filter(site_key__in=granted)


class AuditEvent(AppendOnlyModel):
    """An append-only record of one view or action, with its user and time.

    An event refers to other rows by id, without foreign keys, so that those rows can be deleted.
    """

    at = models.DateTimeField(_("time"))
    actor_key = models.BigIntegerField(_("user ID"), null=True, help_text=_("Blank for the system itself."))
    actor_label = models.CharField(_("user"), max_length=200)
    action = models.CharField(_("action"), max_length=20, choices=Action.choices)
    subject_kind = models.CharField(_("kind of record"), max_length=40)
    subject_key = models.BigIntegerField(_("record ID"), null=True)
    subject_label = models.CharField(_("record"), max_length=200)
    patient_key = models.BigIntegerField(_("patient ID"), null=True)
    site_key = models.BigIntegerField(_("site ID"), null=True)
    detail = models.TextField(_("details"), blank=True, help_text=_("What changed, or which page was viewed."))
    reason = models.TextField(_("reason"), blank=True)
    look = models.UUIDField(
        _("page view ID"), null=True, blank=True, help_text=_("The same for all patients on a page.")
    )

    objects = AuditEventQuerySet.as_manager()

    class Meta:
        verbose_name = _("audit event")
        verbose_name_plural = _("audit events")
        ordering = ["-at", "-pk"]
        indexes = [
            models.Index(fields=["patient_key", "-at"], name="audit_by_patient"),
            models.Index(fields=["site_key", "-at"], name="audit_by_site"),
            models.Index(fields=["actor_key", "-at"], name="audit_by_actor"),
            models.Index(fields=["look", "patient_key"], condition=Q(look__isnull=False), name="audit_by_look"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor_label} {self.action} {self.subject_label}"
