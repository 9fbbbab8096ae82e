"""The REST API of this room: progress, analyses, files."""
