"""Makes docs/roads.md and its plots of the record, docs/roads/results.json: `python src/bindings/page.py`.

A record that was made with another CPython lies beside it, such as results-3.15.json; of that the page has what calls cost.
The words are in page.md, beside this file; every figure comes from the record. Who beats our extension is read from the record
too; why, nobody can compute: WHY says it, and a winner for whom it says nothing stops the page.
"""

from __future__ import annotations

import hashlib
import json
import string
import sys
from pathlib import Path
from typing import Any

from probe import PROBES

HERE = Path(__file__).resolve().parent
DOCS = HERE.parent.parent / "docs"
RECORD = DOCS / "roads" / "results.json"
PAGE = DOCS / "roads.md"

OURS = "extension"

#: A binding must be better by so much to be called better: less is chance.
MARGIN = 1.1

#: The columns in which a smaller number is better: what each is called, and where it is in the record.
COLUMNS = {
    "an empty call": ("ns", "empty"),
    "`get` of an int": ("ns", "get"),
    "`get` of a str": ("ns", "get_str"),
    "`get` at the end of a chain of 100": ("ns", "get_chain"),
    "`set`": ("ns", "set"),
    "`get` with a hash function in Python": ("ns", "get_hash_func"),
    "a call back from C": ("ns", "ask"),
    "memory per table": ("bytes_per_table",),
    "lines for hello and pi": ("lines", "hello"),
    "lines for the table": ("lines", "table"),
    "seconds to build": ("build_seconds",),
    "kB to ship": ("bytes", "total"),
}

#: Why a binding beats ours, by column; what is said must hold for every binding that does.
WHY = {
    "`get` at the end of a chain of 100": (
        "The library's default hash of a str is its length, so that a hundred keys of one length are all "
        "compared. The C library compares kind, length and bytes, which lie in the table. Ours has to go to each "
        "key, an object somewhere else in memory, and asks for its type before it compares, because that might be one "
        "with a comparison in Python, which may change the table. With a hash function that spreads the keys the "
        "difference disappears, as the column for a str shows."
    ),
    "lines for hello and pi": (
        "Ours is the C API by hand, in a language that is not C: what others generate, or find in a header, "
        "is written out, reference by reference."
    ),
    "lines for the table": (
        "Ours does all that `dict` does, and not only what the tests need; and for each line that nothing checks, "
        "it says why the line is safe."
    ),
    "seconds to build": (
        "Where nothing is compiled, nothing takes time, and the others compile one file against a library "
        "that is there already. Ours also compiles the library and the declarations of the C API, and "
        "optimises all of it as one program."
    ),
    "kB to ship": (
        "A road that compiles nothing ships the library alone, and the binding in C adds little to it. Ours is the "
        "library and all of `dict`'s methods; Rust's standard library is in both."
    ),
}


def value(row: dict[str, Any], path: tuple[str, ...]) -> float:
    """A figure of a binding."""
    if path == ("bytes", "total"):
        return (row["bytes"]["module"] + row["bytes"]["library"]) / 1024
    for key in path:
        row = row[key]
    return float(row)  # type: ignore[arg-type]


