"""Does everything that the table can do, once, with the ledger open; and ends with 1 at the first thing that does not balance.

Every call of tests/calls.py and tests/faults/injection.py runs as it is; then, for n from 1 on, with the nth of its calls into
Python that may fail made to fail, and with the nth of its requests for memory, until there is no nth. A line that begins with `> `
says what is being done, for those who find the process dead.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import io
import pickle
import sys
from collections.abc import Callable
from pathlib import Path

TESTS = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(TESTS), str(TESTS / "faults"), str(TESTS / "ownership")]

import injection  # noqa: E402
import leakchecks  # noqa: E402
from hashtable_lab.audit.ledger import Unbalanced, ledger  # noqa: E402
from subject import HashTable, module, seven  # noqa: E402

#: A statement that goes round in a loop fails in the same places again.
MOST_FAULTS = 60


# ---- what is no single statement -------------------------------------------------------------------------------------


class Marked(HashTable):
    """A subclass with attributes, some of them in slots."""

    __slots__ = ("__dict__", "mark")


def copies() -> None:
    table = Marked().set("a", [1]).set("b", 2.5)
    table.mark, table.other = "slot", "attribute"
    table["me"] = table
    for again in (copy.copy(table), copy.deepcopy(table), pickle.loads(pickle.dumps(table))):
        assert (again.mark, again.other, again["a"]) == ("slot", "attribute", [1])
        again.clear()
    table.clear()


def cycles() -> None:
    for container in (list, iter, reversed, HashTable.keys, HashTable.values, HashTable.items):
        table = HashTable(hash_func=lambda key, seven=seven: seven(key))
        table["hash_func"] = lambda key, table=table: table
        table["self"] = container(table)
    walk = iter(table)
    table["walk"] = walk
    del table, container
    gc.collect()  # finds the table through the iterator, and from now on has it behind that
    del walk
    gc.collect()
    assert not any(isinstance(thing, HashTable) for thing in gc.get_objects())


def nesting() -> None:
    table = HashTable()
    for _ in range(200):
        table = HashTable().set("inner", table)


def spent_iterators() -> None:
    table = HashTable().set(1, 2)
    for iterator in (iter(table), iter(table.items()), reversed(table.values())):
        list(iterator)
        assert next(iterator, None) is None
        assert list(copy.copy(iterator)) == []


def announced() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as said:
        module.announce(True)
        table = HashTable(2, 1.0, seven)
        for key in ("text", "x" * 50, 2.5, 7, 10**30, True, None, (), table):
            table.set(key, key).get(key)
        table.clear()
        module.announce(False)
    assert "'text'" in said.getvalue()


def memory() -> None:
    for statement in ("HashTable()", "table.keys()", "iter(table)"):
        complaints = leakchecks.leaks(statement)
        assert not complaints, f"{statement}: {'; '.join(complaints)}"


SCENES: list[Callable[[], None]] = [copies, cycles, nesting, spent_iterators, announced, memory]

# ---- all of it -------------------------------------------------------------------------------------------------------


@contextlib.contextmanager
def accounted_for(what: str):
    """Whatever is done in this block: the ledger must balance, and its record must add up."""
    sys.stdout.write(f"> {what}\n")
    with ledger(module) as kept:
        try:
            yield
        except AssertionError:
            gc.collect()
            kept.assert_balanced()  # what it says tells more
            raise
        gc.collect()
    kept.assert_balanced()
    if complaints := leakchecks.unaccounted(kept.events):
        raise Unbalanced("the record does not add up:\n" + "\n".join(f"  {complaint}" for complaint in complaints))


def run(statement: str) -> None:
    leakchecks.outcome(leakchecks.compiled(statement), injection.world(statement))
    module.announce(False)


def with_faults(statement: str, order: Callable[[int], int]) -> None:
    """Runs a statement again and again, each time with the fault in another place."""
    for nth in range(1, MOST_FAULTS):
        names, code = injection.world(statement), leakchecks.compiled(statement)
        order(nth)
        leakchecks.outcome(code, names)
        left = order(0)
        module.announce(False)
        if left:
            return


def fail_call(nth: int) -> int:
    return module.ledger_fail(nth or None)


def the_import() -> None:
    """What making the module has left in hand, or given away without owning it."""
    left = [
        f"{file}:{line}: surplus: {text}: in hand after the import"
        for file, line, _, _, text in module.ledger_outside()
    ]
    found = [
        f"{file}:{line}: {kind}: {text}: {what}"
        for kind, what, file, line, _, _, _, text, _ in module.ledger_findings(0)
    ]
    if left or found:
        raise Unbalanced("the ledger does not balance:\n" + "\n".join(f"  {complaint}" for complaint in found + left))


def main() -> None:
    the_import()
    gc.collect()
    gc.freeze()  # what was there before need not be looked through each time
    for statement in injection.STATEMENTS:
        with accounted_for(statement):
            run(statement)
    for scene in SCENES:
        with accounted_for(scene.__name__):
            scene()
    for statement in injection.STATEMENTS:
        with accounted_for(f"{statement}, each of its calls failing in turn"):
            with_faults(statement, fail_call)
        with accounted_for(f"{statement}, each of its requests for memory failing in turn"):
            with_faults(statement, module._fail_allocation)


if __name__ == "__main__":
    main()
