"""Merge two records of the same person. The merge is planned first, and is done only if the plan is still the same."""

import hashlib
import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.exceptions import PermissionDenied
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction
from django.db.models import F

from accounts.audit import record
from accounts.models import Action, Invitation, User
from accounts.permissions import Permission
from accounts.services.first_run import lock_users
from patients.absorbed_records import columns_of_patients
from patients.models import Commitment, Patient, PatientMerge, Place
from patients.services.record.codes import lock_codes
from scheduling.models import Feed, Site
from scheduling.services.locks import lock_site
from scheduling.services.reasons import ReasonRequired
from scheduling.services.record.merge_checks import reasons_against_merge, site_after_merge
from scheduling.services.record.merge_rows import (
    AFTER_OWN_CONTACTS,
    CONTACTS,
    DETAILS,
    RowsToMove,
    contact_texts,
    rows_to_move,
    takes_sign_in,
)
from timekeeping.reasons import Reason, Refused, refuse_if_any


@dataclass(frozen=True, slots=True)
class AlreadyMerged(Reason):
    """The record was merged into the record with the code `into`, for example by a colleague a moment ago."""

    merged: str
    into: str


@dataclass(frozen=True, slots=True)
class RecordsChanged(Reason):
    """One of the records has changed since the user saw what the merge does."""


@dataclass(frozen=True, slots=True)
class Difference:
    """A detail in which the records differ. `takes_other` is whether the absorbed record's value is the better guess."""

    name: str
    label: str
    kept: Any
    absorbed: Any
    takes_other: bool


@dataclass(frozen=True, kw_only=True)
class MergePlan:
    """What a merge would do, and the `reasons` against it. `site` is the site of the merged record."""

    kept: Patient
    absorbed: Patient
    site: Site
    rows: RowsToMove
    reasons: Sequence[Reason]

    @property
    def differences(self) -> list[Difference]:
        """The details in which the records differ. An empty value of the kept record gives way to the other value."""
        pairs = ((each, getattr(self.kept, each.attname), getattr(self.absorbed, each.attname)) for each in DETAILS)
        return [
            Difference(each.name, str(each.verbose_name), one, other, takes_other=bool(other) and not one)
            for each, one, other in pairs
            if one != other
        ]

    @property
    def takes_sign_in(self) -> bool:
        """Whether the merged record has the sign-in of the absorbed record."""
        return takes_sign_in(self.kept, self.absorbed)

    @property
    def key(self) -> str:
        """A hash of the plan and of the details of both records. It shows whether one of them has changed."""
        rows = vars(self.rows) | {"same_commitments": [each.pk for each in self.rows.same_commitments]}
        everything = [rows, self.site.pk, self.takes_sign_in, *map(details_of, (self.kept, self.absorbed))]
        text = json.dumps(everything, cls=DjangoJSONEncoder, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:32]


def details_of(patient: Patient) -> dict[str, Any]:
    """Return the details of a record, with the ids of its site and its sign-in, as they are stored in a merge."""
    names = [*(each.attname for each in DETAILS), "site_id", "user_id"]
    return {name: getattr(patient, name) for name in names}


def plan_merge(*, kept: Patient, absorbed: Patient, by: User, now: datetime) -> MergePlan:
    """Return what a merge of `absorbed` into `kept` would do. Raises PermissionDenied unless `by` manages both records."""
    _check_permission(kept, absorbed, by)
    site = site_after_merge(kept, absorbed)
    return MergePlan(
        kept=kept,
        absorbed=absorbed,
        site=site,
        rows=rows_to_move(kept, absorbed),
        reasons=tuple(dict.fromkeys(reasons_against_merge(kept, absorbed, site, site.today_at(now)))),
    )


@transaction.atomic
def merge_records(
    *,
    kept: Patient,
    absorbed: Patient,
    from_absorbed: Collection[str],
    reason: str,
    seen: str,
    by: User,
    now: datetime,
) -> PatientMerge:
    """Merge the record `absorbed` into the record `kept`, and return the merge, which can be taken back.

    All rows of the absorbed record become rows of the kept record, except those that the kept record has, too, such as the
    same phone number, and calendars that nobody has saved. `from_absorbed` are the names of the details for which the
    absorbed record's value is used. `seen` is the key of the plan that the user saw.

    Raises PermissionDenied unless `by` manages both records. Raises Refused if a record was merged meanwhile, if there is
    a reason against the merge, if no reason for it is given, or if the plan has changed since the user saw it.
    """
    kept, absorbed = lock_records(kept, absorbed)
    plan = plan_merge(kept=kept, absorbed=absorbed, by=by, now=now)
    refuse_if_any([*plan.reasons, *([] if reason.strip() else [ReasonRequired()])])
    if plan.key != seen:
        raise Refused([RecordsChanged()])
    before = {"kept": details_of(kept), "absorbed": details_of(absorbed)}
    changed = _move_rows(plan, by, now)
    _merge_details(plan, from_absorbed)
    merge = PatientMerge.objects.create(
        kept=kept,
        absorbed=absorbed,
        at=now,
        by=by,
        reason=reason.strip(),
        moved=plan.rows.moved,
        changed=changed,
        details_before=before,
        details_after={"kept": details_of(kept), "absorbed": details_of(absorbed)},
    )
    Feed.objects.live().filter(patient=kept).update(stale_at=now)
    detail = f"{before['absorbed']['code']} into {before['kept']['code']}"
    for each in (kept, absorbed):
        record(each, by=by, action=Action.MERGED, at=now, detail=detail, reason=merge.reason)
    return merge


