"""Runs of judges: rows made before the first request, claimed, asked, and recorded once.

`starting` freezes what is asked and quotes its price; `claiming` lends calls and reserves money;
`opening` finds out how to ask and `working` asks; `trials` are requests that are no calls; `money`
and `study_budget` hold what all runs of a study may cost together; `next_step` says what a result
means; `recording` stores it; `conducting` pauses, resumes, cancels and asks again; `sweeping` takes
back what lapsed; `waits` holds how long an endpoint is left alone, and `breaking` counts what goes
wrong in a row. `imported` stores judgments that were collected elsewhere. Whoever writes locks the
run before its calls, and the study's budget after it.
"""
