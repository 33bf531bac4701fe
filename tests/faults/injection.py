"""Makes calls with a fault in them: the first thing that may fail does, then the second, and so on until there is no more.

The program that `make faults` runs in a child, where a crash is only an ending. Its argument is a list of calls in JSON, and it
says on standard output, in lines of JSON, what it is about to do and what came of it:

    ["call", statement]                          it begins with this call
    ["run", fault, nth]                          it is about to make the call with this fault: what is raised, and where
    ["done", statement, runs, failed, wrong]     so many runs; [file, line, what failed there, how often] of each place that
                                                 failed; and what was wrong, each as [fault, nth, place, complaint]

The calls are those of calls.py, and `MORE` below. For each there is first a *rehearsal* without a fault: what it returns or raises,
and what the tables look like then, is what must come of the same call once the fault is over. A run with a fault is right if

* the very exception came out that was put in, or what `DOCUMENTED` says comes instead;
* every table is as it was before the call. (A call that works through many pairs, as `update` does, may stop between two);
* the ledger balances, no object that took part has more references than before, and nothing was "ignored" on standard error;
* the same call, made again, does what the rehearsal did.
"""

from __future__ import annotations

import faulthandler
import functools
import gc
import io
import json
import os
import pickle
import re
import sys
import sysconfig
from collections import Counter
from pathlib import Path

import calls
from subject import HashTable, look, module

#: Where the source of the module lies.
SOURCE = Path(os.environ.get("HASHTABLE_SOURCE", Path(__file__).resolve().parents[2]))

#: What is raised at each place, one after the other. An extension that handles one of them has a reason (see `DOCUMENTED`).
EXCEPTIONS = {kind.__name__: kind for kind in (MemoryError, AttributeError, TypeError, KeyError, OverflowError)}
#: What they say.
ON_PURPOSE = "on purpose"
#: The one fault that is no exception put in: a request for memory of the table's own arrays is refused.
ARRAYS = "the table's arrays"

#: A call that has not ended after so many seconds never will.
TIME_LIMIT = 300

# ---- calls beside those of calls.py ----------------------------------------------------------------------------------


class Slotted(HashTable):
    """A table with attributes in slots, one of which is never written."""

    __slots__ = ("colour", "unset")


class Rich(Slotted):
    """A table with attributes in slots and in a `__dict__`."""


class Unbound(HashTable):
    """A table whose `__missing__` is no method."""

    __missing__ = staticmethod(lambda key: key)


def rich():
    """A `Rich` with something in every place."""
    table = Rich(hash_func=hash).set(1, "one").set(2, "two")
    table.colour, table.shape = "red", "round"
    return table


def spent(iterator):
    """The iterator, at its end."""
    for _ in iterator:
        pass
    return iterator


def in_itself():
    """A view on a table that contains the view."""
    table = HashTable()
    view = table.values()
    table.set(1, view)
    return view


def plain():
    """A table with nothing in it but what is built in."""
    return HashTable(4, 0.5, hash).set(1, "one").set(2, "two").set(3.5, "three and a half")


#: Names that `MORE` uses beside those of calls.py: what is always the same, and what is made anew for each run.
THINGS = {
    "Unbound": Unbound,
    "announce": module.announce,
    "fail_allocation": module._fail_allocation,
    "library_hash": module.library_hash,
    "mixed_hash": module.mixed_hash,
    "pickle": pickle,
}
MADE = {
    "plain": plain,
    "rich": rich,
    "library": lambda: HashTable(hash_func=module.library_hash),
    "mixing": lambda: HashTable(hash_func=module.mixed_hash).set("a", 1),
    "walk": lambda: iter(plain().items()),
    "spent": lambda: spent(iter(plain())),
    "in_itself": in_itself,
}


def world(statement):
    """The names that a call can use. What takes time to make is there only if the call mentions it."""
    return {**calls.cast(), **THINGS, **{name: make() for name, make in MADE.items() if name in statement}}


