"""Commitments that patients enter: saved immediately, or reviewed by a coordinator if they conflict with a booking.

Until the coordinator decides, nothing changes. A typing error therefore can't cost a patient a booking.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db import transaction

from accounts.audit import record
from accounts.models import Action, User
from patients.models import Commitment, CommitmentProposal, Patient, ProposalAction, ProposalState
from patients.services.availability.commitment_json import values_from_json, values_to_json
from patients.services.availability.commitments import (
    CommitmentValues,
    add_commitment,
    change_commitment,
    check_new_commitment,
    end_or_remove_commitment,
    stop_commitment,
)
from patients.services.availability.week import WeekRow, plan_week_changes
from scheduling.services.availability.booking_conflicts import BookingConflict, booking_conflicts
from scheduling.services.locks import lock_site
from scheduling.services.reasons import ReasonRequired
from timekeeping.busy_times import BusyTime
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class AlreadyDecided(Reason):
    """The proposal or calendar has already been decided on, withdrawn or deleted."""


@dataclass(frozen=True, slots=True)
class PendingProposal:
    """A proposal that waits for a coordinator. It has the proposed commitment and the bookings that conflict with it."""

    proposal: CommitmentProposal
    would_be: Commitment
    conflicts: tuple[BookingConflict, ...]


def unsaved_commitment(values: CommitmentValues, patient: Patient) -> Commitment:
    """Return an unsaved commitment of the patient with these values."""
    return Commitment(pk=0, patient=patient, **vars(values))


def pending_proposals(
    *, patient: Patient, proposals: Sequence[CommitmentProposal], busy: Iterable[BusyTime] = (), now: datetime
) -> tuple[tuple[PendingProposal, ...], tuple[BookingConflict, ...]]:
    """Return the waiting proposals, each with the bookings that conflict with it.

    Also return the bookings that conflict with the `busy` times, because the same query finds them.
    """
    waiting = [each for each in proposals if each.state == ProposalState.WAITING]
    would_be = {f"proposed {each.pk}": unsaved_commitment(values_from_json(each.values), patient) for each in waiting}
    proposed = [replace(each.as_busy_time(site=patient.site), key=key) for key, each in would_be.items()]
    found = booking_conflicts(patient=patient, busy=[*busy, *proposed], now=now)
    return (
        tuple(
            PendingProposal(each, commitment, tuple(conflict for conflict in found if conflict.busy.key == key))
            for each, (key, commitment) in zip(waiting, would_be.items(), strict=True)
        ),
        tuple(conflict for conflict in found if conflict.busy.key not in would_be),
    )


@transaction.atomic
def propose_commitment(*, patient: Patient, values: CommitmentValues, by: User, now: datetime) -> CommitmentProposal:
    """Add a commitment. If it conflicts with a booking, a coordinator has to accept it first.

    Return the proposal, which is saved in either case. Raises Refused if the values are invalid.
    """
    lock_site(patient.site_id)
    refuse_if_any(check_new_commitment(patient, values))
    if _has_new_conflicts(patient, values, None, now):
        return _create_proposal(patient, None, ProposalAction.ADD, values, by, now)
    made = add_commitment(patient=patient, values=values, by=by, now=now)
    return _create_proposal(patient, made, ProposalAction.ADD, values, by, now, state=ProposalState.KEPT)


@transaction.atomic
def propose_change(*, commitment: Commitment, values: CommitmentValues, by: User, now: datetime) -> CommitmentProposal:
    """Change a commitment. If the change adds a conflict with a booking, a coordinator has to accept it first.

    Earlier waiting proposals for the commitment are withdrawn. Return the new proposal, which is saved in either case.
    Raises Refused if the values are invalid.
    """
    patient = commitment.patient
    lock_site(patient.site_id)
    refuse_if_any(check_new_commitment(patient, values))
    _withdraw_pending(commitment, now)
    if _has_new_conflicts(patient, values, commitment, now):
        return _create_proposal(patient, commitment, ProposalAction.CHANGE, values, by, now)
    changed = change_commitment(commitment=commitment, values=values, by=by, now=now)
    return _create_proposal(patient, changed, ProposalAction.CHANGE, values, by, now, state=ProposalState.KEPT)


@transaction.atomic
def propose_end(*, commitment: Commitment, last_day: date | None, by: User, now: datetime) -> CommitmentProposal:
    """End or remove a commitment, as `stop_commitment` does.

    No coordinator has to accept the end, because it can't cause a conflict with a booking.

    Raises Refused if the last day is before the commitment begins.
    """
    patient, label = commitment.patient, commitment.label
    lock_site(patient.site_id)
    _withdraw_pending(commitment, now)
    stop_commitment(commitment=commitment, last_day=last_day, by=by, now=now)
    until = last_day or patient.site.today_at(now) - timedelta(days=1)
    return _create_end_proposal(patient, commitment if commitment.pk else None, label, until, by, now)


@transaction.atomic
def propose_removal(*, commitment: Commitment, by: User, now: datetime) -> CommitmentProposal:
    """End a commitment as of yesterday. A commitment that is on single dates or has not begun is deleted instead.

    No coordinator has to accept the removal, because it can't cause a conflict with a booking.
    """
    patient, label = commitment.patient, commitment.label
    today = patient.site.today_at(now)
    lock_site(patient.site_id)
    _withdraw_pending(commitment, now)
    end_or_remove_commitment(commitment=commitment, today=today, by=by, now=now)
    last_day = today - timedelta(days=1)
    return _create_end_proposal(patient, commitment if commitment.pk else None, label, last_day, by, now)


@transaction.atomic
def propose_week(
    *, patient: Patient, rows: Sequence[WeekRow], by: User, now: datetime
) -> tuple[CommitmentProposal, ...]:
    """Propose every change in an edited week. Each change is saved immediately or waits for a coordinator.

    Raises WeekRefused as `plan_week_changes` does, and saves nothing in that case.
    """
    lock_site(patient.site_id)
    proposals = []
    for change in plan_week_changes(patient=patient, rows=rows, today=patient.site.today_at(now)):
        if change.commitment is None and change.values is not None:
            proposals.append(propose_commitment(patient=patient, values=change.values, by=by, now=now))
        elif change.commitment is not None and change.values is not None:
            proposals.append(propose_change(commitment=change.commitment, values=change.values, by=by, now=now))
        elif change.commitment is not None:
            proposals.append(propose_removal(commitment=change.commitment, by=by, now=now))
    return tuple(proposals)


@transaction.atomic
def accept_proposal(*, proposal: CommitmentProposal, by: User, now: datetime) -> Commitment:
    """Save the proposed commitment. Bookings do not change.

    Raises Refused if the proposal has already been decided on, or if its values are no longer valid.
    """
    proposal = _lock_pending(proposal)
    values = values_from_json(proposal.values)
    if proposal.commitment is None:
        commitment = add_commitment(patient=proposal.patient, values=values, by=by, now=now)
    else:
        commitment = change_commitment(commitment=proposal.commitment, values=values, by=by, now=now)
    proposal.commitment = commitment
    _decide(proposal, ProposalState.ACCEPTED, by, now)
    return commitment


@transaction.atomic
def decline_proposal(*, proposal: CommitmentProposal, reason: str, by: User, now: datetime) -> None:
    """Decline a proposal: the commitments do not change, and the patient sees the reason.

    Raises Refused if the reason is empty, or if the proposal has already been decided on.
    """
    refuse_if_any([] if reason.strip() else [ReasonRequired(is_shown_to_patient=True)])
    proposal = _lock_pending(proposal)
    proposal.reason = reason.strip()
    _decide(proposal, ProposalState.DECLINED, by, now)


@transaction.atomic
def withdraw_proposal(*, proposal: CommitmentProposal, by: User, now: datetime) -> None:
    """Withdraw the patient's own proposal. Raises Refused if it has already been decided on."""
    _decide(_lock_pending(proposal), ProposalState.WITHDRAWN, by, now)


