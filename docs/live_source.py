"""Keeps the source of each example in the page, for the site to run (`make site`).

What a reader sees of an example has lost what doctest reads: its options, and where a blank line ends nothing. So each
example is followed by a `template` element, which browsers do not show, with the example as the chapter has it. The
same for a program whose output the page shows, with its command.
"""

import html
from pathlib import Path

from docutils import nodes
from sphinxcontrib.programoutput import program_output

# What builds the example and runs a command with it; the site has it built.
EXAMPLE = "python programs/example.py "


def template(text, **data):
    attributes = "".join(f' data-{key}="{html.escape(value)}"' for key, value in data.items())
    return nodes.raw("", f'<template class="live-source"{attributes}>{html.escape(text)}</template>', format="html")


def keep_sources(app, doctree):
    """Puts a template behind each example and each program. Runs before the programs do: their commands are lost then."""
    for node in list(doctree.findall(lambda node: isinstance(node, (nodes.literal_block, nodes.comment)))):
        kind = node.get("testnodetype")
        if kind in ("doctest", "testsetup", "testcleanup"):
            source = template(node.get("test") or node.astext(), kind=kind.removeprefix("test"))
            node.parent.insert(node.parent.index(node) + 1, source)
    for node in list(doctree.findall(program_output)):
        command = node["command"]
        data = {}
        if command.startswith(EXAMPLE):
            # The script goes with the command, so that the reader can change it.
            *words, script = command.removeprefix(EXAMPLE).split()
            command = " ".join(["python", *words])
            data = {"script": (Path(app.srcdir) / script).read_text(encoding="utf-8"), "name": Path(script).name}
        node.parent.insert(node.parent.index(node) + 1, template(command, kind="program", **data))


def setup(app):
    # sphinxcontrib.programoutput listens with the priority 500, which is the default.
    app.connect("doctree-read", keep_sources, priority=400)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