MORE = [
    "library_hash(7), library_hash('seven'), library_hash(7.5)",
    "library.set(1e300, other)",
    "mixed_hash(7), mixed_hash('seven')",
    "mixing.set(1e300, other)", "mixing.set('a', other)", "mixing.stats()",
    "table.typed",
    "next(walk)",
    "list(walk)",
    "walk.__length_hint__()",
    "spent.__length_hint__()",
    "spent.__reduce__()",
    "reversed(plain.values()).__reduce__()",
    "repr(in_itself)",
    "repr(plain), str(plain), f'{plain}', f'{plain:full}'",
    "f'{table:full}'",
    "plain.popitem()",
    "plain.pop(2)",
    "plain.setdefault(4, other)",
    "plain.update({4: other})",
    "table.update({number: other, 'text': other})",
    "table.update([[absent, other], (number, other)])",
    "table.update(mapping(key, other))",
    "plain.copy()",
    "HashTable().update(plain)",
    "plain.clear()",
    "Unbound()[key]",
    "Answering.fromkeys([number], other)",
    "plain == {1: 'one', 2: 'two', 3.5: 'three and a half'}",
    "{1: 'one'} == plain",
    "HashTable(typed=False).set(1, other) == {1: other}",
    "HashTable(typed=False).set(1, other) == {1: value}",
    "plain == plain.copy()",
    "{1: other} | plain",
    "plain | {1: other}",
    "plain.__ior__({1: other})",
    *(f"plain.{view}() {operator} plain.copy().{view}()" for view in ("keys", "items") for operator in "&|-^"),
    *(f"plain.{view}() {operator} plain.copy().{view}()" for view in ("keys", "items") for operator in ("==", "<", ">=")),
    *(f"plain.keys() {operator} {{1, 2, 3.5}}" for operator in ("==", "!=", "<", "<=", ">", ">=")),
    "plain.keys() == {1: 1, 2: 2, 3.5: 3}.keys()",
    "{1, 4} & plain.keys()",
    "plain.keys().isdisjoint(plain.keys())",
    "plain.keys().isdisjoint([4])",
    "set(plain), list(plain.items())",
    "plain.__reduce__()",
    "rich.__reduce__()",
    "rich.__setstate__((4, 8, 0.5, hash, True, [(3, other)], {'shape': 'square'}, {'colour': 'blue'}))",
    "copy.copy(rich)",
    "copy.deepcopy(rich)",
    "pickle.loads(pickle.dumps(plain))",
    "pickle.loads(pickle.dumps(rich))",
    "pickle.loads(pickle.dumps(iter(plain.items())))",
    # What only the traced build has.
    "announce(False)",
    "fail_allocation(0)",
    "announce(True), plain.get('four'), plain.get(4.5)",
]  # fmt: skip

STATEMENTS = [*(call.statement for call in calls.CALLS), *MORE]

#: Calls that go from pair to pair, or are several calls: they may stop between two.
PIECEMEAL = re.compile(r"\.update\(|__ior__| for |repr\(table\.set\(")
#: Calls that go on where they stopped: made again, they do something else.
GOES_ON = {"[table.pop(k) for k in table]", "next(walk)", "list(walk)"}
#: What a fault may change of a table after all: the attributes of a subclass are set one by one, when the pairs are safe; and
#: `clear` without memory keeps the larger array; and of two arrays that grow, one may have grown when the other is refused.
LEFT_OUT = {"__setstate__": ("colour", "shape"), ".clear()": ("bytes",), "10**6 + 50": ("bytes",)}
#: What gives orders of its own to the table's arrays.
ORDERS = {"fail_allocation(0)"}

# ---- what the extension makes of some exceptions ---------------------------------------------------------------------


def says(kind, message):
    """It raises another exception, of this kind and with this message."""
    return lambda outcome, rehearsal: outcome[:2] == ["raised", kind.__name__] and message in outcome[2]


def as_ever(outcome, rehearsal):
    """It does what it does without a fault."""
    return outcome == rehearsal


def returns(outcome, rehearsal):
    """It returns something, although not the same as without a fault."""
    return outcome[0] == "returned"


def as_pairs(outcome, rehearsal):
    """It takes what it was given for an iterable of pairs."""
    no_pairs = outcome[:2] == ["raised", "TypeError"] and re.search("is not iterable|element #0", outcome[2])
    return outcome == rehearsal or no_pairs


def perhaps_as_ever(outcome, rehearsal):
    """It does what it does without a fault, or raises what was put in: that is up to CPython."""
    return outcome == rehearsal or outcome[2:] == [ON_PURPOSE]


#: Where something else than the exception that was put in may come out: a file, what its line says, the exceptions, what must come
#: then, and why.
DOCUMENTED = [
    ("arguments.rs", "PyFloat_AsDouble", (TypeError, OverflowError), says(TypeError, "max_load parameter must be a float"),
     "no number, or one too large for a float: the documented TypeError"),
    ("update.rs", "PySequence_Tuple", (TypeError,), says(TypeError, "cannot convert HashTable update sequence element #"),
     "an element that is no sequence: dict's TypeError"),
    ("update.rs", 'c"keys"', (AttributeError,), as_pairs, "what has no `keys` is an iterable of pairs"),
    ("pickling.rs", 'c"__dict__")?.unwrap_or', (AttributeError,), returns, "a table without `__dict__` has no attributes to keep"),
    ("pickling.rs", "optional_attribute_named", (AttributeError,), returns, "a slot that was never written is no attribute"),
    ("iterators.rs", "PyLong_FromSsize_t", (TypeError,), perhaps_as_ever,
     "CPython takes a TypeError of __length_hint__ for `cannot tell` (PEP 424)"),
    ("announce.rs", "received(repr", tuple(EXCEPTIONS.values()), as_ever, "an announcement is no reason for a call to fail"),
]  # fmt: skip


