"""Imports through a page: store the files, preview them in the background, and write what was confirmed."""
