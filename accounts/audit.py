"""Write the audit trail. An action and its audit event are saved in the same transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, models
from django.utils.translation import override

from accounts.models import Action, AuditEvent, User

EVENT_FIELDS = {field.name: field for field in AuditEvent._meta.concrete_fields if not field.primary_key}


def _event(
    subject: models.Model, *, by: User | None, action: Action, at: datetime, detail: str, reason: str
) -> AuditEvent:
    with override(settings.LANGUAGE_CODE):  # the language of the audit trail does not depend on the user
        subject_label = str(subject)
    return AuditEvent(
        at=at,
        actor_key=by.pk if by else None,
        actor_label=(by.signature if by else "iopmanager")[:200],
        action=action,
        subject_kind=subject._meta.model_name or "",
        subject_key=subject.pk,
        subject_label=subject_label[:200],
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
    """Write one audit event about `subject`, and return the event.

    If `subject` has the attributes `audit_patient_id` and `audit_site_id`, the event stores them as its patient and its
    site. `by` is None for actions of the system itself. `at` is the time of the action.
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
    """Write one audit event for each subject, all in a single statement. The other parameters are as in `record`."""
    AuditEvent.objects.bulk_create(
        _event(subject, by=by, action=action, at=at, detail=detail, reason=reason) for subject in subjects
    )


def record_views(people: Mapping[int, str], *, by: User, at: datetime, site_key: int, detail: str) -> UUID:
    """Write a VIEWED event for each patient shown in one page view, and return the view id that these events share.

    `people` maps patient ids to names. A page can show hundreds of patients, so a single statement writes all events
    without creating model instances.
    """
    view_id = uuid4()
    rows = ", ".join(["(%s, %s)"] * len(people))
    _insert_events(
        f"(VALUES {rows}) AS people",
        [part for key, name in people.items() for part in (key, name[:200])],
        _view_event(view_id, by=by, at=at, site_key=site_key, detail=detail),
        {"subject_key": "column1", "subject_label": "column2", "patient_key": "column1"},
    )
    return view_id


def record_repeated_view(look: UUID, *, people: int, by: User, at: datetime, site_key: int, detail: str) -> bool:
    """Write one event for a page view with the same patients as an earlier view. Return whether the event was written.

    `look` is the view id that `record_views` returned for the earlier view. `people` is the number of patients. If the
    user has no event with this view id, nothing is written.
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


def _insert_events(
    source: str, source_values: Sequence[Any], event: AuditEvent, source_columns: Mapping[str, str]
) -> int:
    """Insert a copy of the event for each row of the SQL expression `source`, and return the number of copies.

    `source_columns` maps names of event fields to columns of the source. In each copy, these event fields have the
    values from the source.
    """
    columns = ", ".join(f'"{field.column}"' for field in EVENT_FIELDS.values())
    values = ", ".join(source_columns.get(name, "%s") for name in EVENT_FIELDS)
    event_values = [_db_value(event, name) for name in EVENT_FIELDS if name not in source_columns]
    with connection.cursor() as cursor:
        cursor.execute(
            f'INSERT INTO "{AuditEvent._meta.db_table}" ({columns}) SELECT {values} FROM {source}',
            [*event_values, *source_values],
        )
        return int(cursor.rowcount)


def _db_value(event: AuditEvent, name: str) -> Any:
    return EVENT_FIELDS[name].get_db_prep_save(getattr(event, EVENT_FIELDS[name].attname), connection)