@functools.cache
def documented(place, kind):
    """What must come of this kind of exception at this place, or None: the exception itself."""
    file, line, _ = place
    text = Path(SOURCE, file).read_text(encoding="utf-8").splitlines()[line - 1]
    for name, part, kinds, expected, _ in DOCUMENTED:
        if Path(file).name == name and part in text and kind in kinds:
            return expected
    return None


# ---- looking ---------------------------------------------------------------------------------------------------------


def without_addresses(text):
    """The text, alike for objects that lie in different places."""
    return re.sub(r"0x[0-9a-f]+", "0x...", text)


class Labels:
    """Says of objects what they are, so that two worlds can be compared. Runs no code of theirs."""

    def __init__(self, names):
        self.names = {id(op): name for name, op in names.items()}

    def __call__(self, op):
        if id(op) in self.names:
            return self.names[id(op)]
        if isinstance(op, HashTable):
            return [type(op).__name__, self.table(op)]
        if isinstance(op, (tuple, list)):
            return [type(op).__name__, *map(self, op)]
        if isinstance(op, dict):
            return ["dict", *([self(key), self(value)] for key, value in op.items())]
        if isinstance(op, (set, frozenset)):
            return ["set", *sorted(map(str, map(self, op)))]
        if op is None or isinstance(op, (int, float, str)):
            return without_addresses(repr(op))
        return type(op).__name__

    def table(self, table, left_out=()):
        """What can be seen of a table, and of what a subclass has added to it."""
        seen = look(table)
        seen.update(seen.pop("stats"))
        seen.update(getattr(table, "__dict__", {}))
        seen.update((name, getattr(table, name)) for name in Slotted.__slots__ if hasattr(table, name))
        return [[name, self(value)] for name, value in seen.items() if name not in left_out]

    def tables(self, names, left_out=()):
        """What can be seen of all tables, without the attributes that are left out."""
        return [self.table(names[name], left_out) for name in ("table", "plain", "rich", "library") if name in names]


def make(code, names):
    """Makes the call. Returns whether it returned or raised, and what."""
    try:
        if isinstance(code, tuple):
            return "returned", exec(code[0], names)
        return "returned", eval(code, names)
    except Exception as error:
        return "raised", error.with_traceback(None)  # that would keep our own names alive


def described(how, what, labels):
    """What came of a call, so that it can be compared."""
    if how == "returned":
        return [how, labels(what)]
    return [how, type(what).__name__, without_addresses(str(what.args[0] if what.args else ""))]


def compiled(statement):
    """The call as code: an expression, whose value is looked at, or else a statement in a tuple."""
    try:
        return compile(statement, "<call>", "eval")
    except SyntaxError:
        return (compile(statement, "<call>", "exec"),)


# ---- one call --------------------------------------------------------------------------------------------------------


