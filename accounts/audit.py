"""Writes the trail: called by the service or view that acts, in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.db import connection, models

from accounts.models import Action, AuditEvent, User

EVENT_FIELDS = {field.name: field for field in AuditEvent._meta.concrete_fields if not field.primary_key}


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


def record_views(people: Mapping[int, str], *, by: User, at: datetime, site_key: int, detail: str) -> UUID:
    """Leaves one event for each patient (id and name) whom one look at a page of the site shows.

    One statement writes them without a model for each: a page can show hundreds. Answers what the look is known by.
    """
    look = uuid4()
    rows = ", ".join(["(%s, %s)"] * len(people))
    _insert_events(
        f"(VALUES {rows}) AS people",
        [part for key, name in people.items() for part in (key, name[:200])],
        _view_event(look, by=by, at=at, site_key=site_key, detail=detail),
        {"subject_key": "column1", "subject_label": "column2", "patient_key": "column1"},
    )
    return look


def record_repeated_view(look: UUID, *, people: int, by: User, at: datetime, site_key: int, detail: str) -> bool:
    """Leaves one event which says that the person saw the same number of `people` again, whom their earlier look names.

    Leaves none, and answers False, unless the trail holds that look of theirs: a repetition never points at nothing.
    """
    event = _view_event(look, by=by, at=at, site_key=site_key, detail=f"{detail}, the same again")
    event.subject_label = f"{people} patients" if people != 1 else "1 patient"
    table = AuditEvent._meta.db_table
    earlier = f'(SELECT actor_key AS whose FROM "{table}" WHERE look = %s LIMIT 1) AS earlier WHERE whose = %s'
    return _insert_events(earlier, [_db_value(event, "look"), by.pk], event, {}) == 1


def _view_event(look: UUID, *, by: User, at: datetime, site_key: int, detail: str) -> AuditEvent:
    return AuditEvent(
        at=at,
        actor_key=by.pk,
        actor_label=by.signature[:200],
        action=Action.VIEWED,
        subject_kind="patient",
        site_key=site_key,
        detail=detail,
        look=look,
    )


def _insert_events(source: str, given: Sequence[Any], event: AuditEvent, taken: Mapping[str, str]) -> int:
    """Writes the event once for each row of the source, with these columns `taken` from the row; answers how often."""
    columns = ", ".join(f'"{field.column}"' for field in EVENT_FIELDS.values())
    values = ", ".join(taken.get(name, "%s") for name in EVENT_FIELDS)
    stated = [_db_value(event, name) for name in EVENT_FIELDS if name not in taken]
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{AuditEvent._meta.db_table}" ({columns}) SELECT {values} FROM {source}', [*stated, *given]
        )
        return int(cursor.rowcount)


def _db_value(event: AuditEvent, name: str) -> Any:
    return EVENT_FIELDS[name].get_db_prep_save(getattr(event, EVENT_FIELDS[name].attname), connection)
