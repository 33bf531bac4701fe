"""Records the films and takes the reference pictures that the tests of the page compare with: `make record WHAT=pictures`.

The films are kept, so that the pictures do not depend on the version of CPython or on addresses. They are recorded anew only if
they are asked for: RECORD=films. Then look at the pictures before you keep them.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))

from hashtable_lab import specimens  # noqa: E402
from hashtable_lab.replay import command  # noqa: E402
from hashtable_lab.stage import Stage  # noqa: E402
from test_page import VIEWS, Browser, picture  # noqa: E402
from test_state import STORY  # noqa: E402


def films() -> None:
    """Writes the films."""
    story, _ = command.shoot(command.of_code(STORY, (), "hashtable_traced", ()))
    broken, _ = command.shoot(command.of_specimen(specimens.load("missing-incref"), Stage()))
    for name, film in {"story": story, "missing-incref": broken}.items():
        (HERE / "films" / f"{name}.json").write_text(json.dumps(film, indent=0) + "\n", encoding="utf-8")


def pictures() -> None:
    """Takes the pictures."""
    (HERE / "pictures").mkdir(exist_ok=True)
    with Browser() as browser:
        for name in VIEWS:
            (HERE / "pictures" / f"{name}.png").write_bytes(picture(browser, name))


if __name__ == "__main__":
    if sys.argv[1:] == ["films"]:
        films()
    pictures()
