"""Forms that contain the version of the record that they show, so that no user overwrites unseen changes."""

from collections.abc import Callable
from typing import Protocol

from django.http import HttpRequest

from scheduling.services.administration.versions import ChangedAfterOpening
from scheduling.views.refusals import RefusableForm, Saved, show_refusal, submit_form
from timekeeping.reasons import Refused

VERSION = "version"
"""Name of the hidden field in `scheduling/administration/_version.html`."""


class EditForm(RefusableForm, Protocol):
    """A form with a record's values. `changed_data` has the names of the fields that now differ from the record."""

    @property
    def changed_data(self) -> list[str]: ...


def seen_version(request: HttpRequest) -> str:
    """Return the version of the record that the user saw in the posted form."""
    return request.POST.get(VERSION, "")


def shows_other_version(request: HttpRequest, form: EditForm, current: str, *, is_of_record: bool = True) -> bool:
    """Return whether the posted form showed another version than `current`. If so, add an error to the form.

    The typed values stay in the form, and the user can send the form again. The error names the fields that differ from
    the record. Pass `is_of_record=False` if the form adds a record.
    """
    if request.method != "POST" or seen_version(request) == current:
        return False
    changed = [str(form.fields[name].label) for name in form.changed_data] if is_of_record else []
    form.is_valid()  # errors can be added only after validation
    show_refusal(form, Refused([ChangedAfterOpening(tuple(changed))]))
    return True


def submit_edit[T](
    request: HttpRequest, form: EditForm, service: Callable[[str], T], *, current: str
) -> Saved[T] | None:
    """Call the service with the version that the user saw, if the form was posted and is valid.

    Return None if the service was not called, or if it refused. After a refusal, or if the user saw another version than
    `current`, the form has the reasons as errors.
    """
    if shows_other_version(request, form, current):
        return None
    return submit_form(request, form, lambda: service(seen_version(request)))
