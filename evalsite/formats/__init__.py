"""How dates are written in each language, where the site differs from Django's own habits."""
