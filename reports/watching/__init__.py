"""Watching a study: how far it is, who rates it and how well, and what was done in it.

`counts` counts rows and `people` reads figures of annotators; `keeping` keeps both for a moment,
and has those of large studies counted in the background. `forecast` (pure) says when a study will
be done. `names` decides between codes and names. `lists` are the rows behind every number
(`entries`, `vote_entries`, `comparison_entries`), `pair` is one of them in full, `trail` what the
log says, `acts` what may be decided about an annotator. The pages are thin: `progress_pages` and
`annotator_pages`, with their addresses beside them.

Nothing here shows an outcome that may not be seen: counts, sides and clicks are blind to systems,
and a page that puts a click beside a system is a look.
"""
