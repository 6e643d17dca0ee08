"""Forms for a patient's record. They convert typed text to values, and a typed last day to an exclusive end date.

If a service refuses the values, each of its reasons is shown beside a field. A form's `reason_fields` maps the code of
a reason to that field.
"""
