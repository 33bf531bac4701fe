"""Questions about the hash table."""

from __future__ import annotations

from hashtable_lab.course.quiz.question import Question

QUESTIONS = (
    Question(
        "negative-bucket",
        "table",
        "A key has the hash -5, and the table has 4 buckets. In which bucket is it?",
        "import hashtable; print(hashtable.HashTable(4, 0.5, lambda key: -5).bucket_of('x'))",
        {
            "3": "-5 = -2 * 4 + 3. The mathematical remainder is never negative, and neither is a bucket.",
            "1": "That is the remainder of 5, or -1 without its sign. The remainder goes with the floor "
            "of the quotient: -2, not -1.",
            "-1": "So the remainder comes out in C and Rust. There is no bucket -1: the talk's own program "
            "wrote there.",
            "4": "Four buckets are numbered 0 to 3.",
        },
        "1",
    ),
    Question(
        "all-the-same-hash",
        "table",
        "100 keys all hash to 7, in a table of 256 buckets. How many pairs does a successful "
        "lookup look at, on average?",
        """import hashtable
h = hashtable.HashTable(256, 1.0, lambda key: 7)
for n in range(100): h.set(n, n)
print(h.stats()["mean_probes"] if isinstance(h.stats(), dict) else h.stats().mean_probes)
""",
        {
            "50.5": "All hang in one chain of 100. The first is found at once, the last after 100: 50.5 on average.",
            "1.0": "There are buckets enough, but a hash that is the same for all keys puts them all into one of them.",
            "0.39": "That is the load factor, 100 / 256. It says how full the table is, not how the keys are spread.",
            "7.0": "7 is the number of the bucket, and not how long its chain is.",
        },
        "1.0",
    ),
    Question(
        "resize-and-hash",
        "table",
        "A table with 8 pairs doubles. How often does it call `hash_func` while it moves the pairs?",
        """import hashtable
calls = []
h = hashtable.HashTable(16, 0.5, lambda key: calls.append(key) or key)
for n in range(8): h.set(n, n)
calls.clear()
h.set(8, 8)
assert h.size == 32
print("never" if len(calls) == 1 else "once for each key" if len(calls) == 9 else "twice for each key")
""",
        {
            "never": "Each entry keeps its hash. Moving a pair takes the remainder of that by the new size, "
            "and calls nobody.",
            "once for each key": "That would run foreign code in the middle of a resize. The hash is kept beside the "
            "key, "
            "so nobody has to ask again.",
            "twice for each key": "The old bucket follows from the stored hash as well; nothing needs to be hashed.",
        },
        "once for each key",
    ),
    Question(
        "overwriting-at-the-limit",
        "table",
        "The table is exactly as full as it may be. What does setting a key that it has already do to its size?",
        """import hashtable
h = hashtable.HashTable(4, 0.5)
h.set("a", 1).set("b", 2)
before = h.size
h.set("a", 3)
print("nothing" if h.size == before else "it doubles")
""",
        {
            "nothing": "Only a new pair makes the table fuller. Overwriting changes a value, and no load.",
            "it doubles": "It would if `set` grew first and looked afterwards. It looks first: the key is there.",
            "it shrinks": "This table never shrinks but by `clear`.",
        },
        "it doubles",
    ),
    Question(
        "order",
        "table",
        "`h.set('a', 1).set('b', 2).set('a', 3)`: in which order are the keys iterated over?",
        """import hashtable
print(", ".join(hashtable.HashTable().set('a', 1).set('b', 2).set('a', 3)))
""",
        {
            "a, b": "Iteration follows the entries in the order in which their keys came. Overwriting a "
            "value keeps the place.",
            "b, a": "That would be so if overwriting took the pair out and put it in anew.",
            "by bucket": "Iteration walks the array of entries, not the buckets.",
        },
        "b, a",
    ),
    Question(
        "typed-keys",
        "table",
        "`h.set(1, 'a').set(1.0, 'b').set(True, 'c')`: how many pairs are in the table?",
        "import hashtable; print(len(hashtable.HashTable().set(1, 'a').set(1.0, 'b').set(True, 'c')))",
        {
            "2": "The table is typed: an int and a float are two keys. `True` is the int 1, and overwrites.",
            "1": "In a dict, or with `typed=False`. As in the library underneath, keys here carry their "
            "kind with them.",
            "3": "`True` is an int, and equal to 1.",
        },
        "1",
    ),
    Question(
        "poor-hash",
        "table",
        "With the library's own hash, which strings share a hash with `'abc'`?",
        """import hashtable
hash_ = hashtable.library_hash
same = hash_("xyz") == hash_("abc"), hash_("abcd") == hash_("abc")
print({(True, False): "all of three letters", (False, False): "only itself"}.get(same, "all that begin with a"))
""",
        {
            "all of three letters": "The library hashes a string to its length: deliberately poor, and part of the story.",
            "only itself": "A good hash would do that nearly always. This one only looks at the length.",
            "all that begin with a": "It does not look at a single letter.",
        },
        "only itself",
    ),
    Question(
        "exception-in-hash",
        "layers",
        "`hash_func` raises in the middle of `h.set(key, value)`. What is in the table afterwards?",
        """import hashtable
def broken(key):
    if key == "b": raise KeyboardInterrupt
    return 1
h = hashtable.HashTable(4, 0.5, broken).set("a", 1)
try: h.set("b", 2)
except KeyboardInterrupt: pass
print("what was there before" if dict(h.items()) == {"a": 1} else "nothing" if not h else "the new pair")
""",
        {
            "what was there before": "The hash is needed first. Nothing has been changed when it fails, and the exception "
            "goes to the caller.",
            "the new pair": "Without a hash nobody knows which bucket it belongs to.",
            "nothing": "A table that loses its content because of an exception would be of little use.",
        },
    ),
    Question(
        "hash-too-big",
        "layers",
        "`hash_func` returns 2**100. What happens?",
        """import hashtable
try:
    h = hashtable.HashTable(4, 0.5, lambda key: 2**100).set("a", 1)
    print("it is reduced to 64 bits" if h["a"] == 1 else "the pair is lost")
except OverflowError: print("OverflowError")
""",
        {
            "it is reduced to 64 bits": "As `hash(int)` does it. Any int will do; only what is no int is refused.",
            "OverflowError": "The talk's program refused it so, and with that its README's own hash function for "
            "words of 7 letters.",
            "the pair is lost": "It can be found again: the same key has the same hash, reduced in the same way.",
        },
        "OverflowError",
    ),
    Question(
        "set-returns",
        "two-bugs",
        "What does `h.set('a', 1)` return?",
        """import hashtable
h = hashtable.HashTable()
r = h.set("a", 1)
print("the table" if r is h else "None" if r is None else "the value")
""",
        {
            "the table": "So the prompt shows the picture, and calls can be chained. It is a new reference, and "
            "forgetting that is the talk's first bug.",
            "None": "dict's methods that change something do. This one returns the table itself.",
            "the value": "`setdefault` does.",
        },
        "None",
    ),
    Question(
        "default-hash-call",
        "fast",
        "With the default `hash`, how does the extension find the hash of a key?",
        """import hashtable
calls = []
sys.setprofile(lambda frame, event, what: calls.append(what) if event == "c_call" and what is hash else None)
h = hashtable.HashTable(); h.set("a", 1)
sys.setprofile(None)
print("by the C API, with no Python call" if not calls else "by calling hash, as Python code would")
""",
        {
            "by the C API, with no Python call": (
                "It knows the builtin when it sees it, and calls PyObject_Hash. A profiler sees no call of `hash`."
            ),
            "by calling hash, as Python code would": "That is what happens with any other function. The builtin is recognised.",
        },
        "by calling hash, as Python code would",
    ),
)
