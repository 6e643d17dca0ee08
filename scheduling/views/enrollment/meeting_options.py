"""A patient, a track and a day: which of its meetings can be chosen, and what a choice comes to."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.http import HttpRequest

from iopmanager.form_fields import parse_day
from patients.models import Episode
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import Fit, MeetingFull, find_fits, has_a_place, keeps_commitments
from scheduling.domain.search.need import Need, Offer
from scheduling.forms.enrollment.enroll import MeetingChoiceForm
from scheduling.models import Enrollment, Meeting, Track
from scheduling.services.enrollment.change import own_sessions
from scheduling.services.enrollment.mixed_tracks import NO_CROSS_TRACK_OPTIONS, CrossTrackOptions
from scheduling.services.enrollment.trial import ChoicePreview, places_left, preview_choice
from scheduling.services.search.queries import as_offer, full_dates, need_of, settled_sessions
from scheduling.views.refusals import show_refusal
from scheduling.views.search.track_cards import group_by_meeting
from timekeeping.reasons import Key, Reason, Refused

ENOUGH = "enough"


@dataclass(frozen=True)
class MeetingOption:
    """A meeting that can be chosen: how many places its fullest date has, and what stands against it."""

    meeting: Meeting
    is_chosen: bool
    places_left: int
    reasons: Sequence[Reason]
    is_attended: bool = False


@dataclass(frozen=True)
class OtherTrackOptions:
    """What can be chosen of another track."""

    name: str
    options: Sequence[MeetingOption]


@dataclass(frozen=True)
class EnrollmentQuery:
    """A patient and the track asked for from a day; the track comes with all that its fit is judged by.

    `changes` is their place in the same track, of which other meetings are to be attended; `leaves` one in another track.
    `fit` is how the track alone stands to them; `offer` has what can be attended `beside` it too.
    """

    episode: Episode
    track: Track
    today: date
    need: Need
    full: dict[int, tuple[date, ...]]
    fit: Fit
    offer: Offer
    changes: Enrollment | None = None
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS

    @classmethod
    def of(
        cls,
        episode: Episode,
        track: Track,
        today: date,
        from_day: date,
        *,
        changes: Enrollment | None = None,
        leaves: Enrollment | None = None,
        beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
    ) -> "EnrollmentQuery":
        """Raises Refused when the course of care is over by then."""
        need = need_of(episode=episode, from_day=from_day, apart_from=leaves, changes=changes)
        known = own_sessions(changes) if changes else settled_sessions(episode, of=leaves)
        full = full_dates(site=track.site, from_day=max(from_day, today), apart_from=known)
        alone = as_offer(track, from_day, full, goes_on=changes is not None)
        offer = as_offer(track, from_day, full, goes_on=changes is not None, beside=beside.meetings)
        return cls(episode, track, today, need, full, find_fits([alone], need)[0], offer, changes, beside)

    @property
    def meetings(self) -> list[Meeting]:
        """All that can be chosen, the track's own first."""
        return [*self.track.meetings.all(), *self.beside.meetings]

    @property
    def weekly(self) -> dict[Key, WeeklyMeeting]:
        """Under its key each meeting that is held in the week, as the search has it."""
        return {offered.meeting.key: offered.meeting for offered in self.offer.meetings}

    def try_out(self, chosen: Sequence[Meeting]) -> ChoicePreview:
        return preview_choice(
            episode=self.episode,
            track=self.track,
            meetings=chosen,
            need=self.need,
            full=self.full,
            changes=self.changes,
            beside=self.beside,
        )

    def options(self, chosen: Sequence[Meeting], attended: Collection[Key] = ()) -> dict[int, MeetingOption]:
        """Under its id each meeting that is held in the week, in the order of the week."""
        running = self.weekly
        meetings = [each for each in self.meetings if each.pk in running]
        left = places_left(meetings=[each.pk for each in meetings], from_day=max(self.fit.starts, self.today))
        besides = tuple(running[each.pk] for each in self.beside.meetings if each.pk in running)
        obstacles = [
            *self.fit.obstacles,
            *keeps_commitments(self.offer, self.need, besides),
            *has_a_place(self.offer, self.need, besides),
        ]
        against = {meeting.key: reasons for meeting, reasons in group_by_meeting(obstacles)}
        return {
            each.pk: MeetingOption(
                each, each in chosen, left.get(each.pk, each.places), against.get(each.pk, ()), each.pk in attended
            )
            for each in sorted(meetings, key=lambda meeting: (meeting.weekday, meeting.starts, meeting.pk))
        }

    def choices(self, chosen: Sequence[Meeting], attended: Collection[Key] = ()) -> dict[str, object]:
        """The track's own meetings, and under the other tracks theirs; what is attended of none of these comes last."""
        options = self.options(chosen, attended)
        own = [options.pop(each.pk) for each in self._in_order(self.track.meetings.all()) if each.pk in options]
        others = []
        for track in self.beside.tracks:
            of_it = {each.pk for each in track.meetings.all()}
            found = [options.pop(pk) for pk in list(options) if pk in of_it]
            others += [OtherTrackOptions(track.name, found)] if found else []
        others += [OtherTrackOptions("Attended until now", list(options.values()))] if options else []
        is_open = any(option.is_chosen for other in others for option in other.options)
        return {"options": own, "others": others, "others_open": is_open}

    def _in_order(self, meetings: Iterable[Meeting]) -> list[Meeting]:
        return sorted(meetings, key=lambda meeting: (meeting.weekday, meeting.starts, meeting.pk))


