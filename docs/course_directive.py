"""Directives that write pages about the course from the exercises themselves (hashtable_lab.course).

    ```{exercises}
    ```

lists them by part; `{exercise-notes}` writes the instructor's notes, with the mistakes that tempt and what is said to them.
"""

from hashtable_lab.course.contents import PARTS, entries
from sphinx.util.docutils import SphinxDirective


def _languages(entry):
    endings = {"rs": "Rust", "c": "C", "py": "Python"}
    return ", ".join(name for ending, name in endings.items() if (entry.folder / f"exercise.{ending}").is_file())


class Exercises(SphinxDirective):
    """All exercises, a table for each part."""

    def run(self):
        lines = []
        for part in PARTS:
            lines += [f"**{part}**", "", "| | exercise | what it is about | minutes | in |", "|---|---|---|---|---|"]
            for entry in entries():
                if list(PARTS)[entry.part - 1] == part:
                    about = entry.about
                    cells = (
                        f"{entry.part}.{entry.number}",
                        f"`{entry.name}`",
                        about.title,
                        about.minutes,
                        _languages(entry),
                    )
                    lines.append(f"| {' | '.join(map(str, cells))} |")
            lines.append("")
        return self.parse_text_to_nodes("\n".join(lines))


class Notes(SphinxDirective):
    """What an instructor should know of each exercise."""

    def run(self):
        lines = []
        for entry in entries():
            about = entry.about
            lines += [
                f"**{entry.part}.{entry.number} {about.title}** (`{entry.name}`, {about.minutes} minutes)",
                "",
                about.notes,
                "",
            ]
            lines += [f"- *{wrong.name}*: {wrong.says}" for wrong in about.wrong]
            lines += ["", f"What is to be learned: {about.explanation}", ""]
        return self.parse_text_to_nodes("\n".join(lines).replace("__", r"\_\_"))


def setup(app):
    app.add_directive("exercises", Exercises)
    app.add_directive("exercise-notes", Notes)
    return {"parallel_read_safe": True}
