"""The annotator's edge: the page that shows pairs, and the JSON that its script talks to.

`views` has the page, `edges` the JSON, `wire` what goes out, `requests` what comes in, `wording`
why the queue is empty, `flagging` remarks on a pair. `markdown` renders strangers' texts: it
parses with `bracket_math`, cleans with `visible_text` and `allow_list`. Nothing here reads a
system, and what goes out is made from `blinding.PresentedPair` alone.
"""
