"""Steps of a study that a large one takes in the background.

`putting_off` takes a step at once for a small study and leaves it to a worker for a large one,
`rows` keeps what was put off, `steps` does it, `working` is the worker's half.
"""