def built(results: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The bindings that could be built."""
    return {name: row for name, row in results["roads"].items() if "missing" not in row}


def beaten(results: dict[str, Any]) -> dict[str, list[str]]:
    """By column, the bindings that are better than ours, the best first."""
    rows = built(results)
    found = {}
    for column, path in COLUMNS.items():
        ours = value(rows[OURS], path)
        better = [name for name in rows if value(rows[name], path) * MARGIN < ours]
        if better:
            found[column] = sorted(better, key=lambda name: value(rows[name], path))
    return found


def table(header: list[str], rows: list[list[str]], right: bool = False) -> str:
    """A table in Markdown, with all columns but the first to the right if `right`."""
    rule = ["---"] + ["--:" if right else "---"] * (len(header) - 1)
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [header, rule, *rows])


def number(figure: float) -> str:
    """A figure as one reads it."""
    return f"{figure:.0f}" if figure >= 10 else f"{figure:.1f}"


def calls(results: dict[str, Any]) -> str:
    """What calls cost."""
    names = ("empty", "get", "set", "get_str", "get_chain", "get_hash_func", "ask")
    rows = [[row["title"], *(number(row["ns"][name]) for name in names)] for row in built(results).values()]
    plain = results["baseline"]
    rows.append(["Python and `dict`", *("" if name == "get_hash_func" else number(plain[name]) for name in names)])
    header = [
        "ns per call",
        "empty",
        "`get(int)`",
        "`set`",
        "`get(str)`",
        "`get(str)` in a chain of 100",
        "`get`, hash in Python",
        "call back from C",
    ]
    return table(header, rows, right=True)


def rounds(results: dict[str, Any]) -> str:
    """How often calls were timed: a record says how many turns each binding had, an older one was made with one turn for each."""
    if "turns" in results:
        return f"the best of {results['turns']} turns, which all bindings take one after another"
    return "the best of seven rounds, each binding by itself"


def costs(results: dict[str, Any]) -> str:
    """What the author writes, what is built, and how large it is."""
    rows = []
    for row in built(results).values():
        seconds = f"{row['build_seconds']:.1f}" if row["build_seconds"] else ""
        sizes = [f"{row['bytes'][part] / 1024:.0f}" if row["bytes"][part] else "" for part in ("module", "library")]
        written = [str(row["lines"][part]) for part in ("hello", "table")]
        rows.append([row["title"], *written, seconds, *sizes, str(row["bytes_per_table"])])
    header = [
        "",
        "lines: hello, pi",
        "lines: table",
        "seconds to build",
        "module, kB",
        "library, kB",
        "bytes per table",
    ]
    return table(header, rows, right=True)


def adjectives(results: dict[str, Any]) -> str:
    """The talk's adjectives as measured columns."""
    rows = []
    for row in built(results).values():
        worked = sum(what == "works" for what in row["pythons"].values())
        kept = [row["probes"][f"{where} raises"]["passes"] for where in ("hash function", "callback from C")]
        passed = sum(probe["passes"] for probe in row["probes"].values())
        rows.append(
            [
                row["title"],
                f"{row['needs']['build']}; {row['needs']['run']}",
                f"{row['lines']['table']} lines",
                f"{worked} of {len(row['pythons'])}",
                {"library": "only the library below"}.get(row["from_c"], row["from_c"]),
                number(1e3 / row["ns"]["get"]),
                f"{sum(kept)} of 2",
                f"{passed} of {len(row['probes'])}",
                "yes" if row["cycles"]["passes"] else "no",
                {"clean": "yes", "leaks": "no"}.get(row["leak_check"]["verdict"], row["leak_check"]["verdict"]),
            ]
        )
    header = ["", "built in: needed to build; to run", "pythonic, for so much"]
    header += ["independent of the version: works in", "open to others: C uses its binary"]
    header += ["throughput: million `get` per second", "exceptions carried", "bad input handled", "cycles collected"]
    return table([*header, "references balanced"], rows)


def pythons(results: dict[str, Any]) -> str:
    """In which Pythons the one binary works; below, what the others say."""
    rows = built(results)
    versions = list(rows[OURS]["pythons"])
    lines, said = [], []
    for row in rows.values():
        lines.append([row["title"], *("yes" if row["pythons"][version] == "works" else "" for version in versions)])
        reasons: dict[str, list[str]] = {}
        for version in versions:
            if row["pythons"][version] != "works":
                reasons.setdefault(row["pythons"][version], []).append(version)
        words = [f"`{what.replace('`', '')}` ({', '.join(where)})" for what, where in reasons.items()]
        if words:
            said.append(f"- {row['title']}: {'; '.join(words)}.")
    return table(["", *versions], lines) + "\n\nWhat the others say:\n\n" + "\n".join(said)


def bad_input(results: dict[str, Any]) -> str:
    """The bad input that some binding does not carry to Python, and what comes of it."""
    rows = built(results).values()
    lines = []
    for name in PROBES:
        said: dict[str, list[str]] = {}
        for row in rows:
            if not row["probes"][name]["passes"]:
                said.setdefault(row["probes"][name]["what"].replace("`", "").replace("|", ""), []).append(row["title"])
        carried = len(rows) - sum(map(len, said.values()))
        others = "; ".join(f"{', '.join(titles)}: `{what}`" for what, titles in said.items())
        lines.append([name, f"{carried} of {len(rows)}", others])
    return table(["", "bindings that carry it", "the others"], lines)


def winners(results: dict[str, Any]) -> str:
    """Which binding beats ours in which column, and why."""
    rows, said = built(results), []
    for column, names in beaten(results).items():
        if column not in WHY:
            sys.exit(f"page.py: {rows[names[0]]['title']} beats our extension in {column!r}: say why, in WHY.")
        figures = ", ".join(f"{rows[name]['title']} {number(value(rows[name], COLUMNS[column]))}" for name in names)
        ours = number(value(rows[OURS], COLUMNS[column]))
        said.append(f"- **{column}** (ours {ours}): {figures}. {WHY[column]}")
    rest = [column for column in COLUMNS if column not in beaten(results)]
    said.append(f"- In all other columns nobody does: {', '.join(rest)}.")
    return "\n".join(said)


def controls(results: dict[str, Any]) -> str:
    """What became of the bindings that are broken on purpose."""
    rows = []
    for name, said in results["controls"].items():
        caught = f"caught by {said['by']}" if said["caught"] else "not caught"
        rows.append([name, caught, said["what"]])
    return table(["", "", "what was said"], rows)


def apart(results: dict[str, Any]) -> str:
    """What was measured in another run than the rest, and must not be compared with it to the nanosecond."""
    titles = [row["title"] for row in built(results).values() if row.get("apart")]
    if not titles:
        return ""
    names = ", ".join(titles)
    return f"These were measured in a run of their own, on a busy machine: {names}. Their times are upper limits.\n"


def missing(results: dict[str, Any]) -> str:
    """The bindings that could not be built where the record was made."""
    rows = [f"- {row['title']}: {row['missing']}" for row in results["roads"].values() if "missing" in row]
    if not rows:
        return "All bindings could be built for this record."
    return "These bindings could not be built for this record:\n\n" + "\n".join(rows)


def version(results: dict[str, Any]) -> tuple[int, int]:
    """The CPython that a record was made with, such as (3, 15)."""
    major, minor = results["python"].split(".")[:2]
    return int(major), int(minor)


def record_file(results: dict[str, Any]) -> Path:
    """Where a record belongs: in RECORD if that is of the same CPython, or is not there; else in a file of its own beside it."""
    if not RECORD.is_file() or version(json.loads(RECORD.read_text(encoding="utf-8"))) == version(results):
        return RECORD
    return RECORD.with_name("results-{}.{}.json".format(*version(results)))


def of_other_pythons() -> list[dict[str, Any]]:
    """The records of other CPythons, the oldest CPython first."""
    files = RECORD.parent.glob("results-*.json")
    return sorted((json.loads(file.read_text(encoding="utf-8")) for file in files), key=version)


def other_pythons(others: list[dict[str, Any]]) -> str:
    """What calls cost with other CPythons."""
    said = []
    for results in others:
        said += [f"### With CPython {results['python']}", calls(results), f"On: {results['machine']['processor']}."]
        absent = [f"{row['title']} ({row['missing']})" for row in results["roads"].values() if "missing" in row]
        said += [f"Not built there: {'; '.join(absent)}."] * bool(absent)
    how = "`make record WHAT=bindings VENV=target/venv-3.15 PYTHON=python3.15` makes such a record."
    return "\n\n".join([*said, how] if said else [])


def page(results: dict[str, Any], others: list[dict[str, Any]]) -> str:
    """The whole page: of the first record, and of those of other CPythons."""
    about = results["machine"]
    parts = {
        part.__name__: part(results)
        for part in (calls, rounds, costs, adjectives, pythons, bad_input, winners, controls, apart, missing)
    }
    machine = f"{about['processor']}, {about['system']}, CPython {results['python']}, {about['cc']}, {about['rustc']}"
    return string.Template((HERE / "page.md").read_text(encoding="utf-8")).substitute(
        parts, machine=machine, python=results["python"], other_pythons=other_pythons(others)
    )


# ---- plots -----------------------------------------------------------------------------------------------------------


def digest(results: dict[str, Any]) -> str:
    """What tells one record from another; the plots carry it."""
    return hashlib.sha256(json.dumps(results, sort_keys=True).encode()).hexdigest()


def plots(results: dict[str, Any]) -> None:
    """Draws the plots into docs/roads/."""
    import matplotlib

    matplotlib.use("svg")
    import matplotlib.pyplot as plt

    # The same record gives the same file.
    matplotlib.rcParams.update({"svg.hashsalt": "roads", "svg.fonttype": "none", "font.size": 9})
    rows = built(results)
    titles = [row["title"] for row in rows.values()]

    def bars(name: str, label: str, columns: dict[str, tuple[str, ...]]) -> None:
        figure, axes = plt.subplots(1, len(columns), figsize=(9, 3.4), sharey=True, layout="constrained")
        for axis, (title, path) in zip(axes, columns.items()):
            figures = [value(row, path) for row in rows.values()]
            drawn = axis.barh(titles, figures, color=["#c44e52" if name == OURS else "#4c72b0" for name in rows])
            axis.bar_label(drawn, [number(figure) for figure in figures], padding=2, fontsize=8)
            axis.set(title=title, xlabel=label, xscale="log")
            axis.set_xlim(1, 4 * max(figures))
            axis.spines[["top", "right"]].set_visible(False)
        axes[0].invert_yaxis()
        figure.savefig(RECORD.parent / f"{name}.svg", metadata={"Date": None, "Description": digest(results)})
        plt.close(figure)

    chosen = {"an empty call": COLUMNS["an empty call"], "get of an int": COLUMNS["`get` of an int"]}
    chosen["a call back from C"] = COLUMNS["a call back from C"]
    bars("calls", "ns per call", chosen)
    bars("lines", "lines", {"hello and pi": ("lines", "hello"), "the table": ("lines", "table")})


def main() -> None:
    results = json.loads(RECORD.read_text(encoding="utf-8"))
    PAGE.write_text(page(results, of_other_pythons()), encoding="utf-8")
    plots(results)


if __name__ == "__main__":
    main()
