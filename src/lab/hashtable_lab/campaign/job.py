"""A job, its name, and its result."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import pickle
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hashtable_lab.errors import Missing


@dataclass(frozen=True)
class Job:
    """A function that is to be called with these arguments, somewhere.

    Attributes:
        function: a function of a module (not a lambda or a local function, which cannot be pickled). It returns what JSON
            can hold.
        arguments: its keyword arguments: None, bools, numbers, strings, bytes, paths, and lists, tuples, sets, mappings and
            dataclasses of those.
        depends_on: what else the result depends on, such as a version or the digest of a file. It becomes part of the name.
        label: a few words for people. It is not part of the name.
    """

    function: Callable[..., Any]
    arguments: Mapping[str, Any] = field(default_factory=dict)
    depends_on: tuple[str, ...] = ()
    label: str = ""

    @property
    def name(self) -> str:
        """The job's name, made of the content of its input: jobs that have the same name have the same result.

        Raises:
            TypeError: an argument is of a type that has no defined content.
        """
        return digest([self.function.__module__, self.function.__qualname__, self.arguments, self.depends_on])

    def __call__(self) -> str:
        """Runs it, here and now.

        Returns:
            The result as JSON text, which is the same text wherever it was run.

        Raises:
            TypeError: the function returned what JSON cannot hold.
        """
        return json.dumps(self.function(**self.arguments), allow_nan=True)

    def check_picklable(self) -> None:
        """Raises `Missing`, with a line that names the job, if it could not be sent to another process."""
        try:
            pickle.dumps(self)
        except Exception as error:  # pickle raises whatever __reduce__ raises
            raise Missing(
                f"the job {self} cannot be sent to another process: {error}. "
                "A job's function must be at the top level of a module, and its arguments plain data."
            ) from None

    def __str__(self) -> str:
        return self.label or f"{self.function.__qualname__}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True)
class Result:
    """What came of a job.

    Attributes:
        job: the job.
        value: what its function returned, as JSON holds it (a tuple has become a list); None if it failed.
        error: why it failed, in a line; empty if it did not.
        resumed: it was not run this time, but known from an earlier run.
    """

    job: Job
    value: Any = None
    error: str = ""
    resumed: bool = False


def digest(content: Any) -> str:
    """A name for some content: 24 hexadecimal digits of its SHA-256.

    Args:
        content: as for the arguments of a `Job`.

    Returns:
        The name. It is the same in every process and on every machine, and does not depend on the order of a set or mapping.

    Raises:
        TypeError: the content is of a type that has no defined content.
    """
    return hashlib.sha256(_encoded(content).encode()).hexdigest()[:24]


def _encoded(content: Any) -> str:
    # The type is part of it: 1, 1.0, True and "1" are four contents.
    kind = type(content).__name__
    if content is None or isinstance(content, (bool, int, float, str, bytes)):
        return f"{kind}:{content!r}"
    if isinstance(content, Path):
        return f"path:{str(content)!r}"
    if isinstance(content, (list, tuple)):
        return f"{kind}:[{','.join(map(_encoded, content))}]"
    if isinstance(content, (set, frozenset)):
        return f"{kind}:[{','.join(sorted(map(_encoded, content)))}]"
    if isinstance(content, Mapping):
        pairs = sorted(f"{_encoded(key)}={_encoded(value)}" for key, value in content.items())
        return f"mapping:[{','.join(pairs)}]"
    if dataclasses.is_dataclass(content) and not isinstance(content, type):
        fields = {one.name: getattr(content, one.name) for one in dataclasses.fields(content)}
        return f"{kind}:{_encoded(fields)}"
    raise TypeError(f"a job cannot be named by the content of a {kind}: {content!r:.80}")
