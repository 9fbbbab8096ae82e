"""Rows to tables, one module for each kind of row."""
