"""What is printed or put on the wall: the slides and the handout. `make workshop` builds them; the book leaves this folder out.

It is a Sphinx project of its own, with the book's directives: transcripts are live and source is included, as in the book.
"""

import os
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "docs"))

project = "hashtable"
extensions = ["myst_parser", "sphinxcontrib.programoutput", "source_directive"]
html_theme = "basic"
html_theme_options = {"nosidebar": True}
html_static_path = ["_static"]
html_css_files = ["print.css"]
html_js_files = [("slides.js", {"defer": "defer"})]
html_copy_source = False
html_use_index = False
html_show_sphinx = False
html_show_copyright = False
html_title = "hashtable"
templates_path = ["_templates"]
pygments_style = "friendly"
# Two pages that belong to no table of contents; and of the book only a part is here for the directives.
suppress_warnings = ["toc.not_included"]
root_doc = "slides"

# `python` is the Python that builds the slides, as in the book.
os.environ["PATH"] = os.path.dirname(sys.executable) + os.pathsep + os.environ.get("PATH", "")
assert shutil.which("python")
os.environ.setdefault("HASHTABLE_SOURCE", str(ROOT))
os.environ.update(COLUMNS="76", NO_COLOR="1", PYTHONUTF8="1", PYTHONIOENCODING="utf-8")