def _has_new_conflicts(
    patient: Patient, values: CommitmentValues, instead_of: Commitment | None, now: datetime
) -> bool:
    """Whether a commitment with these values conflicts with a booking.

    Bookings that already conflict with `instead_of`, the commitment to be replaced, are ignored.
    """
    found = booking_conflicts(
        patient=patient, busy=[unsaved_commitment(values, patient).as_busy_time(site=patient.site)], now=now
    )
    if not found or instead_of is None:
        return bool(found)
    before = booking_conflicts(patient=patient, busy=[instead_of.as_busy_time(site=patient.site)], now=now)
    return bool({conflict.booking.pk for conflict in found} - {conflict.booking.pk for conflict in before})


def _create_proposal(
    patient: Patient,
    commitment: Commitment | None,
    action: ProposalAction,
    values: CommitmentValues,
    by: User,
    now: datetime,
    *,
    state: ProposalState = ProposalState.WAITING,
) -> CommitmentProposal:
    proposal = CommitmentProposal.objects.create(
        patient=patient,
        commitment=commitment,
        action=action,
        label=values.label,
        values=values_to_json(values),
        state=state,
        proposed_at=now,
        decided_at=None if state == ProposalState.WAITING else now,
    )
    record(proposal, by=by, action=Action.CREATED, at=now, detail=f"{action}, {state}")
    return proposal


def _create_end_proposal(
    patient: Patient, commitment: Commitment | None, label: str, last_day: date, by: User, now: datetime
) -> CommitmentProposal:
    proposal = CommitmentProposal.objects.create(
        patient=patient,
        commitment=commitment,
        action=ProposalAction.END,
        label=label,
        last_day=last_day,
        state=ProposalState.KEPT,
        proposed_at=now,
        decided_at=now,
    )
    record(proposal, by=by, action=Action.CREATED, at=now, detail=f"{ProposalAction.END}, {ProposalState.KEPT}")
    return proposal


def _withdraw_pending(commitment: Commitment, now: datetime) -> None:
    """Withdraw the commitment's waiting proposals, because the patient is making a new one."""
    waiting = CommitmentProposal.objects.waiting().filter(commitment=commitment)
    waiting.update(state=ProposalState.WITHDRAWN, decided_at=now)


def _lock_pending(proposal: CommitmentProposal) -> CommitmentProposal:
    """Lock the proposal and its site, and re-read the proposal. Raises Refused if it is no longer waiting."""
    lock_site(proposal.patient.site_id)
    proposals = CommitmentProposal.objects.select_for_update(of=("self",), no_key=True)
    proposal = proposals.select_related("patient__site", "commitment__patient").get(pk=proposal.pk)
    if proposal.state != ProposalState.WAITING:
        raise Refused([AlreadyDecided()])
    return proposal


def _decide(proposal: CommitmentProposal, state: ProposalState, by: User, now: datetime) -> None:
    proposal.state, proposal.decided_at = state, now
    proposal.decided_by = None if state == ProposalState.WITHDRAWN else by
    proposal.save(update_fields=["commitment", "state", "decided_at", "decided_by", "reason"])
    record(proposal, by=by, action=Action.CHANGED, at=now, detail=str(state))
