"""A study that is rated while everything it stands on is killed, and a checker of what remains.

`history` is what the people saw, `records` what the database holds, `checker` compares the two
and knows nothing else. `annotators` are the people, `faults` and `proxy` do the damage, `run`
puts them together.
"""
