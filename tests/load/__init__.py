"""How fast pairs are handed out and votes taken in, beside handlers that do only the SQL of it.

`bare` are those handlers, `crowd` the people, `measuring` what is asked of both, `rows` a study of
a million comparisons made by SQL.
"""
