"""A kept result in words and figures, for the page, the file and the terminal. Pure, no HTML."""
