"""Forms to invite staff members, to change their roles, and to turn off their accounts."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.permissions import Role
from accounts.services.staffing import Post
from scheduling.models import Site


def work_seen_field() -> forms.BooleanField:
    """Return the checkbox to check before a staff member who still leads groups loses a role or the account."""
    return forms.BooleanField(label=_("I have seen the groups and sessions that need somebody else"), required=False)


class RolesForm(forms.Form):
    """A staff member's roles at the sites that the user manages and, if `may_give_all`, the role for all sites.

    `handover` has the fields that say who takes the person's groups and sessions.
    """

    reason_fields: ClassVar[Mapping[str, str]] = {"still_leads": "work_seen"}

    def __init__(
        self,
        *args: Any,
        sites: Iterable[Site],
        may_give_all: bool,
        roles: Collection[Post] = (),
        has_work: bool = False,
        handover: Mapping[str, forms.Field] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.site_fields = {f"roles_{site.pk}": site.pk for site in sites}
        for site in sites:
            self.fields[f"roles_{site.pk}"] = forms.TypedMultipleChoiceField(
                label=site.name,
                choices=Role.choices,
                coerce=Role,
                required=False,
                widget=forms.CheckboxSelectMultiple,
                initial=[role for role, at in roles if at == site.pk],
            )
        if may_give_all:
            self.fields["all_sites"] = forms.BooleanField(
                label=_("Administrator of all sites"), required=False, initial=(Role.ADMINISTRATOR, None) in roles
            )
        self.fields.update(handover or {})
        if has_work:
            self.fields["work_seen"] = work_seen_field()

    def roles(self) -> set[Post]:
        given: set[Post] = {(role, site) for name, site in self.site_fields.items() for role in self.cleaned_data[name]}
        return given | ({(Role.ADMINISTRATOR, None)} if self.cleaned_data.get("all_sites") else set())


class StaffInvitationForm(RolesForm):
    """A new staff member: the name, the e-mail address and the roles."""

    reason_fields: ClassVar[Mapping[str, str]] = {"email_taken": "email", "already_staff": "email"}

    name = forms.CharField(label=_("Name"), max_length=150, widget=forms.TextInput(attrs={"autocomplete": "off"}))
    email = forms.EmailField(label=_("Email"), max_length=254, widget=forms.EmailInput(attrs={"autocomplete": "off"}))


class TurnOffForm(forms.Form):
    """Form to turn off an account.

    `handover` has the fields that say who takes the person's groups and sessions. With `has_work`, the user must also
    check a box: "I have seen the groups and sessions that need somebody else".
    """

    reason_fields: ClassVar[Mapping[str, str]] = {"still_leads": "work_seen"}

    def __init__(
        self, *args: Any, has_work: bool, handover: Mapping[str, forms.Field] | None = None, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.fields.update(handover or {})
        if has_work:
            self.fields["work_seen"] = work_seen_field()


class SecondFactorRemovalForm(forms.Form):
    """The reason for turning off a user's two-step sign-in."""

    reason_fields: ClassVar[Mapping[str, str]] = {}

    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        help_text=_("For example: lost phone. Make sure first that it is this person who asks."),
    )
