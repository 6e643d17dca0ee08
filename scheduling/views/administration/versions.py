"""Forms that say which version of a record they show, so that nobody replaces unseen what somebody else has saved."""

from collections.abc import Callable
from typing import Protocol

from django.http import HttpRequest

from scheduling.services.administration.versions import ChangedAfterOpening
from scheduling.views.refusals import RefusableForm, Saved, show_refusal, submit_form
from timekeeping.reasons import Refused

VERSION = "version"
"""Name of the hidden field in `scheduling/administration/_version.html`."""


class EditForm(RefusableForm, Protocol):
    """A form that was filled in with a record, and knows in which fields the user typed something else."""

    @property
    def changed_data(self) -> list[str]: ...


def seen_version(request: HttpRequest) -> str:
    """Return the version that the posted form showed when the user opened it."""
    return request.POST.get(VERSION, "")


def shows_other_version(request: HttpRequest, form: EditForm, current: str, *, is_of_record: bool = True) -> bool:
    """Whether the posted form showed another version than the current one. If so, add the reason to its errors.

    What was typed stays in the form. The page shows the current version, so that sending the form again saves it. The
    reason names the fields that differ from the record. Pass `is_of_record=False` if the form adds a record.
    """
    if request.method != "POST" or seen_version(request) == current:
        return False
    changed = [str(form.fields[name].label) for name in form.changed_data] if is_of_record else []
    form.is_valid()  # a form takes errors only after it was checked
    show_refusal(form, Refused([ChangedAfterOpening(tuple(changed))]))
    return True


def submit_edit[T](
    request: HttpRequest, form: EditForm, service: Callable[[str], T], *, current: str
) -> Saved[T] | None:
    """Call the service with the version that the user saw, if the form was posted, is valid and shows the `current` one.

    Otherwise return None. Then the form has the reasons as errors.
    """
    if shows_other_version(request, form, current):
        return None
    return submit_form(request, form, lambda: service(seen_version(request)))
