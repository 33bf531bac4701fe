"""Proves the exercises: each fails as given for the stated reason, its solution passes, and each wrong attempt gets its message.

Nor does an exercise pass by deleting what it tests: an attempt without a line of code fails too.

All attempts in Rust are examples of one package, which cargo compiles together; then they are judged, several at a time. What was
seen of an attempt is kept under the fingerprint of everything that it rests on, and is not looked for again.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from hashtable_lab.course import c, folder
from hashtable_lab.course.build import Built, build_rust, put
from hashtable_lab.course.check import judge
from hashtable_lab.course.exercise import LANGUAGES, Entry
from hashtable_lab.course.predictions import check_predictions
from hashtable_lab.course.verdict import Verdict
from hashtable_lab.source import source_folder

#: So many examples are given to cargo at a time: it tells how far it is between two of them.
AT_A_TIME = 40

#: The modules of the course that a verdict rests on.
RESTS_ON = ("build", "c", "check", "judge", "predictions", "things")


@dataclass(frozen=True)
class Attempt:
    """An attempt whose verdict is known beforehand.

    Attributes:
        entry, language: of what.
        name: in a few words.
        text: the file.
        reasons: the check finds one of these; "" is a right attempt, "*" is anything else than right.
        says: the advice that has to come with it, if any.
    """

    entry: Entry
    language: str
    name: str
    text: str
    reasons: tuple[str, ...]
    says: str = ""

    @property
    def expected(self) -> str:
        """What is to be seen, in words."""
        return " or ".join(reason or "right" for reason in self.reasons) + (f": {self.says}" if self.says else "")


@dataclass(frozen=True)
class Proof:
    """What was seen of an attempt.

    Attributes:
        attempt: which.
        reason, advice, said: what the check found, what it advised, and how it put it.
    """

    attempt: Attempt
    reason: str
    advice: str
    said: str

    @property
    def holds(self) -> bool:
        """Whether it is what was expected."""
        if self.attempt.reasons == ("*",):
            return self.reason != ""
        return self.reason in self.attempt.reasons and self.attempt.says in ("", self.advice)

    @property
    def seen(self) -> str:
        """What was seen, in words."""
        return f"{self.reason or 'right'}: {self.advice or self.said}"


def attempts(entry: Entry) -> Iterator[Attempt]:
    """Every attempt to an exercise that is known, in each of its languages.

    Raises:
        ValueError: a wrong attempt cannot be made of the solution.
    """
    for language in entry.languages:
        solution = entry.solution(language)
        yield Attempt(entry, language, "as given", entry.given(language), tuple(entry.about.fails.split("|")))
        yield Attempt(entry, language, "the solution", solution, ("",))
        yield Attempt(entry, language, "nothing at all", "", ("*",))
        for wrong in entry.about.wrong:
            if edits := wrong.edits(language):
                text = solution
                for old, new in edits:
                    if text.count(old) != 1:
                        raise ValueError(f"{entry.name}, {wrong.name}: {old!r} stands {text.count(old)} times.")
                    text = text.replace(old, new)
                yield Attempt(entry, language, wrong.name, text, tuple(wrong.reason.split("|")), wrong.says)


def prove(known: Sequence[Attempt], place: Path, tell: Callable[[str], None] = lambda _: None) -> list[Proof]:
    """Checks attempts.

    Args:
        known: the attempts.
        place: a folder for what is built; what is there from before is used.
        tell: is told how far it is.

    Returns:
        What was seen of each, in their order.
    """
    place.mkdir(parents=True, exist_ok=True)
    place = place.resolve()
    memory = place / "proofs.json"
    seen: dict[str, list[str]] = json.loads(memory.read_text(encoding="utf-8")) if memory.is_file() else {}
    common = _common_fingerprint()
    keys = [_fingerprint(common, attempt) for attempt in known]
    left = {key: attempt for key, attempt in zip(keys, known) if key not in seen}
    done = 0
    try:
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
            for few in _portions(list(left.items())):
                built = _build([(key, attempt) for key, attempt in few if attempt.language != "python"], place, pool)

                def look(item: tuple[str, Attempt], built: dict[str, Built] = built) -> tuple[str, Verdict]:
                    return item[0], _verdict(item[0], item[1], built, place)

                for key, verdict in pool.map(look, few):
                    seen[key] = [verdict.reason, verdict.advice, verdict.said]
                done += len(few)
                tell(f"{done} of {len(left)} attempts checked, {len(known) - len(left)} known from before")
    finally:
        memory.write_text(json.dumps(seen, indent=1), encoding="utf-8")
    return [Proof(attempt, *seen[key]) for key, attempt in zip(keys, known)]


def _portions(items: list[tuple[str, Attempt]]) -> Iterator[list[tuple[str, Attempt]]]:
    for at in range(0, len(items), AT_A_TIME):
        yield items[at : at + AT_A_TIME]


def _build(few: list[tuple[str, Attempt]], place: Path, pool: ThreadPoolExecutor) -> dict[str, Built]:
    """Compiles the modules of a few attempts, by their keys."""
    crate = place / "crate"
    crate.mkdir(exist_ok=True)
    for key, attempt in few:
        (crate / f"{key}.{LANGUAGES[attempt.language]}").write_text(attempt.text, encoding="utf-8")
    rust = [key for key, attempt in few if attempt.language == "rust"]
    built = {}
    if rust:
        folder.write_crate(crate, [(key, f"{key}.rs") for key in rust])
        built.update(build_rust(crate, place / "target", rust))
    in_c = [key for key, attempt in few if attempt.language == "c"]
    if in_c:
        compiler = c.prepare()
        built.update(zip(in_c, pool.map(lambda key: c.build_c(crate / f"{key}.c", place / "c" / key, compiler), in_c)))
    return built


def _verdict(key: str, attempt: Attempt, built: dict[str, Built], place: Path) -> Verdict:
    if attempt.language == "python":
        file = place / f"{key}.py"
        file.write_text(attempt.text, encoding="utf-8")
        return judge(attempt.entry, attempt.text, lambda: check_predictions(attempt.entry, file))
    return judge(attempt.entry, attempt.text, lambda: _place(key, attempt, built[key], place))


def _place(key: str, attempt: Attempt, built: Built, place: Path) -> Path | Verdict:
    if built.library is None:
        return Verdict("build", built.said)
    return put(built.library, attempt.entry.name, place / "modules" / key)


def _common_fingerprint() -> bytes:
    """Of what every proof rests on: the course's own code, the ledger, and this Python."""
    made = hashlib.sha256(sys.version.encode())
    here = Path(__file__).resolve().parent
    files = [here / f"{name}.py" for name in RESTS_ON]
    files += [*here.glob("prelude/*"), *(source_folder() / "src" / "ledger").rglob("*.rs")]
    # The ledger's header for C.
    files += [file for file in (here.parent / "foreign").rglob("*") if file.suffix in (".py", ".tsv", ".h")]
    for file in sorted(files):
        made.update(file.read_bytes())
    return made.digest()


def _fingerprint(common: bytes, attempt: Attempt) -> str:
    about = (attempt.entry.folder / "about.py").read_bytes()
    text = f"{attempt.entry.name}\0{attempt.language}\0{attempt.text}".encode()
    digest = hashlib.sha256(common + about + text).hexdigest()[:12]
    return f"{attempt.entry.name}-{attempt.language}-{digest}"
