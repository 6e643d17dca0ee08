"""Show the coming levels of care of a patient, and which days and groups the patient could keep at each step."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.audit import record
from accounts.models import Action
from accounts.permissions import Permission
from accounts.views import forbid_unless, signed_in, staff_required
from iopmanager import clock
from patients.access import current_or_next_episode, patient_seen_by
from patients.models import Patient
from scheduling.domain.hours.rules import WeeklyTotals, add_up
from scheduling.domain.search.remarks import Remark, commitment_remarks
from scheduling.services.enrollment.step_down import LevelPlan, plan_step_down
from scheduling.views.week_pictures import picture_of_choice, picture_of_schedule
from scheduling.week_picture import WeekPicture
from timekeeping.reasons import Reason, Refused


@dataclass(frozen=True)
class LevelColumn:
    """A level of care on the page: plan, week picture, hours, remarks on commitments, and a link to arrange the level.

    `comes_later` is True if an earlier level has to be arranged first.
    """

    plan: LevelPlan
    picture: WeekPicture | None
    total: WeeklyTotals
    remarks: Sequence[Remark]
    action_url: str
    comes_later: bool


@staff_required(Permission.SEE_COMMITMENTS)
@require_safe
@transaction.atomic
def step_down(request: HttpRequest, patient_id: int) -> HttpResponse:
    """Show a column for each level of care from today on.

    Each column has the schedule that is arranged for the level, or else the schedule that fits best with the other
    levels.
    """
    user, now = signed_in(request), clock.now()
    patient = patient_seen_by(user, patient_id)
    forbid_unless(user.may(Permission.SEE_COMMITMENTS, patient.site_id))
    today = patient.site.today_at(now)
    episode = current_or_next_episode(patient, today)
    record(patient, by=user, action=Action.VIEWED, at=now, detail="step-down ahead")
    columns: Sequence[LevelColumn] = ()
    reasons: Sequence[Reason] = ()
    if episode is not None:
        try:
            found = plan_step_down(episode=episode, from_day=episode.earliest_from(today), now=now)
            columns = _build_columns(found, patient)
        except Refused as refused:
            reasons = refused.reasons
    context = {
        "patient": patient,
        "episode": episode,
        "columns": columns,
        "reasons": reasons,
        "today": today,
        "may_manage": user.may(Permission.MANAGE_PATIENTS, patient.site_id),
    }
    return render(request, "scheduling/enrollment/step_down.html", context)


def _build_columns(found: Sequence[LevelPlan], patient: Patient) -> list[LevelColumn]:
    columns = []
    is_open = False
    for each in found:
        stage = each.stage
        comes_later = is_open and not each.enrollments_then
        columns.append(
            LevelColumn(
                plan=each,
                picture=_column_picture(each),
                remarks=commitment_remarks(stage.meetings, each.need),
                total=add_up(stage.meetings, each.need.rules, stage.individual_minutes),
                action_url="" if comes_later else _action_url(each, patient),
                comes_later=comes_later,
            )
        )
        is_open = is_open or stage.schedule is not None
    return columns


def _column_picture(plan: LevelPlan) -> WeekPicture | None:
    if plan.stage.schedule is not None:
        return picture_of_schedule(plan.stage.schedule)
    meetings, need = plan.stage.meetings, plan.need
    return picture_of_choice(choice=meetings, need=need, from_day=need.from_day) if meetings else None


def _action_url(plan: LevelPlan, patient: Patient) -> str:
    """Return the URL of the page for arranging the schedule, with the first day and the meetings filled in.

    Return an empty string if there is nothing to arrange, or if no single page can change all of the patient's
    enrollments.
    """
    stage, schedule = plan.stage, plan.stage.schedule
    if (
        schedule is None
        or len(plan.enrollments_then) > 1
        or (stage.difference is not None and stage.difference.is_empty)
    ):
        return ""
    track = schedule.offer.key
    if not plan.enrollments_then:
        page = reverse("enroll", args=[patient.pk, track])
    elif plan.enrollments_then[0].track_id == track:
        page = reverse("enrollment-change", args=[plan.enrollments_then[0].pk])
    else:
        page = reverse("enrollment-transfer-to", args=[plan.enrollments_then[0].pk, track])
    meetings = ",".join(str(each.key) for each in schedule.meetings)
    return f"{page}?from={schedule.starts.isoformat()}&meetings={meetings}"
