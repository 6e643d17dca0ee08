"""Read the workbooks of spreadsheet programs (`.xlsx`, `.ods`) in a process of their own."""
