from django.core.serializers.json import DjangoJSONEncoder
from django.db import models
from django.db.models import F, Q
from django.utils.formats import date_format
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from accounts.permissions import Permission
from patients.models.patient import Patient

REASON_MAX_LENGTH = 200


class PatientMergeQuerySet(models.QuerySet["PatientMerge"]):
    def managed_by(self, user: User) -> "PatientMergeQuerySet":
        """Merges of records that the user may change."""
        return self.filter(kept__in=Patient.all_records.filter(user.may_at(Permission.MANAGE_PATIENTS)))

    def in_force(self) -> "PatientMergeQuerySet":
        """Merges that have not been taken back."""
        return self.filter(taken_back_at=None)


class PatientMerge(models.Model):
    """A merge of two records of the same person: `absorbed` was merged into `kept`.

    The other fields have what is needed to take the merge back. `moved` maps the label of each model to the ids of the
    rows that moved to the kept record. `changed` has earlier values of moved rows that had to be changed, too.
    `details_before` and `details_after` have the personal details of both records.
    """

    kept = models.ForeignKey(Patient, on_delete=models.PROTECT, related_name="merges", verbose_name=_("kept record"))
    absorbed = models.ForeignKey(
        Patient, on_delete=models.PROTECT, related_name="merged_as", verbose_name=_("absorbed record")
    )
    at = models.DateTimeField(_("merged"))
    by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("merged by"))
    reason = models.CharField(_("reason"), max_length=REASON_MAX_LENGTH)
    moved = models.JSONField(_("moved rows"), default=dict)
    changed = models.JSONField(_("changed rows"), default=dict)
    details_before = models.JSONField(_("details before"), default=dict, encoder=DjangoJSONEncoder)
    details_after = models.JSONField(_("details after"), default=dict, encoder=DjangoJSONEncoder)
    taken_back_at = models.DateTimeField(_("taken back"), null=True, blank=True)
    taken_back_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken back by")
    )
    taken_back_reason = models.CharField(_("reason for taking back"), max_length=REASON_MAX_LENGTH, blank=True)

    objects = PatientMergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of records")
        verbose_name_plural = _("merges of records")
        ordering = ["kept", "-at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=~Q(kept=F("absorbed")), name="merge_has_two_records"),
            models.CheckConstraint(condition=~Q(reason=""), name="merge_has_a_reason"),
            models.CheckConstraint(
                condition=Q(taken_back_at=None, taken_back_by=None, taken_back_reason="")
                | Q(taken_back_at__isnull=False, taken_back_by__isnull=False) & ~Q(taken_back_reason=""),
                name="merge_is_taken_back_by_somebody_for_a_reason",
            ),
            models.UniqueConstraint(
                "absorbed", condition=Q(taken_back_at=None), name="record_is_merged_into_one_record"
            ),
        ]

    def __str__(self) -> str:
        return gettext("%(absorbed)s merged into %(kept)s on %(date)s") % {
            "absorbed": self.absorbed.code,
            "kept": self.kept.code,
            "date": date_format(self.at),
        }

    @property
    def audit_patient_id(self) -> int:
        return self.kept_id

    @property
    def audit_site_id(self) -> int:
        return self.kept.site_id
