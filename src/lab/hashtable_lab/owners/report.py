"""`python -m hashtable_lab who`: who holds an object? Its reference count, owner by owner.

The search happens in a child, a fresh interpreter, and is described in `search`. Here its answer is put into words.
"""

from __future__ import annotations

import json
import platform
from typing import Any

from hashtable_lab.children.questions import CannotAnswer, ask
from hashtable_lab.errors import Missing
from hashtable_lab.stage import Stage

# So many owners are listed for people.
_MOST_ROWS = 30


def perform(setup: str, expression: str, as_json: bool, stage: Stage) -> None:
    """Explains the count of what an expression gives, for people or for machines.

    Args:
        setup: Python code that is run once before.
        expression: the expression.
        as_json: JSON instead of a table.
        stage: where to print.

    Raises:
        Missing: setup or expression cannot be run; the message says why.
    """
    try:
        with stage.progress("who", 100) as advance:
            question = {"setup": setup, "expression": expression}
            found = ask("owners.search", question, lambda done, what: advance(int(100 * done)))
    except CannotAnswer as error:
        raise Missing(f"{error}.") from None
    if as_json:
        known = {"expression": expression, "setup": setup, "python": platform.python_version()}
        stage.out.file.write(json.dumps({**known, **found, "why": why(found)}, indent=2) + "\n")
    else:
        show(found, expression, stage)


def show(found: dict[str, Any], expression: str, stage: Stage) -> None:
    """Prints an answer of `search.explain`."""
    stage.say(f"`{expression.strip()}` is {found['repr']}, of type {found['type']}.")
    if not found["immortal"]:
        rows = [(owner["where"], owner["references"]) for owner in found["owners"][:_MOST_ROWS]]
        others = found["owners"][_MOST_ROWS:]
        if others:
            references = sum(owner["references"] for owner in others)
            rows.append((f"{len(others)} other places (--json lists them)", references))
        rows.append(("seen, all together", found["seen"]))
        rows.append((f"counted: {found['getrefcount']}, less {found['tool']} of this tool", found["count"]))
        rows.append(("the rest: counted, less seen", found["rest"]))
        stage.table(["held by", "references"], rows)
    for sentence in why(found):
        stage.say(sentence)


def why(found: dict[str, Any]) -> list[str]:
    """What there is to say about an answer: why a count tells nothing, or why there is a rest."""
    rest = found["rest"]
    if found["immortal"]:
        return [
            f"It is immortal: its count, {found['getrefcount']}, never moves, so it tells nothing "
            "about owners. A leak of such an object, or giving it back once too often, shows nowhere."
        ]
    if rest > 0:
        return [
            f"{rest} more counted than seen. Who holds an object unseen: a C struct or a C variable that takes no "
            "part in garbage collection; a type that does not visit one of its fields; a function that runs just "
            "now in C; or no owner at all, which is a leak."
        ]
    if rest < 0:
        return [
            f"{-rest} more seen than counted. An owner that does not count is seen and not counted: an "
            "argument or variable that is only borrowed (calls do that from CPython 3.14 on); or an owner whose "
            "reference was given back once too often, and who will soon hold an object that is gone."
        ]
    return ["Everything that is counted was seen."]
