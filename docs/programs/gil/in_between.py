"""A hash function in Python lets another thread in, in the middle of a call. The other thread changes the very same table."""

import threading

from hashtable import HashTable

inside, changed = threading.Event(), threading.Event()


def slow(key):
    """A hash function that waits until the other thread has changed the table."""
    if key == "slow" and not changed.is_set():
        print("A: in h.set('slow', 1), which is in the hash function")
        inside.set()
        changed.wait()
        print("A: the hash function goes on")
    return 1


h = HashTable(4, 0.5, slow)


def change():
    inside.wait()
    for number in range(100):
        h.set(number, number)
    print("B: has set 100 other keys;", h.size, "buckets now")
    changed.set()


other = threading.Thread(target=change)
other.start()
h.set("slow", 1)
other.join()
print("A: is back;", len(h), "pairs, and all are found:", h["slow"] == 1 and all(h[n] == n for n in range(100)))
