"""A study's life, draft to archived, and the comparisons that are generated for it.

`drafts` creates a study, `generation` its comparisons, `states` moves it along.
"""
