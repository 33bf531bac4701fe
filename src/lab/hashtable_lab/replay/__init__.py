"""The replay: the film of a script, from its Python lines down to each reference that the extension takes and gives.

watching    what the child writes down while the script runs
recording   runs the child, and keeps what it wrote
film        makes steps of it: a versioned JSON (docs/replay-format.md)
page        puts the film into one HTML page
page/       the page itself: plain HTML, CSS and ES modules
still       the picture of a table, for notebooks
command     what a reader types
"""
