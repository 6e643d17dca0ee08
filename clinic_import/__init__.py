"""Import a clinic's own spreadsheets: parse them into typed rows, then write all rows to the database or none."""
