"""A study's life, draft to archived, and the comparisons that are generated for it.

`drafts` creates a study, `generation` its comparisons, `opening` freezes it and lets annotators in,
`states` moves it along, unblinds it, and refuses to change what is frozen.
"""
