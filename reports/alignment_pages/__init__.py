"""Judges in the browser: side by side, one in full, what they got wrong, asking people anew."""
