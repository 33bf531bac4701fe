"""What stops a command: something is missing, or was asked for wrongly."""

from __future__ import annotations

import importlib.util

import click


class Missing(click.ClickException):
    """Something that a command needs is not there, or is not what it should be.

    The message is one line (build errors may quote a few more) that says what to do. The command ends with exit code 2.
    """

    exit_code = 2


def require(module: str) -> None:
    """Makes sure that an extension module can be imported, without importing it.

    Args:
        module: `hashtable` or `hashtable_traced`.

    Raises:
        Missing: it cannot be found.
    """
    if importlib.util.find_spec(module) is None:
        raise Missing(f"the module {module!r} is not installed: run `python -m pip install .` in the project's folder.")
