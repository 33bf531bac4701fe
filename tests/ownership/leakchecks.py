"""Checks for reference counts and leaks: a statement goes in, a list of complaints comes out, empty if there are none.

    balance   the counts of all objects in a statement's cast change by what is owed and by nothing else
    leaks     running a statement again and again leaves nothing behind, by any of the meters below
    memory    nor does the memory of the process grow, which also counts what Rust has allocated
    survivors whatever was used in a statement can die afterwards

The same functions run in the test suite and, as a program, in a child that finds another module:

    PYTHONPATH=folder:tests python tests/ownership/leakchecks.py CHECK STATEMENT

runs one check on one statement with the module `hashtable` in that folder, prints which file the module is, then a
line for each complaint, and exits with 1 if there are any. That is how the checks themselves are checked, with a
module that is known to leak.
"""

from __future__ import annotations

import argparse
import gc
import sys
import weakref
from array import array

import calls
import subject
from hashtable_lab.leakcheck.rule import judge

# ---- one statement ---------------------------------------------------------------------------------------------------


def compiled(statement):
    """The code of a statement. If it is an expression, evaluating it gives the result."""
    try:
        return compile(statement, "<call>", "eval")
    except SyntaxError:
        return compile(statement, "<call>", "exec")


def outcome(code, names):
    """Runs a statement. Returns its result, or the exception that it raised, without the frames that led to it."""
    try:
        return eval(code, names)
    except Exception as error:
        return error.with_traceback(None)


def counts(names):
    """The reference count of each object that is watched. Each is one too high, or two: this call looks at them too."""
    return {name: sys.getrefcount(names[name]) for name in calls.WATCHED}


# ---- the ledger's record ---------------------------------------------------------------------------------------------

GAINS, LOSSES = {"incref", "new", "taken"}, {"decref", "returned", "stolen", "stored"}


def unaccounted(events):
    """Checks the raw record of a ledger by itself, for a time at whose end nothing is in hand.

    The ledger also finds out by looking what the extension does not tell it: what lies in a field, what a method returned.
    But only what is told has a line. So everything must be told.

    Args:
        events: the `hashtable_lab.audit.ledger.Event`s of that time.

    Returns:
        A complaint for each event without a line, and one for each object that was not given up as often as it was taken,
        in the form of the ledger's own findings.
    """
    in_hand, last, complaints = {}, {}, []
    for event in events:
        if not event.line:
            complaints.append(f"{event.function}: record: {event.type}: {event.what}, on no line")
        if event.what in GAINS or event.what in LOSSES:
            in_hand[event.address] = in_hand.get(event.address, 0) + (1 if event.what in GAINS else -1)
            last[event.address] = event
    for address, surplus in in_hand.items():
        if surplus:
            event, more = last[address], "taken" if surplus > 0 else "given up"
            complaints.append(
                f"{event.file}:{event.line}: record: {event.type}: {event.what}, but {more} once too often in all"
            )
    return complaints


# ---- balance ---------------------------------------------------------------------------------------------------------


def balance(call):
    """Runs a call and compares the changes of all counts with what the call owes.

    Args:
        call: a `calls.Call`.

    Returns:
        A complaint for each count that is not what it should be, and one if the call did not raise what it should.
    """
    names = calls.cast()
    code = compiled(call.statement)
    before = counts(names)
    result = outcome(code, names)
    while_held = counts(names)
    complaints = []
    if isinstance(result, BaseException) != (call.raises is not None):
        complaints.append(f"it came to {result!r}")
    elif call.raises is not None and not isinstance(result, call.raises):
        complaints.append(f"it raised {result!r}")
    del result
    gc.collect()
    after = counts(names)
    for name in calls.WATCHED:
        owed = call.after.get(name, 0)
        owed_while_held = owed + call.held.get(name, 0)
        for moment, count, expected in (("held", while_held, owed_while_held), ("gone", after, owed)):
            change = count[name] - before[name]
            if change != expected:
                complaints.append(
                    f"the count of {name} changed by {change:+d} and not by {expected:+d} with the result {moment}"
                )
    return complaints


