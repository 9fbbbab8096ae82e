"""How the report speaks: figures, warnings, methods and the headline in plain words. Pure."""
