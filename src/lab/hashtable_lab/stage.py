"""How a demo speaks: it says something, shows the code that it runs, shows the result, and checks it.

A `Stage` prints for a reader: in colour, as wide as the window allows, at a terminal; as plain text everywhere else.
What is only of interest while one waits (a spinner, a progress bar) goes to standard error and leaves nothing behind
at a terminal.
"""

from __future__ import annotations

import inspect
import textwrap
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn
from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

# Longer lines are hard to read, however wide the window is.
WIDEST = 100

# Without a terminal, the least time between two lines about the progress, in seconds.
PLAIN_PROGRESS_EVERY = 3.0


def _console(stderr: bool) -> Console:
    # Nothing that a demo prints is markup: "[]" is an empty bucket.
    console = Console(stderr=stderr, markup=False, emoji=False, highlight=False)
    console.width = min(console.width, WIDEST)
    return console


class Stage:
    """Where one demo happens. It remembers what the demo promised and whether that was seen."""

    def __init__(self) -> None:
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)
        self.checks: list[tuple[str, bool]] = []
        self._checking = False

    # ---- saying and showing ------------------------------------------------------------------------------------------

    def title(self, text: str) -> None:
        """Begins a demo."""
        self._gap()
        self._print(Text(text, style="bold"))
        self._print(Text("=" * len(text), style="bold"))

    def heading(self, text: str) -> None:
        """Begins a part of a demo."""
        self._gap()
        self._print(Text(text, style="bold"))
        self._print(Text("-" * len(text), style="bold"))

    def say(self, text: str) -> None:
        """A paragraph. However it is broken in the source, it is filled to the width of the window."""
        self._gap()
        self._print(" ".join(text.split()))

    def show_code(self, *functions: Callable[..., object]) -> None:
        """The source of functions: the very text that runs, not a copy of it."""
        self.show_text("\n\n".join(textwrap.dedent(inspect.getsource(function)) for function in functions), "python")

    def show_text(self, text: str, language: str) -> None:
        """Source text, indented.

        Args:
            text: the lines.
            language: what colours them at a terminal, by a name that Pygments knows: "python", "diff".
        """
        self._gap()
        if self.out.is_terminal:
            syntax = Syntax(text.rstrip(), language, theme="ansi_dark", background_color="default", word_wrap=True)
            self._print(Padding(syntax, (0, 0, 0, 4)))
        else:
            self._lines(textwrap.indent(text.rstrip(), "    "))

    def transcript(self, text: str, colours: Mapping[str, str] | None = None) -> None:
        """What a program printed, line by line, with a bar beside it.

        Args:
            text: the lines.
            colours: for lines that begin with a certain prefix, a colour that rich knows.
        """
        self._gap()
        for line in text.rstrip().splitlines():
            prefix = next((prefix for prefix in colours or {} if line.startswith(prefix)), None)
            style = colours[prefix] if colours and prefix else ""
            self._lines(Text("  | ").append(line, style))

    def table(self, columns: Sequence[str], rows: Iterable[Sequence[object]], gap: int = 3) -> None:
        """A table. Columns in which each cell begins with a digit go to the right; the first never does.

        Args:
            columns: the titles.
            rows: the cells.
            gap: the space between two columns.
        """
        cells = [[str(cell) for cell in row] for row in rows]
        widths = [max((len(row[number]) for row in cells), default=0) for number in range(len(columns))]
        if 4 + sum(map(max, widths, map(len, columns))) + gap * (len(columns) - 1) > self.out.width:
            # A title gives way, a word to a line, before a cell does.
            columns = [
                title.replace(" ", "\n") if len(title) > width else title for title, width in zip(columns, widths)
            ]
        table = Table(box=None, pad_edge=False, padding=(0, gap, 0, 0))
        for number, column in enumerate(columns):
            numbers = number > 0 and all(row[number][:1].isdigit() for row in cells)
            table.add_column(column, justify="right" if numbers else "left")
        for row in cells:
            table.add_row(*map(Text, row))
        self._gap()
        self._print(Padding(table, (0, 0, 0, 4)))

    def _gap(self) -> None:
        """The empty line before whatever comes next."""
        self._checking = False
        self.out.print()

    def _lines(self, text: str | Text) -> None:
        """Lines as they are: neither filled nor broken, so that they can be copied."""
        self._print(text, soft_wrap=True)

    def _print(self, what: RenderableType, soft_wrap: bool = False) -> None:
        if self.out.is_terminal:
            self.out.print(what, soft_wrap=soft_wrap)
            return
        with self.out.capture() as capture:
            self.out.print(what, soft_wrap=soft_wrap)
        # rich pads lines with spaces, which do not belong in a file.
        self.out.file.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))

    # ---- promises ----------------------------------------------------------------------------------------------------

    def check(self, promise: str, seen: bool) -> bool:
        """Notes and prints whether something that the demo promises was seen.

        Args:
            promise: what was to be seen, as a statement.
            seen: whether it was.

        Returns:
            `seen`.
        """
        self.checks.append((promise, seen))
        mark = Text("seen: ", style="green") if seen else Text("NOT SEEN: ", style="bold red")
        if not self._checking:
            self.out.print()
        self._checking = True
        # Every line of it begins below the first.
        lines = Text("  ").append(mark).append(promise).wrap(self.out, self.out.width - 4)
        for number, line in enumerate(lines):
            self._print(line if number == 0 else Text("    ").append(line))
        return seen

    def succeeded(self) -> bool:
        """Whether there was something to see, and all of it was seen."""
        return bool(self.checks) and all(seen for _, seen in self.checks)

    def verdict(self) -> None:
        """The last line of a demo."""
        missed = [promise for promise, seen in self.checks if not seen]
        self._gap()
        if self.succeeded():
            self._print(Text(f"All {len(self.checks)} promises were seen.", style="bold green"))
        else:
            missing = "; ".join(missed) or "anything at all"
            self._print(Text(f"Not seen, though promised: {missing}.", style="bold red"))

    # ---- while one waits ---------------------------------------------------------------------------------------------

    @contextmanager
    def busy(self, what: str) -> Iterator[Callable[[str], None]]:
        """While something takes its time: a spinner at a terminal, one plain line otherwise.

        Args:
            what: what is being done.

        Yields:
            A function that takes a word about how far it is.
        """
        if self.err.is_terminal:
            with self.err.status(what) as status:
                yield lambda detail: status.update(f"{what}: {detail}")
        else:
            self.err.print(f"{what} ...", soft_wrap=True)
            yield lambda detail: None

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        """While a known amount of work is done: a bar at a terminal, a plain line every few seconds otherwise.

        Args:
            what: what is being done.
            total: how much there is to do, in whatever unit.

        Yields:
            A function to call with how much has been done so far.
        """
        if self.err.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), TaskProgressColumn(), TimeRemainingColumn())
            with Progress(*columns, console=self.err, transient=True) as bar:
                task = bar.add_task(what, total=total)
                yield lambda done: bar.update(task, completed=done)
        else:
            said = time.monotonic()

            def say(done: int) -> None:
                nonlocal said
                if time.monotonic() - said >= PLAIN_PROGRESS_EVERY:
                    said = time.monotonic()
                    self.err.print(f"{what}: {100 * done // max(total, 1)} %", soft_wrap=True)

            yield say


class Silent(Stage):
    """A stage that says nothing while one waits: what is done is a part of something that shows how far the whole is."""

    @contextmanager
    def busy(self, what: str) -> Iterator[Callable[[str], None]]:
        yield lambda detail: None

    @contextmanager
    def progress(self, what: str, total: int) -> Iterator[Callable[[int], None]]:
        yield lambda done: None
