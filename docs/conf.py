"""How the book is built: `make docs`.

Nothing in the book is pasted. Three things keep it true, and each of them stops the build when it is not:

* source code is included from the source files (`literalinclude`), found by what a line says and not by its number;
* what one types at the prompt is run and compared (`doctest`, the second of the two builders that `make docs` calls);
* what a program prints comes from running the program (`sphinxcontrib-programoutput`).

Building needs the extension and the laboratory installed in the virtual environment that runs Sphinx, and no network.
"""

import os
import shutil
import sys
from pathlib import Path

from sphinx.application import ENV_PICKLE_FILENAME
from sphinx.errors import ConfigError

ROOT = Path(__file__).resolve().parent.parent

project = "hashtable"
html_title = "hashtable: a book"
language = "en"

extensions = ["myst_parser", "sphinx.ext.doctest", "sphinxcontrib.programoutput"]
extensions += ["sphinx_design", "sphinx_copybutton", "sphinx_reredirects"]
# Extensions of the book's own are the files beside this one that have a `setup`. (The tiny books of test_docs.py have none.)
HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
extensions += sorted(
    file.stem for file in HERE.glob("*.py") if file.name != "conf.py" and "\ndef setup(app" in file.read_text("utf-8")
)
myst_enable_extensions = ["attrs_block", "attrs_inline", "colon_fence", "deflist"]
myst_heading_anchors = 3

# Where an address leads that the book once had and has no more. addresses.txt lists every address that it ever had;
# _static/moved.js has the places within pages that have moved.
redirects = {
    "ownership": "counts.html",
    "type": "slots.html",
}
redirect_html_template_file = "_static/moved.template"

# What is typed is copied, and not what comes of it.
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

# The slides and the handout are a project of their own: `make workshop`.
exclude_patterns = ["workshop/print"]

html_theme = "furo"
html_static_path = ["_static"]
html_css_files = ["book.css"]
html_favicon = "_static/icon.svg"
html_js_files = ["moved.js", "book.js"]
html_copy_source = False
html_show_copyright = False
html_show_sphinx = False

# Only `>>>` in a doctest directive counts: then it is always clear what is run.
doctest_test_doctest_blocks = ""

# ---- the programs that the book runs ---------------------------------------------------------------------------------

# `python` in the book is the Python that builds it.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
_python = shutil.which("python")
if _python is None or not os.path.samefile(_python, sys.executable):
    raise ConfigError("the book runs programs with `python`: build it in a virtual environment, as `make docs` does.")

# Where the demos find the source of which they build broken variants.
os.environ.setdefault("HASHTABLE_SOURCE", str(ROOT))

# Every reader gets the same picture: 80 columns, no colours, UTF-8. And a `make` in the book is not part of the one
# that builds it.
os.environ.update(COLUMNS="80", NO_COLOR="1", PYTHONUTF8="1", PYTHONIOENCODING="utf-8")
for _name in ("FORCE_COLOR", "CLICOLOR_FORCE", "TTY_COMPATIBLE", "MAKEFLAGS", "MFLAGS", "MAKELEVEL"):
    os.environ.pop(_name, None)


def setup(app):
    """Forgets what an earlier build knew: a program may print something else although no chapter has changed."""
    (Path(app.doctreedir) / ENV_PICKLE_FILENAME).unlink(missing_ok=True)
