"""`python -m hashtable_lab`."""

import sys

try:
    from hashtable_lab.cli import main

    exit_code = main()
except KeyboardInterrupt:  # Ctrl-C while the modules above were still being imported
    exit_code = 130
except ModuleNotFoundError as missing:
    if missing.name not in ("click", "rich", "unidiff", "filelock"):
        raise
    print(
        f"hashtable_lab needs the package {missing.name!r}: "
        f"run `{sys.executable} -m pip install '.[lab]'` in the project's folder.",
        file=sys.stderr,
    )
    exit_code = 2
sys.exit(exit_code)
