"""Where judges are asked: addresses that are safe to call, and keys that nobody reads again."""
