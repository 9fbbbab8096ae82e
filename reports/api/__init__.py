"""The REST API of this room: votes, the log, progress, analyses, alignment, files, the planner."""
