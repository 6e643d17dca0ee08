from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from patients.models.audited import OfPatient
from patients.models.commitment import Commitment
from patients.models.patient import Patient

KEPT_SHOWN_FOR = timedelta(days=14)
"""How long the chart shows a patient's change that was saved without a decision by the clinic (product rule)."""
DECLINED_SHOWN_FOR = timedelta(days=30)
"""How long a patient sees a declined proposal and the reason for declining it (product rule)."""


class ProposalAction(models.TextChoices):
    ADD = "add", _("Add")
    CHANGE = "change", _("Change")
    END = "end", _("End")


class ProposalState(models.TextChoices):
    """The state of a proposal. KEPT means that the change was saved immediately because it conflicts with no booking."""

    WAITING = "waiting", _("Waiting for review")
    KEPT = "kept", _("Saved right away")
    ACCEPTED = "accepted", _("Accepted")
    DECLINED = "declined", _("Declined")
    WITHDRAWN = "withdrawn", _("Withdrawn")


class ProposalQuerySet(models.QuerySet["CommitmentProposal"]):
    def visible_to(self, user: User) -> "ProposalQuerySet":
        """Proposals of the patients whose commitments the user may see, and the user's own proposals."""
        return self.filter(patient__in=Patient.objects.with_commitments_visible_to(user))

    def waiting(self) -> "ProposalQuerySet":
        """Proposals that wait for a coordinator's decision."""
        return self.filter(state=ProposalState.WAITING)

    def shown_to_staff(self, now: datetime) -> "ProposalQuerySet":
        """Proposals that wait for a decision, and recent proposals that were saved immediately."""
        recent = Q(state=ProposalState.KEPT, proposed_at__gt=now - KEPT_SHOWN_FOR)
        return self.filter(Q(state=ProposalState.WAITING) | recent)

    def shown_to_patient(self, now: datetime) -> "ProposalQuerySet":
        """Proposals that wait for a decision, and proposals that were recently declined."""
        recent = Q(state=ProposalState.DECLINED, decided_at__gt=now - DECLINED_SHOWN_FOR)
        return self.filter(Q(state=ProposalState.WAITING) | recent)


class CommitmentProposal(OfPatient, models.Model):
    """A patient's proposal to add, change or end one of their own commitments. Some proposals are saved immediately.

    `values` are the new values of the commitment, converted by `patients.services.availability.commitment_json`. A proposal
    to end a commitment has `last_day` instead.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="proposals", verbose_name=_("patient"))
    commitment = models.ForeignKey(
        Commitment,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="proposals",
        help_text=_("The commitment to change or end, or the one that was added."),
        verbose_name=_("commitment"),
    )
    action = models.CharField(_("action"), max_length=10, choices=ProposalAction.choices)
    label = models.CharField(_("name"), max_length=80, help_text=_("Name of the commitment."))
    values = models.JSONField(_("new values"), default=dict, blank=True)
    last_day = models.DateField(_("last day"), null=True, blank=True)
    state = models.CharField(_("status"), max_length=10, choices=ProposalState.choices, default=ProposalState.WAITING)
    proposed_at = models.DateTimeField(_("sent"))
    decided_at = models.DateTimeField(_("decided"), null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text=_("The person who accepted or declined the request."),
        verbose_name=_("decided by"),
    )
    reason = models.CharField(
        _("reason declined"), max_length=200, blank=True, help_text=_("The patient can read this.")
    )

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("commitment request")
        verbose_name_plural = _("commitment requests")
        ordering = ["-proposed_at", "-pk"]
        constraints = [
            models.CheckConstraint(condition=Q(action__in=ProposalAction.values), name="proposal_action_is_known"),
            models.CheckConstraint(condition=Q(state__in=ProposalState.values), name="proposal_state_is_known"),
            models.CheckConstraint(
                condition=Q(state=ProposalState.WAITING, decided_at=None)
                | ~Q(state=ProposalState.WAITING) & Q(decided_at__isnull=False),
                name="proposal_waits_until_it_is_decided",
            ),
            models.CheckConstraint(
                condition=Q(state=ProposalState.DECLINED) & ~Q(reason="")
                | ~Q(state=ProposalState.DECLINED) & Q(reason=""),
                name="proposal_is_declined_for_a_reason",
            ),
            models.CheckConstraint(
                condition=~Q(state=ProposalState.WAITING)
                | Q(action=ProposalAction.ADD, commitment=None)
                | ~Q(action=ProposalAction.ADD) & Q(commitment__isnull=False),
                name="proposal_that_waits_adds_or_is_about_a_commitment",
            ),
            models.CheckConstraint(
                condition=Q(action=ProposalAction.END, last_day__isnull=False)
                | ~Q(action=ProposalAction.END) & Q(last_day=None),
                name="proposal_ends_with_a_last_day",
            ),
            models.UniqueConstraint(
                "commitment",
                condition=Q(state=ProposalState.WAITING),
                name="commitment_has_one_proposal_that_waits",
            ),
        ]

    def __str__(self) -> str:
        return self.label