class Call:
    """One call of `STATEMENTS`, with its rehearsal.

    Attributes:
        wrong: what was wrong, each as (fault, nth, place, complaint).
        failed: how often each place failed.
        runs: how many runs there were.
    """

    def __init__(self, statement):
        self.statement, self.code = statement, compiled(statement)
        self.runs, self.wrong, self.failed = 0, [], Counter()
        self.piecemeal = PIECEMEAL.search(statement) is not None
        self.left_out = next((names for part, names in LEFT_OUT.items() if part in statement), ())
        make(self.code, world(statement))  # whatever is made only once
        module.announce(False)
        names = world(statement)
        labels = Labels(names)
        self.passed = [labels.tables(names, self.left_out)]
        if self.piecemeal:
            # What can be seen whenever a function begins or ends, as the hash function does between two pairs.
            sys.setprofile(lambda *_: self.passed.append(labels.tables(names, self.left_out)))
        try:
            how, what = make(self.code, names)
        finally:
            sys.setprofile(None)
            module.announce(False)
        self.outcome, self.final = described(how, what, labels), labels.tables(names, self.left_out)
        if self.piecemeal:
            self.passed.append(self.final)

    def run(self, fault, nth):
        """Makes the call with one fault in it. Returns whether there were still so many places to fail."""
        say("run", fault, nth)
        self.runs += 1
        names = world(self.statement)
        labels = Labels(names)
        error = EXCEPTIONS[fault](ON_PURPOSE) if fault in EXCEPTIONS else None
        places, first_finding = failures(), module.ledger_position()[0]
        counts = references(names)
        module._fail_allocation(0 if error else nth)
        module.ledger_fail(nth if error else 0, error)
        how, what = make(self.code, names)
        left = module.ledger_fail(None)
        if not error:
            left = module._fail_allocation(0)
        module.announce(False)
        if left:
            return False
        outcome = described(how, what, labels)
        places = failures() - places
        self.failed += places
        place = next(iter(places), None)

        def wrong(complaint):
            self.wrong.append([fault, nth, place, without_addresses(complaint)])

        # What came out.
        untouched = what is error if error else isinstance(what, MemoryError)
        expected = documented(place, EXCEPTIONS[fault]) if error and place else None
        if place is None and (error or ".clear()" not in self.statement):
            wrong("something was made to fail, and no place is known for it")
        elif place is None:
            if outcome != self.outcome:
                wrong(f"clear does without memory, and yet: {shortly(outcome)}")
        elif expected is not None:
            if not expected(outcome, self.outcome):
                wrong(f"{fault} was put in, and this is not what is documented: {shortly(outcome)}")
        elif not untouched:
            wrong(f"{fault if error else 'MemoryError'} was due, and this came: {shortly(outcome)}")
        # The tables.
        if outcome == self.outcome and not untouched:
            if labels.tables(names, self.left_out) != self.final:
                wrong("it did what it does without a fault, but the tables are not what they are then")
        elif labels.tables(names, self.left_out) not in self.passed:
            wrong("a table is not as it was before the call")
        # References. An AttributeError owns the object that was asked, so the exception goes first.
        if untouched and not self.piecemeal and self.statement not in GOES_ON:
            del what, error
            now = references(names)
            changed = [f"{name} {now[name] - then:+}" for name, then in counts.items() if now[name] != then]
            if changed:
                wrong(f"references: {', '.join(changed)}")
        for kind, done, file, line, function, _, type_name, text, _ in module.ledger_findings(first_finding):
            wrong(f"{kind}: {text or type_name}: {done}, at {file}:{line} in {function}")
        for ignored in IGNORED:
            wrong(f"ignored on standard error: {ignored}")
        IGNORED.clear()
        # Once more, without a fault.
        if outcome != self.outcome and self.statement not in GOES_ON:
            again = described(*make(self.code, names), labels)
            module.announce(False)
            if again != self.outcome:
                wrong(f"made again, the call comes to {shortly(again)}")
            elif labels.tables(names, self.left_out) != self.final:
                wrong("made again, the call does not do to the tables what it is to do")
        return True

    def run_all(self):
        """Makes the call with every fault at every place."""
        for fault in EXCEPTIONS if self.statement in ORDERS else (*EXCEPTIONS, ARRAYS):
            nth = 1
            while self.run(fault, nth):
                nth += 1


#: The flag of a type that was made while the program ran (`Py_TPFLAGS_HEAPTYPE`).
MADE_AT_RUN_TIME = 1 << 9
WITHOUT_GIL = bool(sysconfig.get_config_var("Py_GIL_DISABLED"))


def countable(value):
    """Whether the count of an object says how many references there are to it. Without the GIL each thread counts the objects of
    a type made at run time for itself, and nobody adds that up until the type dies. (The ledger still looks at each reference.)"""
    return not (WITHOUT_GIL and isinstance(value, type) and value.__flags__ & MADE_AT_RUN_TIME)


def not_counted():
    """What of the world has references that are not counted, and why, in a line each."""
    if countable(HashTable):
        return []
    return ["the references to HashTable; without the GIL each thread counts the objects of a heap type for itself"]


def references(names):
    """How many references there are to each object of the world whose count says it."""
    return {name: sys.getrefcount(value) for name, value in names.items() if countable(value)}


def shortly(outcome):
    """An outcome in a few words."""
    text = " ".join(map(str, outcome))
    return text if len(text) <= 200 else f"{text[:200]} ..."


#: What had no way to be raised.
IGNORED: list[str] = []


def failures():
    """How often each place has failed so far."""
    return Counter({(file, line, call): failed for file, line, call, _, failed, _ in module.ledger_places()})


def say(*words):
    """A line for the parent."""
    sys.__stdout__.write(json.dumps(words) + "\n")
    sys.__stdout__.flush()


def main():
    module.ledger_speak(False)
    sys.stdout = io.StringIO()  # announcements go there
    gc.disable()  # it would come at moments of its own
    sys.unraisablehook = lambda unraisable: IGNORED.append(repr(unraisable.exc_value))
    for statement in json.loads(sys.argv[1]):
        faulthandler.dump_traceback_later(TIME_LIMIT, exit=True)
        say("call", statement)
        call = Call(statement)
        call.run_all()
        say("done", statement, call.runs, [[*place, times] for place, times in call.failed.items()], call.wrong)
        gc.collect()
    faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main()
