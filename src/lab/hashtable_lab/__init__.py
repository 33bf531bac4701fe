"""The laboratory: shows what goes on below `import hashtable`, and what goes wrong when a reference is miscounted.

It is pure Python and an ordinary user of the extension. Everything starts with `python -m hashtable_lab`:

* `demo NAME` performs one of the demos in `hashtable_lab.demos`;
* `specimens` lists, shows and runs broken variants of the extension, each a small diff in docs/specimens.

The modules, from the bottom up: `errors` (what stops a command), `children` (code that may crash runs in a process of
its own), `specimens` (a broken variant: read, applied, built), `stage` (how a demo speaks), `demos`, `cli`.
"""
