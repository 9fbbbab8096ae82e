"""The REST API of this room: judges, their runs, and judgments made elsewhere."""
