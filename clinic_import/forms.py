"""Form to upload the files of an import. The background worker checks their content."""

from collections.abc import Sequence
from pathlib import PurePosixPath
from typing import Any, ClassVar

from django import forms
from django.core.files.base import File
from django.template.defaultfilters import filesizeformat
from django.utils.translation import gettext_lazy as _

from clinic_import.reading.dates_and_times import DateOrder
from iopmanager.uploads import MAX_IMPORT_BYTES
from patients.forms.layout import form_layout


class SeveralFilesInput(forms.ClearableFileInput):
    allow_multiple_selected = True


class SeveralFilesField(forms.FileField):
    """A field for one or more files. Its value is a list."""

    widget = SeveralFilesInput(attrs={"accept": ".xlsx,.ods,.zip,.csv"})

    def clean(self, data: Any, initial: Any = None) -> list[File[Any]]:
        given = data if isinstance(data, list | tuple) else [data]
        return [super(SeveralFilesField, self).clean(each, initial) for each in given or [None]]


class ImportUploadForm(forms.Form):
    """One workbook or zip file, or several CSV files, and the order of the numbers in their dates."""

    reason_fields: ClassVar[dict[str, str]] = {}

    upload = SeveralFilesField(
        label=_("Files"),
        help_text=_("A workbook (.xlsx or .ods), a zip file, or one or more CSV files. At most 20 MB in total."),
    )
    date_order = forms.ChoiceField(
        label=_("Dates such as 1/5/26"),
        choices=[
            ("", _("Show them as errors")),
            (DateOrder.MONTH_FIRST.value, _("Month first: January 5, as in the US")),
            (DateOrder.DAY_FIRST.value, _("Day first: May 1")),
        ],
        required=False,
        widget=forms.RadioSelect,
        initial="",
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.helper = form_layout("upload", "date_order")

    def clean_upload(self) -> Sequence[File[Any]]:
        files: Sequence[File[Any]] = self.cleaned_data["upload"]
        total = sum(each.size or 0 for each in files)
        if total > MAX_IMPORT_BYTES:
            raise forms.ValidationError(
                _("The files are %(size)s in total. Choose at most %(most)s, or import them in parts."),
                params={"size": filesizeformat(total), "most": filesizeformat(MAX_IMPORT_BYTES)},
            )
        if len(files) > 1 and any(PurePosixPath(each.name or "").suffix.lower() != ".csv" for each in files):
            raise forms.ValidationError(_("Choose one workbook, one zip file, or several CSV files."))
        return files

    def uploaded(self) -> list[tuple[str, bytes]]:
        """Return the names and the contents of the files."""
        return [(each.name or "", each.read()) for each in self.cleaned_data["upload"]]

    def chosen_order(self) -> DateOrder | None:
        """Return the order of the numbers in dates, or None if dates with two-digit years are errors."""
        return DateOrder(self.cleaned_data["date_order"]) if self.cleaned_data["date_order"] else None
