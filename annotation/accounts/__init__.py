"""The edge for everybody: signing in and out, single-use links, and the home page."""
