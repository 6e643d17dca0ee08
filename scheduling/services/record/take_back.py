"""Take back a merge of two records: each row goes back to the record from which it came."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.db.models import F, Q

from accounts.audit import record
from accounts.models import Action, Invitation, User
from accounts.permissions import Permission
from patients.absorbed_records import columns_of_patients
from patients.models import Commitment, CommitmentProposal, Delegate, Patient, PatientMerge, Place
from scheduling.models import Booking, Enrollment, Feed, Site
from scheduling.services.reasons import ReasonRequired
from scheduling.services.record.merge import lock_records, save_both
from scheduling.services.record.merge_checks import RecordInOtherZone
from scheduling.services.record.merge_rows import AFTER_OWN_CONTACTS, CONTACTS, DETAILS, Ids, contact_texts
from timekeeping.reasons import Reason, refuse_if_any


@dataclass(frozen=True, slots=True)
class MergeTakenBack(Reason):
    """The merge was taken back already."""


@dataclass(frozen=True, slots=True)
class LaterMerge(Reason):
    """The record was merged with the record `other` after this merge."""

    other: str


@dataclass(frozen=True, slots=True)
class SiteChangedSince(Reason):
    """The patient has moved to another site since the merge."""

    site: str


@dataclass(frozen=True, slots=True)
class EpisodesTied(Reason):
    """A booking or an enrollment in an episode of one record makes up for, or continues, one of the other record."""

    what: str


@dataclass(frozen=True, slots=True)
class PlaceOfOtherRecord(Reason):
    """Since the merge, a commitment of one record uses a place of the other record."""

    commitment: str
    place: str


@dataclass(frozen=True, kw_only=True)
class TakeBackPlan:
    """What taking back a merge would do, and the `reasons` against it.

    `moved` maps the labels of models to the ids of the rows that go back. `restored` are the names of the details of the
    kept record that get their earlier values. `changed_since` are the names of those that somebody has changed since the
    merge, so that they stay. `removed` maps the labels of models to the ids of rows that can't go back, because somebody has
    removed them since. `removed_contacts` are removed phone numbers and emergency contacts. `changed_contacts` are the
    earlier and the present text of those that somebody has changed since, and that go back as they are now.
    """

    merge: PatientMerge
    moved: Ids
    restored: Sequence[str]
    changed_since: Sequence[str]
    removed: Ids
    removed_contacts: Sequence[str]
    changed_contacts: Sequence[tuple[str, str]]
    reasons: Sequence[Reason]


def plan_take_back(merge: PatientMerge, *, now: datetime) -> TakeBackPlan:
    """Return what taking back the merge would do. The number of queries depends only on the number of models."""
    moved = _rows_to_move_back(merge)
    restored, changed_since = _details_to_restore(merge)
    removed_contacts, changed_contacts = _compare_contacts(merge)
    return TakeBackPlan(
        merge=merge,
        moved=moved,
        restored=restored,
        changed_since=changed_since,
        removed=_removed_since(merge, moved),
        removed_contacts=removed_contacts,
        changed_contacts=changed_contacts,
        reasons=tuple(dict.fromkeys(_reasons_against(merge, moved, now))),
    )


@transaction.atomic
def take_back_merge(*, merge: PatientMerge, reason: str, by: User, now: datetime) -> PatientMerge:
    """Take back the merge, and return it. Everything that was added since the merge stays with the kept record.

    What was added to a row that goes back, such as a booking of an episode, goes back with it. A detail that somebody
    has changed since the merge keeps its value.

    Raises PermissionDenied unless `by` manages the kept record. Raises Refused if the merge was taken back already, if no
    reason is given, or if later changes tie the two records together.
    """
    (kept,) = lock_records(merge.kept)
    absorbed = Patient.all_records.select_related("site", "user").get(pk=merge.absorbed_id)
    merge = PatientMerge.objects.select_related("by").get(pk=merge.pk)
    merge.kept, merge.absorbed = kept, absorbed
    if not by.may(Permission.MANAGE_PATIENTS, kept.site_id):
        raise PermissionDenied
    plan = plan_take_back(merge, now=now)
    refuse_if_any([*plan.reasons, *([] if reason.strip() else [ReasonRequired()])])
    merge.taken_back_at, merge.taken_back_by, merge.taken_back_reason = now, by, reason.strip()
    merge.save(update_fields=["taken_back_at", "taken_back_by", "taken_back_reason"])
    _restore_details(plan)
    _move_back(plan)
    Feed.objects.live().filter(patient__in=[kept, absorbed]).update(stale_at=now)
    for each in (kept, absorbed):
        detail = f"{absorbed.code} out of {kept.code}"
        record(each, by=by, action=Action.SEPARATED, at=now, detail=detail, reason=merge.taken_back_reason)
    return merge


def _rows_to_move_back(merge: PatientMerge) -> Ids:
    moved: Ids = {}
    for model, column in columns_of_patients():
        went = merge.moved.get(model._meta.label, [])
        found = Q(pk__in=went)
        if model is CommitmentProposal:
            found |= Q(commitment__in=merge.moved.get("patients.Commitment", []))
        elif model is Delegate:
            found |= Q(consent__in=merge.moved.get("patients.Consent", []))
        rows = model._base_manager.filter(found, **{column: merge.kept_id}).order_by("pk")
        if ids := list(rows.values_list("pk", flat=True)):
            moved[model._meta.label] = ids
    return moved


def _removed_since(merge: PatientMerge, back: Ids) -> Ids:
    named: dict[str, dict[str, str]] = merge.changed.get("contacts", {})
    removed = {
        label: sorted({*ids} - {*back.get(label, ()), *map(int, named.get(label, ()))})
        for label, ids in merge.moved.items()
    }
    return {label: ids for label, ids in removed.items() if ids}


def _compare_contacts(merge: PatientMerge) -> tuple[list[str], list[tuple[str, str]]]:
    """Return the moved contacts that were removed since the merge, and the old and new text of those that were changed."""
    removed, changed = [], []
    before: dict[str, dict[str, str]] = merge.changed.get("contacts", {})  # older merges did not store the contacts
    for contact in CONTACTS:
        texts = before.get(contact._meta.label, {})
        now = contact_texts(contact._base_manager.filter(patient=merge.kept_id, pk__in=[*map(int, texts)]))
        removed += [text for pk, text in texts.items() if pk not in now]
        changed += [(text, now[pk]) for pk, text in texts.items() if now.get(pk, text) != text]
    return removed, changed


def _details_to_restore(merge: PatientMerge) -> tuple[list[str], list[str]]:
    before, after = merge.details_before["kept"], merge.details_after["kept"]
    changed = [each for each in DETAILS if before.get(each.attname) != after.get(each.attname)]
    same = {each.name for each in changed if getattr(merge.kept, each.attname) == each.to_python(after[each.attname])}
    return [each.name for each in changed if each.name in same], [
        each.name for each in changed if each.name not in same
    ]


def _reasons_against(merge: PatientMerge, moved: Mapping[str, Sequence[int]], now: datetime) -> Iterable[Reason]:
    if merge.taken_back_at is not None:
        yield MergeTakenBack()
        return
    if merge.kept.merged_into_id is not None:
        yield LaterMerge(Patient.all_records.get(pk=merge.kept.merged_into_id).code)
    later = PatientMerge.objects.in_force().filter(kept=merge.kept, pk__gt=merge.pk).select_related("absorbed")
    yield from (LaterMerge(each.absorbed.code) for each in later)
    if merge.kept.site_id != merge.details_after["kept"]["site_id"]:
        yield SiteChangedSince(merge.kept.site.name)
    yield from _times_of_other_zone(merge, moved, merge.kept.site.today_at(now))
    yield from _tied_episodes(merge, moved.get("patients.Episode", ()))
    yield from _shared_places(merge, moved)


def _times_of_other_zone(merge: PatientMerge, moved: Mapping[str, Sequence[int]], today: date) -> Iterable[Reason]:
    """Yield a reason if commitments would stay with the kept record while its site changes to another time zone.

    Commitments that have ended are ignored, as in a merge.
    """
    earlier = Site.objects.get(pk=merge.details_before["kept"]["site_id"])
    own = Commitment.objects.filter(patient=merge.kept_id).in_force_from(today)
    staying = own.exclude(pk__in=moved.get("patients.Commitment", ()))
    if earlier.time_zone != merge.kept.site.time_zone and (times := staying.count()):
        yield RecordInOtherZone(merge.kept.code, merge.kept.site.name, times)


def _tied_episodes(merge: PatientMerge, episodes: Sequence[int]) -> Iterable[Reason]:
    """Yield a reason for each booking or enrollment that refers to an episode of the other record."""
    own = Q(episode__patient=merge.kept_id)
    makeups = Booking.objects.filter(own, makes_up__isnull=False).filter(
        Q(episode__in=episodes) & ~Q(makes_up__episode__in=episodes)
        | ~Q(episode__in=episodes) & Q(makes_up__episode__in=episodes)
    )
    yield from (EpisodesTied(each.session.name) for each in makeups.select_related("session"))
    continued = Enrollment.objects.filter(own, continues__isnull=False).filter(
        Q(episode__in=episodes) & ~Q(continues__episode__in=episodes)
        | ~Q(episode__in=episodes) & Q(continues__episode__in=episodes)
    )
    yield from (EpisodesTied(each.track.name) for each in continued.select_related("track"))


def _shared_places(merge: PatientMerge, moved: Mapping[str, Sequence[int]]) -> Iterable[Reason]:
    commitments, places = set(moved.get("patients.Commitment", ())), set(moved.get("patients.Place", ()))
    substituted = {int(pk): new for pk, (_old, new) in merge.changed["commitment_places"].items()}
    for each in Commitment.objects.filter(patient=merge.kept_id, place__isnull=False).select_related("place"):
        is_substitute = substituted.get(each.pk) == each.place_id
        if not is_substitute and (each.pk in commitments) != (each.place_id in places):
            yield PlaceOfOtherRecord(each.label, str(each.place))


def _restore_details(plan: TakeBackPlan) -> None:
    merge = plan.merge
    kept, absorbed = merge.kept, merge.absorbed
    before, after = merge.details_before, merge.details_after
    for each in DETAILS:
        if each.name in plan.restored:
            setattr(kept, each.attname, each.to_python(before["kept"][each.attname]))
    absorbed.merged_into = None
    own_code = before["absorbed"]["code"]
    others = Patient.all_records.filter(code__iexact=own_code).exclude(pk__in=[kept.pk, absorbed.pk])
    if kept.code.lower() != own_code.lower() and not others.exists():
        absorbed.code = own_code
    if kept.user_id == after["kept"]["user_id"]:
        kept.user_id, absorbed.user_id = before["kept"]["user_id"], before["absorbed"]["user_id"]
    kept.site_id = before["kept"]["site_id"]
    save_both(kept, absorbed)
    earlier = PatientMerge.objects.in_force().filter(kept=absorbed)
    Patient.all_records.filter(pk__in=earlier.values("absorbed")).update(merged_into=absorbed)


def _move_back(plan: TakeBackPlan) -> None:
    merge, absorbed = plan.merge, plan.merge.absorbed
    for model, column in columns_of_patients():
        if ids := plan.moved.get(model._meta.label):
            model._base_manager.filter(pk__in=ids).update(**{column: absorbed.pk})
    for contact in CONTACTS:
        back = contact._base_manager.filter(pk__in=plan.moved.get(contact._meta.label, ()))
        back.filter(position__gte=AFTER_OWN_CONTACTS).update(position=F("position") - AFTER_OWN_CONTACTS)
    changed: dict[str, Any] = merge.changed
    _put_back(Place, "name", changed["place_names"], plan.moved.get("patients.Place", ()))
    commitments = plan.moved.get("patients.Commitment", ())
    _put_back(Commitment, "place_id", changed["commitment_places"], commitments)
    _put_back(Commitment, "code", changed["commitment_codes"], commitments)
    Invitation.objects.filter(pk__in=changed["invitations"], revoked_at=merge.at).update(
        revoked_at=None, revoked_by=None
    )


def _put_back[Row: models.Model](
    model: type[Row], name: str, values: Mapping[str, Sequence[Any]], back: Sequence[int]
) -> None:
    """Restore a field of the rows that went back, unless it was changed since. `values` are its old and new values by id."""
    rows: list[Row] = []
    for row in model._base_manager.filter(pk__in=[int(pk) for pk in values if int(pk) in back]):
        old, new = values[str(row.pk)]
        if getattr(row, name) == new:
            setattr(row, name, old)
            rows.append(row)
    model._base_manager.bulk_update(rows, [name.removesuffix("_id")])
