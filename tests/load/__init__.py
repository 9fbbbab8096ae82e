"""How fast pairs and votes are served, beside handlers that do only the SQL of it.

`profiles` say what is asked; `measuring` asks one step of one server, `crowd` are the people,
`bare` the handlers beside the product, `rows` a study of a million comparisons made by SQL.
`results`, `plans` and `machine` are what is told of it.
"""