def meeting_choice_context(
    request: HttpRequest,
    form: MeetingChoiceForm,
    asks: Callable[[date], EnrollmentQuery],
    *,
    otherwise: date,
    refused: Sequence[Reason] = (),
    attended: Collection[Key] = (),
) -> dict[str, object]:
    """The form as it was opened or changed, what its choice comes to, and what it was refused for: about the day beside the
    day, the rest above.

    It opens on the day in `?from=`, nonsense being taken for `otherwise`, with the meetings in `?meetings=`, else with
    those that are attended already, else with those that fit.
    """
    typed: dict[str, Any] = {}
    if form.is_bound:
        form.is_valid()
        typed = dict(form.cleaned_data)
    from_day = typed.get("starts") or (None if form.is_bound else parse_day(request.GET.get("from", ""))) or otherwise
    try:
        asked = asks(from_day)
    except Refused as unable:
        form.initial["starts"] = from_day
        return {"form": form, "reasons": _reasons_above_form(form, refused or unable.reasons)}
    if form.is_bound:
        chosen = list(typed.get("meetings") or ())
    else:
        fitting = (request.GET.get("choice") == ENOUGH and asked.fit.enough) or asked.fit.choice
        named = ",".join(request.GET.getlist("meetings")).split(",")
        wanted: set[Key] = {int(part) for part in named if part.strip().isdecimal()}
        keys = wanted or {*attended} or {meeting.key for meeting in fitting}
        chosen = [each for each in asked.meetings if each.pk in keys]
        form.initial["starts"] = asked.fit.starts
    trial = asked.try_out(chosen)
    against = trial.reasons if asked.fit.fits else (*trial.reasons, *asked.fit.obstacles)
    is_full = any(isinstance(reason, MeetingFull) for reason in against)
    context = asked.choices(chosen, attended) | {"trial": trial, "is_full": is_full}
    return context | {"form": form, "reasons": _reasons_above_form(form, refused), "asked": asked, "chosen": chosen}


def _reasons_above_form(form: MeetingChoiceForm, refused: Sequence[Reason]) -> list[Reason]:
    """Says what is wrong with the day beside it; answers the rest."""
    about_the_day = [reason for reason in refused if reason.code in form.blames]
    if form.is_bound:
        show_refusal(form, Refused(about_the_day))
        return [reason for reason in refused if reason not in about_the_day]
    return list(refused)
