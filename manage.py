#!/usr/bin/env python
"""Django's command line for evalsite."""

import gc
import os
import sys


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "evalsite.settings")
    # What a command imports stays for good. To search it for cycles over and over while it grows
    # took 0.4 of the first 1.6 seconds.
    gc.disable()
    try:
        from django.core.management import BaseCommand, ManagementUtility
    except ImportError:
        sys.exit("Django is not installed here. Use .venv/bin/python, or run `make install` first.")

    class CommandLine(ManagementUtility):
        def fetch_command(self, subcommand: str) -> BaseCommand:
            command = super().fetch_command(subcommand)
            gc.freeze()
            gc.enable()
            return command

    CommandLine(sys.argv).execute()


if __name__ == "__main__":
    main()
