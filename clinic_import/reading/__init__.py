"""Read the tables of files and workbooks, and parse their cells into typed rows."""
