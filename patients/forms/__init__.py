"""Forms for a patient's record. They convert typed text to values, and a typed last day to an exclusive end date.

If a service refuses the values, the form shows the reasons. A form's `reason_fields` maps the code of a reason to the
name of the field that shows it.
"""
