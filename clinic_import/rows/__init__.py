"""The row types: one class for each file, with its columns and the rules that a single row can break."""
