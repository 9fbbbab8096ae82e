"""The REST API of this room: judgments made elsewhere."""
