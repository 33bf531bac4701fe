"""Somebody's statement, made ready to be run in a module of its own. Runs in the child."""

from __future__ import annotations

import builtins
import importlib
import sys
import types
from collections.abc import Callable
from itertools import repeat
from typing import Any

from hashtable_lab.children.questions import CannotAnswer, describe


class Statement:
    """Somebody's statement, ready to be run in a module of its own.

    Attributes:
        names: the namespace in which it runs.
        calls: how often it has run.
    """

    def __init__(self, setup: str, statement: str, function: list[str] | None) -> None:
        """Runs the setup.

        Args:
            setup: Python code.
            statement: Python code, for nothing if there is a function.
            function: the module and the dotted path of what is to be called, or None.

        Raises:
            CannotAnswer: a syntax error, an exception in the setup, a module or name that is not there.
        """
        # A module that is called `__main__`, as pickle and others expect of a class's own module.
        self.module = types.ModuleType("__main__")
        sys.modules["__main__"] = self.module
        self.names: dict[str, Any] = vars(self.module)
        self.names["__builtins__"] = builtins
        self.calls = 0
        if function:
            statement = f"{function[1].rpartition('.')[2]}()"
        code = self._compile(setup, "setup"), self._compile(statement, "statement")
        self.code = code[1]
        self._run_once("the setup", lambda: exec(code[0], self.names))
        if function:
            module, path = function
            self.names[path.rpartition(".")[2]] = self._find(module, path)

    @staticmethod
    def _compile(source: str, what: str) -> types.CodeType:
        try:
            return compile(source, f"<{what}>", "exec")
        except (SyntaxError, ValueError) as error:
            line = f"line {error.lineno} of " if isinstance(error, SyntaxError) and error.lineno else ""
            message = error.msg if isinstance(error, SyntaxError) else str(error)
            raise CannotAnswer(f"{line}the {what} is no Python: {message}") from None

    @staticmethod
    def _run_once(what: str, run: Callable[[], Any]) -> Any:
        try:
            return run()
        except BaseException as error:  # whatever it is: SystemExit must not end the child without an answer
            raise CannotAnswer(f"{what} raises {describe(error)}") from None

    def _find(self, module: str, path: str) -> Any:
        found = self._run_once(f"the import of {module}", lambda: importlib.import_module(module))
        for part in path.split("."):
            if not hasattr(found, part):
                raise CannotAnswer(f"there is no {path!r} in the module {module!r}")
            found = getattr(found, part)
        if not callable(found):
            raise CannotAnswer(f"{module}:{path} cannot be called: it is of type {type(found).__name__}")
        return found

    def run(self, times: int) -> None:
        """Runs the statement.

        Raises:
            CannotAnswer: it raises.
        """
        code, names = self.code, self.names
        try:
            for _ in repeat(None, times):
                exec(code, names)
        except BaseException as error:
            raise CannotAnswer(f"the statement raises {describe(error)}") from None
        self.calls += times
