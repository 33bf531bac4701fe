"""The table on the front page: a prompt with a table `h` in it, three knobs, and its picture."""

import json

import hashtable
from prompt import Prompt
from still import picture  # a file of the laboratory, which build.py puts beside this one

OWN = "my_hash"


class Front:
    """One table, `h`, in the namespace of one prompt."""

    def __init__(self):
        self.prompt = Prompt()
        self.names = self.prompt.namespace
        self.names["HashTable"] = hashtable.HashTable
        for name in ("library_hash", "mixed_hash"):
            if hasattr(hashtable, name):
                self.names[name] = getattr(hashtable, name)

    def turn(self, size, max_load, hash_name, source):
        """Makes the table anew with these knobs and the pairs that it had. Returns JSON, as `look` does."""
        try:
            if hash_name == OWN:
                exec(compile(source, "<your hash function>", "exec"), self.names)
            function = hash if hash_name == "hash" else self.names[hash_name]
            table = hashtable.HashTable(int(size), float(max_load), function)
            table.update(self.names.get("h", {}))
        except BaseException as error:
            return self.look(f"{type(error).__name__}: {error}")
        self.names["h"] = table
        return self.look()

    def execute(self, line):
        """Runs what the reader typed. Returns JSON, as `look` does."""
        rows = json.loads(self.prompt.run(line, compare=False))
        return self.look("".join(row["got"] for row in rows))

    def look(self, printed=""):
        """What there is to see now: the picture, the knobs as they stand, and what was printed."""
        table = self.names.get("h")
        if not isinstance(table, hashtable.HashTable):
            return json.dumps({"printed": printed, "svg": None, "says": "`h` is no table any more."})
        says = f"{table.load} pairs in {table.size} buckets; the longest chain has {table.stats()['longest_chain']}."
        drawn = picture(table)
        svg = drawn if isinstance(drawn, str) else drawn._repr_svg_()
        return json.dumps({"printed": printed, "svg": svg, "size": table.size, "says": says})
