"""Rows of contract.md §4 as they are stored: what goes out can be imported again."""
