"""A study's life, draft to archived, and the comparisons that are generated for it.

`drafts` creates a study and `cloning` one from another. `study_file`, `configuring` and
`references` set it up, `generation` and `identical` make its comparisons, `readiness` says whether
it can be opened, `opening` freezes it and lets annotators in. `states` moves it along, unblinds it,
and refuses to change what is frozen; `versions` changes what may change, by a new version.
"""
