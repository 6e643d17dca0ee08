from datetime import datetime, timedelta

from django.db import models
from django.db.models import Q

from accounts.models import User
from patients.models.commitment import Commitment
from patients.models.patient import Patient

KEPT_SHOWN_FOR = timedelta(days=14)
"""How long the chart shows a patient's changes that were saved without a decision (product rule)."""
DECLINED_SHOWN_FOR = timedelta(days=30)
"""How long a patient sees that a proposal was declined, and why (product rule)."""


class ProposalAction(models.TextChoices):
    ADD = "add", "Add"
    CHANGE = "change", "Change"
    END = "end", "End"


class ProposalState(models.TextChoices):
    """The state of a proposal. KEPT means saved at once, because the change conflicts with no booking."""

    WAITING = "waiting", "Waiting"
    KEPT = "kept", "Kept at once"
    ACCEPTED = "accepted", "Accepted"
    DECLINED = "declined", "Declined"
    WITHDRAWN = "withdrawn", "Withdrawn"


class ProposalQuerySet(models.QuerySet["CommitmentProposal"]):
    def visible_to(self, user: User) -> "ProposalQuerySet":
        """Proposals of the patients whose commitments the user may see, and the user's own."""
        return self.filter(patient__in=Patient.objects.with_commitments_visible_to(user))

    def waiting(self) -> "ProposalQuerySet":
        """Proposals that wait for a coordinator's decision."""
        return self.filter(state=ProposalState.WAITING)

    def shown_to_staff(self, now: datetime) -> "ProposalQuerySet":
        """Proposals that wait for a decision, and those that were recently saved without one."""
        recent = Q(state=ProposalState.KEPT, proposed_at__gt=now - KEPT_SHOWN_FOR)
        return self.filter(Q(state=ProposalState.WAITING) | recent)

    def shown_to_patient(self, now: datetime) -> "ProposalQuerySet":
        """Proposals that wait for a decision, and those that were recently declined."""
        recent = Q(state=ProposalState.DECLINED, decided_at__gt=now - DECLINED_SHOWN_FOR)
        return self.filter(Q(state=ProposalState.WAITING) | recent)


class CommitmentProposal(models.Model):
    """A change that a patient made or proposed to their own commitments: to add, change or end one.

    `values` are the new values of the commitment, converted by `patients.services.availability.commitment_json`. A proposal
    to end a commitment has `last_day` instead.
    """

    patient = models.ForeignKey(Patient, on_delete=models.CASCADE, related_name="proposals")
    commitment = models.ForeignKey(
        Commitment,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="proposals",
        help_text="What is to change or end, or what was added.",
    )
    action = models.CharField(max_length=10, choices=ProposalAction.choices)
    label = models.CharField(max_length=80, help_text="What the commitment is called.")
    values = models.JSONField(default=dict, blank=True)
    last_day = models.DateField(null=True, blank=True)
    state = models.CharField(max_length=10, choices=ProposalState.choices, default=ProposalState.WAITING)
    proposed_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        help_text="Who accepted or declined it.",
    )
    reason = models.CharField(max_length=200, blank=True, help_text="Why it was declined; the patient reads it.")

    objects = ProposalQuerySet.as_manager()

    class Meta:
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

    @property
    def audit_patient_id(self) -> int:
        return self.patient_id

    @property
    def audit_site_id(self) -> int:
        return self.patient.site_id
