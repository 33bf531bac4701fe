"""Calls of the table while memory is scarce: each request for memory is refused once, one after another.

Each call of the registry (calls.py) is made with the first request refused, then with the second, and so on until it makes no
more requests. Each time it must raise MemoryError, or do what its line says. A table that it failed to change must be what it was
before; all tables must be sound and of use; no object may have more references than before, or fewer; and all must die in the end.

There are two kinds of memory, and a switch for each:

    Python's     `_testcapi.set_nomemory`, a part of CPython's own test support. It refuses memory to everybody, so this is
                 done in a child: `python tests/faults/scarcity.py` prints a line of JSON for each call.
    the table's  `_fail_allocation` of the traced module.
"""

from __future__ import annotations

import contextlib
import gc
import json
import re
import sys
import weakref

import calls
import leakchecks
import subject
from hostile import assert_sound

with contextlib.suppress(ImportError):
    import _testcapi

# The last of so many calls in a row that did not fail is the last that is tried: a request may be refused and not missed.
QUIET = 15
MOST = 500

#: The calls that are tried: those that are to end well, or with a KeyError. What the others raise, they raise before there is much
#: to be refused; and CPython itself loses some exceptions if it has no memory for their tracebacks.
CALLS = {call.statement: call for call in calls.CALLS if call.raises in (None, KeyError)}

#: What takes over pairs one by one, or is several calls: it keeps what came before the failure.
PIECEMEAL = re.compile(r"\.update\(|__ior__| for |\.set\(.*\.set\(|repr\(table\.set\(|next\(|^\(\(|pop\(|^native\[.*, ")

#: Where CPython itself keeps references if memory is refused: `Py_ReprLeave`, which `repr` of a dict's views calls too, needs some;
#: and of a function written in Python a frame may stay behind (`copy.copy` of an object of any class shows it, 3.9 to 3.12).
CPYTHON_LEAKS = re.compile(r"^repr\(|^copy\.")


def cpython_aborts(call):
    """Whether a debug build of CPython aborts in this call, for it holds by assertion what a release build goes on without.

    That is so for the lost exceptions (see `attempt`), with a dict as with a table; and for the frame that stays behind (see above)
    in 3.11.2, with `copy.copy` of an object of any class.
    """
    if not hasattr(sys, "gettotalrefcount"):
        return False
    return bool(call.raises) or (sys.version_info < (3, 13) and call.statement.startswith("copy."))


def visible(table):
    """What can be seen of a table, by identity."""
    pairs = [(id(key), id(value)) for key, value in table.items()]
    chains = [[id(key) for key, _ in bucket] for bucket in table.buckets()]
    parameters = (table.size, table.load, table.max_load, table.hash_func, table.typed)
    return parameters, pairs, chains, table.__reduce__()[2][0]


def attempt(module, call, switch, nth):
    """Makes a call with the nth request for memory refused.

    Args:
        module: where the type is from.
        call: a `calls.Call`.
        switch: a function that makes the nth request from now on fail, and with 0 takes that back.
        nth: which one, from 1 on.

    Returns:
        Whether MemoryError was raised, and a list of complaints.
    """
    complaints = []
    names = calls.cast(module)
    tables = [names["table"], names["full"], names["native"]]
    code = leakchecks.compiled(call.statement)
    seen, before = list(map(visible, tables)), leakchecks.counts(names)
    failed = False
    gc.collect()  # which also empties CPython's free lists: what they hand out takes no memory
    try:
        # No `with`: leaving one takes memory.
        try:
            switch(nth)
            eval(code, names)
        finally:
            switch(0)
    except MemoryError:
        failed = True
    except KeyError:
        if call.raises is not KeyError:
            complaints.append("KeyError was raised")
    except Exception as error:
        # CPython from 3.11 on, with a dict as with a table: an exception is lost if there is no memory for its traceback.
        if not (call.raises and "error return without exception set" in str(error)):
            complaints.append(f"{type(error).__name__}: {error}")
    partly = failed and PIECEMEAL.search(call.statement)
    if failed and not partly and list(map(visible, tables)) != seen:
        complaints.append("MemoryError was raised, but a table has changed")
    its_own_leak = CPYTHON_LEAKS.search(call.statement)
    if not partly and not its_own_leak:
        gc.collect()
        for name, count in leakchecks.counts(names).items():
            owed = 0 if failed else call.after.get(name, 0)
            if count - before[name] != owed:
                complaints.append(f"the count of {name} changed by {count - before[name]:+d} and not by {owed:+d}")
    try:
        for table in tables:
            assert_sound(table)
            table["a"] = 1
            table.pop("a")
            assert_sound(table)
    except Exception as error:
        complaints.append(f"the table is of no use afterwards: {type(error).__name__}: {error}")
    references = {
        name: weakref.ref(names[name]) for name in ("table", "full", "native", "key", "value", "absent", "other")
    }
    names.clear()
    tables.clear()
    table = None
    if not its_own_leak:
        gc.collect()
        complaints += [f"{name} is still alive" for name, reference in references.items() if reference() is not None]
    return failed, complaints


def try_all(module, call, switch, carried_out=None):
    """Makes a call again and again, each time with a later request refused.

    Args:
        module, call, switch: as in `attempt`.
        carried_out: a function that tells whether the last refusal happened. Without it, nothing but MemoryError tells.

    Returns:
        How often MemoryError was raised, and a list of complaints.
    """
    attempt(module, call, lambda nth: None, 0)  # whatever is made only once
    failures, quiet, complaints = 0, 0, []
    for nth in range(1, MOST):
        failed, found = attempt(module, call, switch, nth)
        happened = failed if carried_out is None else carried_out()
        if carried_out is not None and happened != failed and not (happened and ".clear()" in call.statement):
            found.append(f"the request was refused: {happened}; MemoryError was raised: {failed}")
        complaints += [f"request {nth}: {complaint}" for complaint in found]
        failures += failed
        quiet = 0 if happened else quiet + 1
        if quiet == (1 if carried_out is not None else QUIET):
            break
    else:
        complaints.append(f"after {MOST} requests there was no end")
    return failures, complaints


def python_refuses(nth):
    """Makes the nth of Python's requests for memory from now on fail; with 0, none."""
    if nth:
        _testcapi.set_nomemory(nth - 1, nth)
    else:
        _testcapi.remove_mem_hooks()


def main():
    gc.disable()  # it would ask for memory at moments of its own
    gc.freeze()
    # CPython 3.9 makes a cache for a function when it is called for the 1024th time, and forgets to raise if there is no
    # memory for it.
    for number in range(2000):
        python_refuses(0)
        calls.hash_func_of_module(number)
    for statement, call in CALLS.items():
        if cpython_aborts(call):
            continue
        print(json.dumps([statement]), flush=True)
        print(json.dumps([statement, *try_all(subject.module, call, python_refuses)]), flush=True)


if __name__ == "__main__":
    main()