# ---- leaks -----------------------------------------------------------------------------------------------------------

#: What is counted, by name. Each must be the same after a statement as before it.
METERS = {
    "allocated blocks": sys.getallocatedblocks,
    "objects of the garbage collector": lambda: len(gc.get_objects()),
}
if hasattr(sys, "gettotalrefcount"):
    # Only a debug build of CPython counts all references.
    METERS["total references"] = sys.gettotalrefcount

ROUNDS = 60
BATCHES = 4
TRIES = 10


def leaks(statement):
    """Runs a statement again and again, each time with a fresh cast, and reads the meters between batches of rounds.

    Interpreters fill caches and free lists as they please, and a meter rises while they do. (CPython's cache of
    attributes, for one, keeps up to 4096 names alive.) That comes to an end; a leak goes on for ever, and in proportion to
    the rounds. Which it is, the rule of `hashtable_lab leakcheck` says. A meter is complained about if it leaks by that
    rule, or grows by none, however often one tries.

    Args:
        statement: what to run.

    Returns:
        A complaint for each meter that rose in every try.
    """
    code = compiled(statement)
    return still_growing(METERS, lambda: outcome(code, calls.cast()), ROUNDS)


def still_growing(meters, run, rounds):
    """Complaints about those meters that rise with the number of runs, in each of `TRIES` tries."""
    rising, complaints = dict(meters), []
    for _ in range(TRIES):
        complaints = []
        for meter, growth in growth_of(rising, run, rounds).items():
            if judge(growth, [rounds] * BATCHES) != "steady":
                complaints.append(f"{meter}: {growth} more after every {rounds} times")
            else:
                del rising[meter]
        if not complaints:
            break
    return complaints


def growth_of(meters, run, rounds):
    """Runs batches of rounds. Returns for each meter by how much it rose in each batch."""
    # An array, because a list of readings would itself be more and more objects.
    readings = {meter: array("q", [0] * (BATCHES + 1)) for meter in meters}
    for batch in range(-2, BATCHES + 1):
        for _ in range(rounds):
            run()
        gc.collect()
        for meter, read in meters.items():
            readings[meter][max(batch, 0)] = read()  # the first batches warm up, and are written over
    return {meter: [later - earlier for earlier, later in zip(row, row[1:])] for meter, row in readings.items()}


def memory(statement, rounds=600):
    """Runs a statement many times and looks at the memory of the process, by the same rule.

    Args:
        statement: what to run. It should use so much memory that forgetting to free it shows among whole pages.
        rounds: how often to run it in each batch.

    Returns:
        A complaint if memory rose in every try.
    """
    import psutil

    process = psutil.Process()
    code = compiled(statement)
    return still_growing(
        {"resident memory": lambda: process.memory_info().rss}, lambda: outcome(code, calls.cast()), rounds
    )


def survivors(statement):
    """Runs a statement once, drops its cast, and looks who is still there.

    Args:
        statement: what to run.

    Returns:
        A complaint for each object of the cast that is still alive.
    """
    names = calls.cast()
    without = ("number", "state")  # ints and tuples have no weak references
    references = {name: weakref.ref(names[name]) for name in calls.WATCHED if name not in without}
    outcome(compiled(statement), names)
    names.clear()
    gc.collect()
    return [f"{name} is still alive" for name, reference in references.items() if reference() is not None]


# ---- as a program ----------------------------------------------------------------------------------------------------


def check_balance(statement):
    """`balance` for a statement that is in calls.CALLS."""
    return balance(next(call for call in calls.CALLS if call.statement == statement))


CHECKS = {"balance": check_balance, "leaks": leaks, "memory": memory, "survivors": survivors}


def main():
    parser = argparse.ArgumentParser(description="Run one leak check on one statement, with the module that is found.")
    parser.add_argument("check", choices=CHECKS, help="what to look at")
    parser.add_argument("statement", help="what to run; calls.py lists the names that it can use")
    arguments = parser.parse_args()
    print("module:", subject.module.__file__)
    complaints = CHECKS[arguments.check](arguments.statement)
    print(*complaints, sep="\n", end="\n" if complaints else "")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
