"""By which road does an installed package reach native code? `road FILE|PACKAGE` tells, from the files alone.

    package.py   which files belong to a package, a wheel or a folder
    binary.py    what a native file says of itself: the names in it, the libraries that it needs (lief reads the formats)
    tools.py     the traces that each tool leaves
    judge.py     what follows from them, for one file and for all of them
    command.py   the command

Nothing is imported and nothing is run.
"""
