"""`python -m hashtable_lab`, and the console script `hashtable-lab`."""

import sys


def main() -> int:
    """Runs what was typed. Returns the exit code."""
    try:
        from hashtable_lab.cli import main as run
    except KeyboardInterrupt:  # Ctrl-C while modules are still being imported
        return 130
    except ModuleNotFoundError as missing:
        if missing.name not in ("click", "rich"):
            raise
        print(
            f"hashtable_lab needs the package {missing.name!r}: "
            f"run `{sys.executable} -m pip install '.[lab]'` in the project's folder.",
            file=sys.stderr,
        )
        return 2
    try:
        return run()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
