"""The REST API of this room: thin edges over the functions that pages and commands use.

`tokens` are the keys of scripts, `authentication` knows who asks, `edges` is what every view stands
on: roles, scopes, limits, `idempotency`, and `problems` as the form of every refusal. Other rooms
build theirs on the same.
"""