def lock_records(*records: Patient) -> list[Patient]:
    """Lock the records with their sites, all sign-ins and all codes until the transaction ends, and return their current state.

    Raises Refused if a record is merged into another one.
    """
    lock_users()
    sites = Site.objects.filter(patients__in=records) | Site.objects.filter(episodes__patient__in=records)
    for site in sorted(set(sites.values_list("pk", flat=True)) | {each.site_id for each in records}):
        lock_site(site)
    lock_codes()
    rows = Patient.all_records.select_for_update(of=("self",)).select_related("site", "user").order_by("pk")
    locked = {row.pk: row for row in rows.filter(pk__in=[each.pk for each in records])}
    refuse_if_any(_merged_meanwhile(locked.values()))
    return [locked[each.pk] for each in records]


def _merged_meanwhile(records: Iterable[Patient]) -> Iterable[Reason]:
    for each in records:
        if each.merged_into_id is not None:
            yield AlreadyMerged(each.code, Patient.all_records.get(pk=each.merged_into_id).code)


def _check_permission(kept: Patient, absorbed: Patient, by: User) -> None:
    if not all(by.may(Permission.MANAGE_PATIENTS, each.site_id) for each in (kept, absorbed)):
        raise PermissionDenied


def _move_rows(plan: MergePlan, by: User, now: datetime) -> dict[str, Any]:
    """Give the absorbed record's rows to the kept record. Return the values of rows that had to be changed, too."""
    rows, kept = plan.rows, plan.kept
    changed: dict[str, Any] = {
        "place_names": _rename_places(rows),
        "commitment_places": _move_to_same_places(rows),
        "commitment_codes": {str(pk): [code, ""] for pk, code in rows.codes.items()},
        "invitations": list(rows.withdrawn),
        "contacts": {},
    }
    Commitment.objects.filter(pk__in=rows.codes).update(code="")
    Invitation.objects.filter(pk__in=rows.withdrawn).update(revoked_at=now, revoked_by=by)
    for model, column in columns_of_patients():
        ids = rows.moved.get(model._meta.label)
        if ids:
            model._base_manager.filter(pk__in=ids).update(**{column: kept.pk})
    for contact in CONTACTS:
        moved = contact._base_manager.filter(pk__in=rows.moved.get(contact._meta.label, ()))
        moved.update(position=F("position") + AFTER_OWN_CONTACTS)
        changed["contacts"][contact._meta.label] = contact_texts(moved)
    return changed


def _rename_places(rows: RowsToMove) -> dict[str, list[str]]:
    """Rename the places, and return the earlier and the new name of each by its id."""
    places = list(Place.objects.filter(pk__in=rows.new_names))
    names = {str(place.pk): [place.name, rows.new_names[place.pk]] for place in places}
    for place in places:
        place.name = rows.new_names[place.pk]
    Place.objects.bulk_update(places, ["name"])
    return names


def _move_to_same_places(rows: RowsToMove) -> dict[str, list[int]]:
    """Let moving commitments use the kept record's places. Return the earlier and the new place of each by its id."""
    moving = rows.moved.get("patients.Commitment", ())
    commitments = list(Commitment.objects.filter(pk__in=moving, place__in=rows.same_places))
    places: dict[str, list[int]] = {}
    for commitment in commitments:
        assert commitment.place_id is not None
        places[str(commitment.pk)] = [commitment.place_id, rows.same_places[commitment.place_id]]
        commitment.place_id = rows.same_places[commitment.place_id]
    Commitment.objects.bulk_update(commitments, ["place"])
    return places


def _merge_details(plan: MergePlan, from_absorbed: Collection[str]) -> None:
    kept, absorbed = plan.kept, plan.absorbed
    own_code = kept.code
    for each in plan.differences:
        if each.name in from_absorbed:
            setattr(kept, each.name, each.absorbed)
    if plan.takes_sign_in:
        kept.user, absorbed.user = absorbed.user, kept.user
    kept.site = plan.site
    absorbed.merged_into = kept
    if kept.code == absorbed.code:
        absorbed.code = own_code
    save_both(kept, absorbed)
    Patient.all_records.filter(merged_into=absorbed).update(merged_into=kept)


def save_both(kept: Patient, absorbed: Patient) -> None:
    """Save two records that may have swapped their codes or sign-ins, which must be unique at all times."""
    Patient.all_records.filter(pk=absorbed.pk).update(code=f"~{absorbed.pk}", user=None)
    kept.save()
    absorbed.save()


def label_of_rows(label: str) -> str:
    """Return the name of a model's rows for the user: "patients.Commitment" → "commitments"."""
    model: type[models.Model] = apps.get_model(label)
    return str(model._meta.verbose_name_plural)
