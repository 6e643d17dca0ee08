"""The meetings that a patient can attend from a given day on, and a preview of the meetings that are chosen."""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext as _

from iopmanager.form_fields import parse_day, parse_number
from patients.models import Episode
from scheduling.domain.hours.rules import WeeklyMeeting
from scheduling.domain.search.fit import Fit, MeetingFull, find_fits, has_a_place, keeps_commitments
from scheduling.domain.search.need import Need, Offer
from scheduling.forms.enrollment.enroll import MeetingChoiceForm
from scheduling.models import Enrollment, Meeting, Track
from scheduling.services.enrollment.checks import ChoicePreview, places_left, preview_choice
from scheduling.services.enrollment.mixed_tracks import NO_CROSS_TRACK_OPTIONS, CrossTrackOptions
from scheduling.services.search.need import need_of
from scheduling.services.search.offers import as_offer, full_dates, own_sessions, settled_sessions
from scheduling.views.refusals import show_field_reasons
from scheduling.views.search.track_cards import group_by_meeting
from timekeeping.reasons import Key, Reason, Refused

ENOUGH = "enough"


@dataclass(frozen=True)
class MeetingOption:
    """A meeting that can be chosen, with the free spots on its fullest date and the reasons against choosing it."""

    meeting: Meeting
    is_chosen: bool
    places_left: int
    reasons: Sequence[Reason]
    is_attended: bool = False


@dataclass(frozen=True)
class OtherTrackOptions:
    """Meetings of another track that the patient can choose."""

    name: str
    options: Sequence[MeetingOption]


@dataclass(frozen=True)
class EnrollmentQuery:
    """The data for judging how well a track fits a patient from a given day on.

    `changing` is the enrollment whose meetings would change, or None for a new enrollment. `beside` has meetings of
    other tracks that the patient can also attend. `fit` is the result for the track's own meetings alone. `offer` has
    the track's own meetings and the meetings in `beside`.
    """

    episode: Episode
    track: Track
    now: datetime
    need: Need
    full: dict[int, tuple[date, ...]]
    fit: Fit
    offer: Offer
    changing: Enrollment | None = None
    beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS

    @classmethod
    def for_track(
        cls,
        episode: Episode,
        track: Track,
        now: datetime,
        from_day: date,
        *,
        changing: Enrollment | None = None,
        leaves: Enrollment | None = None,
        beside: CrossTrackOptions = NO_CROSS_TRACK_OPTIONS,
    ) -> "EnrollmentQuery":
        """Load the data for judging the fit. `leaves` is the enrollment that the patient would leave for the track, if any.

        Raises Refused if the episode is over before `from_day`, or has no level of care on that day or later.
        """
        need = need_of(episode=episode, from_day=from_day, apart_from=leaves, changes=changing)
        known = own_sessions(changing) if changing else settled_sessions(episode, of=leaves)
        full = full_dates(site=track.site, from_day=from_day, now=now, apart_from=known)
        alone = as_offer(track, from_day, full, goes_on=changing is not None)
        offer = as_offer(track, from_day, full, goes_on=changing is not None, beside=beside.meetings)
        return cls(episode, track, now, need, full, find_fits([alone], need)[0], offer, changing, beside)

    @property
    def meetings(self) -> list[Meeting]:
        """All meetings that can be chosen, the track's own meetings first."""
        return [*self.track.meetings.all(), *self.beside.meetings]

    @property
    def weekly(self) -> dict[Key, WeeklyMeeting]:
        """The meetings that run in the first week, by id, as WeeklyMeeting objects for the search."""
        return {offered.meeting.key: offered.meeting for offered in self.offer.meetings}

    def evaluate(self, chosen: Sequence[Meeting]) -> ChoicePreview:
        """Judge a choice of meetings without writing anything."""
        return preview_choice(
            episode=self.episode,
            track=self.track,
            meetings=chosen,
            need=self.need,
            full=self.full,
            changes=self.changing,
            beside=self.beside,
        )

    def options(self, chosen: Sequence[Meeting], attended: Collection[Key] = ()) -> dict[int, MeetingOption]:
        """Return the options by meeting id, in the order of the week. Only meetings of the first week are options."""
        weekly = self.weekly
        meetings = [each for each in self.meetings if each.pk in weekly]
        left = places_left(meetings=[each.pk for each in meetings], from_day=self.fit.starts, now=self.now)
        beside = tuple(weekly[each.pk] for each in self.beside.meetings if each.pk in weekly)
        obstacles = [
            *self.fit.obstacles,
            *keeps_commitments(self.offer, self.need, beside),
            *has_a_place(self.offer, self.need, beside),
        ]
        reasons = {meeting.key: about_it for meeting, about_it in group_by_meeting(obstacles)}
        return {
            each.pk: MeetingOption(
                meeting=each,
                is_chosen=each in chosen,
                places_left=left.get(each.pk, each.places),
                reasons=reasons.get(each.pk, ()),
                is_attended=each.pk in attended,
            )
            for each in _in_week_order(meetings)
        }

    def choices(self, chosen: Sequence[Meeting], attended: Collection[Key] = ()) -> dict[str, object]:
        """Group the options: meetings of the track, meetings of other tracks, then meetings attended until now."""
        options = self.options(chosen, attended)
        own = _take(options, self.track)
        others = [OtherTrackOptions(track.name, _take(options, track)) for track in self.beside.tracks]
        others.append(OtherTrackOptions(_("Attended until now"), list(options.values())))
        others = [other for other in others if other.options]
        is_open = any(option.is_chosen for other in others for option in other.options)
        return {"options": own, "others": others, "others_open": is_open}


