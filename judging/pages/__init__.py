"""Pages about judges, for a study's owner and researchers."""
