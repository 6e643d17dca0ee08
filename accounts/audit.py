"""Writes the trail: called by the service or view that acts, in the same transaction."""

from collections.abc import Iterable
from datetime import datetime

from django.db import models

from accounts.models import Action, AuditEvent, User


def _event(
    subject: models.Model, *, by: User | None, action: Action, at: datetime, detail: str, reason: str
) -> AuditEvent:
    return AuditEvent(
        at=at,
        actor_key=by.pk if by else None,
        actor_label=(by.signature if by else "iopmanager")[:200],
        action=action,
        subject_kind=subject._meta.model_name or "",
        subject_key=subject.pk,
        subject_label=str(subject)[:200],
        patient_key=getattr(subject, "audit_patient_id", None),
        site_key=getattr(subject, "audit_site_id", None),
        detail=detail,
        reason=reason,
    )


def record(
    subject: models.Model,
    *,
    by: User | None,
    action: Action,
    at: datetime,
    detail: str = "",
    reason: str = "",
) -> AuditEvent:
    """Leaves one event about `subject`, which says by `audit_patient_id` and `audit_site_id` whose record and site it is.

    `by` is None for what the system does on its own. `at` is the instant of the act.
    """
    event = _event(subject, by=by, action=action, at=at, detail=detail, reason=reason)
    event.save(force_insert=True)
    return event


def record_all(
    subjects: Iterable[models.Model],
    *,
    by: User | None,
    action: Action,
    at: datetime,
    detail: str = "",
    reason: str = "",
) -> None:
    """As `record`, for several subjects with one statement."""
    AuditEvent.objects.bulk_create(
        _event(subject, by=by, action=action, at=at, detail=detail, reason=reason) for subject in subjects
    )