def _take(options: dict[int, MeetingOption], track: Track) -> list[MeetingOption]:
    """Take the options for the track's meetings out of `options`. Return them in the same order."""
    keys = {meeting.pk for meeting in track.meetings.all()}
    return [options.pop(key) for key in list(options) if key in keys]


def _in_week_order(meetings: Iterable[Meeting]) -> list[Meeting]:
    return sorted(meetings, key=lambda meeting: (meeting.weekday, meeting.starts, meeting.pk))


def requested_start(request: HttpRequest, form: forms.Form, *, otherwise: date) -> date:
    """Return the requested first day, from a submitted form or else from `?from=`. The default is `otherwise`."""
    if form.is_bound:
        form.is_valid()
        return form.cleaned_data.get("starts") or otherwise
    return parse_day(request.GET.get("from", "")) or otherwise


def meeting_choice_context(
    request: HttpRequest,
    form: MeetingChoiceForm,
    query_from: Callable[[date], EnrollmentQuery],
    *,
    otherwise: date,
    refused: Sequence[Reason] = (),
    attended: Collection[Key] = (),
) -> dict[str, object]:
    """Build the context of a page on which meetings are chosen: form, options, and a preview of the choice.

    When the page is opened, the first day comes from `?from=`, or else from `otherwise`. `refused` has the reasons for
    a refusal. Reasons about the first day are shown beside its field, and all other reasons above the form.
    """
    from_day = requested_start(request, form, otherwise=otherwise)
    try:
        query = query_from(from_day)
    except Refused as refusal:
        form.initial["starts"] = from_day
        refused = refused or refusal.reasons
        return {"form": form, "reasons": show_field_reasons(form, refused) if form.is_bound else list(refused)}
    if form.is_bound:
        chosen = list(form.cleaned_data.get("meetings") or ())
    else:
        chosen = _initial_choice(request, query, attended)
        form.initial["starts"] = query.fit.starts
    trial = query.evaluate(chosen)
    reasons = trial.reasons if query.fit.fits else (*trial.reasons, *query.fit.obstacles)
    return query.choices(chosen, attended) | {
        "form": form,
        "asked": query,
        "chosen": chosen,
        "trial": trial,
        "is_full": any(isinstance(reason, MeetingFull) for reason in reasons),
        "reasons": show_field_reasons(form, refused) if form.is_bound else list(refused),
    }


def _initial_choice(request: HttpRequest, query: EnrollmentQuery, attended: Collection[Key]) -> list[Meeting]:
    """Return the meetings that are chosen when the page is opened. The first of these sets that is not empty is used:

    1. the meetings in `?meetings=`
    2. the attended meetings
    3. with `?choice=enough`, the smallest choice that meets the prescription
    4. the meetings that fit
    """
    listed = ",".join(request.GET.getlist("meetings")).split(",")
    keys: set[Key] = {key for part in listed if (key := parse_number(part)) is not None} or {*attended}
    if not keys:
        fitting = (request.GET.get("choice") == ENOUGH and query.fit.enough) or query.fit.choice
        keys = {meeting.key for meeting in fitting}
    return [each for each in query.meetings if each.pk in keys]
