"""The report in the browser: reading it, making a new one, taking files away."""
