"""The researcher's edge: setting a study up in the browser, opening it, and ending it.

`steps` says which steps there are and how far each is, `frame` what stands around each of them.
A step has a module of its own: `basics`, `content` (with `uploads`), `rubric`, `design`, `people`,
`dry_run` (with `rehearsal`), `opening`. `running` is what may still be done with an opened study,
`copying` makes a new one from it. All of them call `annotation.lifecycle` and
`annotation.importing`; nothing here writes content by itself. `membership` is about people.
"""
