"""The three knobs, swept: size, hash function and maximum load, over real keys and over hard ones.

`keys` makes the keys, `functions` finds the hash functions, `measuring` measures one setting (a job of a campaign), `theory` says
what is to be expected, `report` shows what came out (terminal, CSV, Parquet, a page with plots), `command` is what a reader types.
"""
