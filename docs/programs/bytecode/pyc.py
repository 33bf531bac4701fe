"""A .py file becomes a .pyc file: its header and its content, read by hand.

python pyc.py
"""

import importlib.util
import marshal
import py_compile
import sys
import tempfile
from datetime import datetime, timezone
from pathlib import Path

SOURCE = "def first(h, k):\n    return h[k] + 1\n"


def imported(file):
    """What comes of importing a .pyc file."""
    specification = importlib.util.spec_from_file_location("shown", file)
    module = importlib.util.module_from_spec(specification)
    try:
        specification.loader.exec_module(module)
    except (ImportError, EOFError, ValueError) as error:
        return "{}: {}".format(type(error).__name__, str(error).replace(str(Path(file).parent), "..."))
    return f"imported, and first([41], 0) is {module.first([41], 0)}"


def main():
    with tempfile.TemporaryDirectory() as folder:
        source, compiled = Path(folder, "shown.py"), Path(folder, "shown.pyc")
        source.write_text(SOURCE)
        by_hash = py_compile.PycInvalidationMode.CHECKED_HASH
        py_compile.compile(str(source), str(compiled), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
        data = compiled.read_bytes()

        number = int.from_bytes(data[:2], "little")
        flags, when, size = (int.from_bytes(data[at : at + 4], "little") for at in (4, 8, 12))
        print("CPython {}.{}, a file of {} bytes".format(*sys.version_info[:2], len(data)))
        print("  0  {:24} the version of the bytecode: {}".format(data[:4].hex(" "), number))
        print("  4  {:24} flags: {}, checked by the time of the source".format(data[4:8].hex(" "), flags))
        right = when == int(source.stat().st_mtime) and size == source.stat().st_size == len(SOURCE)
        year = datetime.fromtimestamp(when, timezone.utc).year
        print("  8  {:24} when the source was changed, in {}".format("(4 bytes, a time)", year))
        print(" 12  {:24} how long the source is: {} bytes".format(data[12:16].hex(" "), size))
        print("     time and size are those of the source:", right)
        print(
            " 16  {:24} marshal: {!r} is a code object{}".format(
                data[16:20].hex(" ") + " ...",
                chr(data[16] & 0x7F),
                ", noted as one that may come again" * (data[16] > 127),
            )
        )

        code = marshal.loads(data[16:])
        (inner,) = [constant for constant in code.co_consts if hasattr(constant, "co_code")]
        print("\nwhat marshal makes of it:", type(code).__name__, code.co_name)
        print("  its constants hold another:", inner.co_name)
        for what in "co_varnames", "co_consts", "co_stacksize":
            print(f"    {what}: {getattr(inner, what)!r}")
        print("    co_code: {} bytes, that begin with {}".format(len(inner.co_code), inner.co_code[:8].hex(" ")))

        print("\nas it is:                  ", imported(compiled))
        compiled.write_bytes(bytes([data[0] ^ 1]) + data[1:])
        print("with another version:      ", imported(compiled))
        compiled.write_bytes(data[:30])
        print("cut after 30 bytes:        ", imported(compiled))
        py_compile.compile(str(source), str(compiled), invalidation_mode=by_hash)
        data = compiled.read_bytes()
        same = data[8:16] == importlib.util.source_hash(SOURCE.encode())
        print(f"flags {data[4]}, with a hash:      a hash of the source instead of its time; the right one: {same}")


if __name__ == "__main__":
    main()
