"""The prompt behind a page: runs its examples one after the other, and compares what they print with the book.

It runs inside the browser's Python. The page sends a block of examples as the book has it (`>>>`, `...`, and what is
expected), or what the reader made of it (plain statements). Both are run as at a prompt: statement by statement, the
value of an expression is shown, and what one example defines the next one can use.
"""

import ast
import doctest
import io
import json
import os
import runpy
import shlex
import sys
import traceback

FLAGS = doctest.ELLIPSIS | doctest.DONT_ACCEPT_TRUE_FOR_1


class Screen(io.StringIO):
    """What an example prints. It is kept, and told to the page at once: an endless loop may print."""

    def __init__(self, tell):
        super().__init__()
        self.tell = tell

    def write(self, text):
        self.tell(text)
        return super().write(text)


def statements(source):
    """Splits plain source into one example for each statement. Statements that share a line stay together."""
    lines = source.splitlines(keepends=True)
    body = ast.parse(source).body
    starts = [min([node.lineno, *(one.lineno for one in getattr(node, "decorator_list", []))]) for node in body]
    starts = sorted(set(starts))
    for start, end in zip(starts, [*starts[1:], len(lines) + 1]):
        yield doctest.Example("".join(lines[start - 1 : end - 1]).rstrip() + "\n", want="")


class Prompt:
    """A namespace, and a way to run examples in it."""

    def __init__(self, tell=lambda text: None):
        self.tell = tell
        self.checker = doctest.OutputChecker()
        self.namespace = {"__name__": "__main__", "__builtins__": __builtins__}

    def run(self, text, compare=True):
        """Runs a block. Returns JSON: of each example its source, what it printed, what the book says, and whether they agree.

        An exception that the book does not expect ends the block, as it would end a pasted one.
        """
        try:
            examples = doctest.DocTestParser().get_examples(text) if compare else list(statements(text))
        except (SyntaxError, ValueError) as error:
            got = "".join(traceback.format_exception_only(error))
            return json.dumps([{"source": text, "got": got, "want": "", "agrees": None, "raised": True}])
        seen = []
        for example in examples:
            row = self.one(example, compare)
            seen.append(row)
            if row["raised"] and not example.exc_msg:
                break
        return json.dumps(seen)

    def one(self, example, compare):
        screen, error = Screen(self.tell), None
        before = sys.stdout, sys.stderr
        sys.stdout = sys.stderr = screen
        try:
            exec(compile(example.source, "<page>", "single"), self.namespace)
        except BaseException as raised:
            error = raised
        finally:
            sys.stdout, sys.stderr = before
        got = screen.getvalue()
        flags = FLAGS
        for flag, on in example.options.items():
            flags = flags | flag if on else flags & ~flag
        if error is None:
            agrees = self.checker.check_output(example.want, got, flags)
        else:
            message = "".join(traceback.format_exception_only(error))
            agrees = example.exc_msg is not None and self.checker.check_output(example.exc_msg, message, flags)
            # The frames of this file are none of the reader's business.
            error.__traceback__ = error.__traceback__ and error.__traceback__.tb_next
            got += "".join(traceback.format_exception(error))
        return {
            "source": example.source,
            "got": got,
            "want": example.want.replace("<BLANKLINE>\n", "\n"),
            "agrees": agrees if compare and not example.options.get(doctest.SKIP) else None,
            "raised": error is not None,
        }


def take_up(environment):
    """Takes up the environment of this run. A Python that comes from a snapshot was started before, and in another one."""
    os.environ.update(environment)
    asked = [folder for folder in environment.get("PYTHONPATH", "").split(os.pathsep) if folder]
    # Where they would be: after the page's own folder and the current one, before the standard library.
    sys.path[2:2] = [folder for folder in asked if folder not in sys.path]
    if "random" in sys.modules:
        sys.modules["random"].seed()


def program(command):
    """Runs what follows `python` on a command line: options, then `-c CODE`, `-m MODULE` or a file, and arguments.

    Returns:
        The exit code.
    """
    words = shlex.split(command) if isinstance(command, str) else list(command)
    while words and words[0].startswith("-") and words[0] not in ("-c", "-m"):
        option = words.pop(0)
        if option in ("-W", "-X"):
            words.pop(0)
    try:
        if words[0] == "-c":
            sys.argv = ["-c", *words[2:]]
            exec(compile(words[1], "<string>", "exec"), {"__name__": "__main__"})
        elif words[0] == "-m":
            sys.argv = words[1:]
            runpy.run_module(words[1], run_name="__main__", alter_sys=True)
        else:
            sys.argv = words
            runpy.run_path(words[0], run_name="__main__")
    except SystemExit as end:
        if end.code is None or isinstance(end.code, int):
            return end.code or 0
        print(end.code, file=sys.stderr)
        return 1
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0
