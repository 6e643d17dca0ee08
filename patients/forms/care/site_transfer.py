"""Form to transfer a patient to another site."""

from collections.abc import Iterable
from typing import Any, ClassVar

from django import forms
from django.utils.translation import gettext_lazy as _

from patients.forms.layout import form_layout


class SiteTransferForm(forms.Form):
    """The site to transfer to. `sites` are the id and name of each site that can be chosen."""

    reason_fields: ClassVar = {"nothing_changed": "site"}

    site = forms.TypedChoiceField(coerce=int, label=_("Move to"))

    def __init__(self, *args: Any, sites: Iterable[tuple[int, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["site"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = list(sites)
        self.helper = form_layout("site")
