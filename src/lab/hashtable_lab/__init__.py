"""The laboratory: shows what goes on below `import hashtable`, and what goes wrong when a reference is miscounted.

It is pure Python and an ordinary user of the extension. Everything starts with `python -m hashtable_lab`:

* `demo NAME` performs one of the demos in `hashtable_lab.demos`;
* `specimens` lists, shows and runs broken variants of the extension, each a small diff in docs/specimens;
* `matrix` puts all of them to every detector;
* `ledger SCRIPT` runs a script against the traced build and names the lines that lose a reference, or give away one that
  is not owned;
* `leakcheck STATEMENT` tells whether running a statement leaks, with anybody's extension;
* `who EXPRESSION` tells who holds an object.

`with hashtable_lab.ledger() as book:` does the same for a block of Python code.

The modules, from the bottom up: `book` (the ledger, read from Python), `errors` (what stops a command), `children`
(code that may crash runs in a process of its own), `specimens` (a broken variant: read, applied, built), `stage` (how
a demo speaks), `demos`; `observers` (what a detector does in its child), `detectors` (how they are run and judged),
`explain` (a specimen is met), `matrix` (all of them meet all detectors), `specimen_pages` (what the book says of it);
`questions` (a child is asked something), `leakmeters` and `leakcheck` (what the child
measures, what is made of it), `owners` and `who` (likewise); `audited` and `audit` (a script runs in a child, what
its ledger found comes back); `cli`.
"""

from hashtable_lab.book import Book, Event, Finding, Unbalanced, ledger

__all__ = ["Book", "Event", "Finding", "Unbalanced", "ledger"]
