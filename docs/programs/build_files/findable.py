"""A module that needs a library: where does the loader look for it, and what is said when it is not there?

Two C files are compiled: a library with one function, and a module that calls it. ctypes loads the module, as `import` would,
in a process of its own each time. The last two cases change what the whole system finds: they are tried in a view of the file
system that only their process has, which takes root and Linux's `unshare`.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

LIBRARY = "int answer(void) { return 42; }"
MODULE = "int answer(void); int ask(void) { return answer(); }"


def cc(folder, name, source, *options):
    """Compiles a shared object."""
    (folder / "source.c").write_text(source)
    subprocess.run(["cc", "-shared", "-fPIC", folder / "source.c", "-o", folder / name, *options], check=True)


def load(module, before=(), **variables):
    """Loads the module in a process of its own, and says what came of it."""
    program = f"import ctypes\ntry: print('works, and answers', ctypes.CDLL({str(module)!r}).ask())\nexcept OSError as e: print(e)"
    environment = {**os.environ, **variables}
    done = subprocess.run([*before, sys.executable, "-c", program], capture_output=True, text=True, env=environment)
    return (done.stdout or done.stderr).strip().replace(str(module.parent) + "/", "")


def private(command):
    """A command, run by a shell that has a view of the file system of its own, before the rest of the line."""
    return ["unshare", "--mount", "sh", "-c", command + ' && exec "$@"', "sh"]


with tempfile.TemporaryDirectory() as place:
    folder, elsewhere = Path(place, "lib"), Path(place, "moved")
    folder.mkdir()
    cc(folder, "libanswer.so", LIBRARY)
    cc(folder, "plain.so", MODULE, f"-L{folder}", "-lanswer")
    cc(folder, "absolute.so", MODULE, f"-L{folder}", "-lanswer", f"-Wl,-rpath,{folder}")
    cc(folder, "origin.so", MODULE, f"-L{folder}", "-lanswer", "-Wl,-rpath,$ORIGIN")
    print("nothing said:                 ", load(folder / "plain.so"))
    print("LD_LIBRARY_PATH:              ", load(folder / "plain.so", LD_LIBRARY_PATH=str(folder)))
    print("rpath, a fixed place:         ", load(folder / "absolute.so"))
    print("rpath, beside the module:     ", load(folder / "origin.so"))
    folder.rename(elsewhere)
    print("moved, with the fixed place:  ", load(elsewhere / "absolute.so"))
    print("moved, beside the module:     ", load(elsewhere / "origin.so"))
    conf, cache, copy = Path(place, "conf"), Path(place, "cache"), Path(place, "usr-lib")
    conf.write_text(f"{elsewhere}\n")
    ldconfig = shutil.which("ldconfig", path=os.environ["PATH"] + ":/sbin:/usr/sbin")
    registered = f"{ldconfig} -f {conf} -C {cache} && mount --bind {cache} /etc/ld.so.cache"
    # A file for libanswer.so in /usr/lib, in a layer on top that goes when the process ends.
    layers = f"lowerdir=/usr/lib,upperdir={copy}/up,workdir={copy}/work"
    on_top = f"mkdir -p {copy}/up {copy}/work && cp {elsewhere}/libanswer.so {copy}/up && mount -t overlay o -o {layers} /usr/lib"
    for what, command in (("ldconfig has been told:       ", registered), ("copied to /usr/lib:           ", on_top)):
        able = ldconfig and subprocess.run([*private(command), "true"], capture_output=True).returncode == 0
        print(
            what,
            load(elsewhere / "plain.so", private(command)) if able else "not tried here: it takes root, and `unshare`",
        )
