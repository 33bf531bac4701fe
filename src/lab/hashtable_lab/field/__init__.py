"""Real bugs in real packages: what does each tool say of a release that has one, and of a release that has not?

`case` reads what is known of a bug; `packages` fetches and builds releases; `tools` puts one release to one tool, which is a job of
a campaign; `record` puts the answers together, and counts them against the goals; `page` writes docs/field.md from the record.
"""
