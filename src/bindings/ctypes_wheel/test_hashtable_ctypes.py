"""Tests of the installed `hashtable_ctypes`, with nothing but what every Python from 3.6 on brings along.

python test_hashtable_ctypes.py
"""

import gc
import unittest
import weakref

import hashtable_ctypes
from hashtable_ctypes import HashTable


class TheTable(unittest.TestCase):
    def test_what_goes_in_comes_out(self):
        table = HashTable()
        pairs = [(1, "one"), (-(2**63), 2**63 - 1), (2.5, -0.5), ("", ""), ("a\0b", "\0"), ("é𝄞", 7), (True, 1.0)]
        for key, value in pairs:
            self.assertIs(table.set(key, value), table)
        self.assertEqual(table.get(1), 1.0, "True is the int 1")
        self.assertEqual([table.get(key) for key, _ in pairs[1:6]], [value for _, value in pairs[1:6]])
        self.assertEqual(table.items(), [(1, 1.0), *pairs[1:6]])
        self.assertEqual((table.load, len(table)), (6, 6))

    def test_keys_are_equal_only_within_their_kind(self):
        table = HashTable().set(1, "int").set(1.0, "float").set("1", "str")
        self.assertEqual([table.get(key) for key in (1, 1.0, "1")], ["int", "float", "str"])

    def test_the_picture_and_the_growth(self):
        table = HashTable(size=4, max_load=0.5, hash_func=len)
        self.assertEqual(table.picture(), "[]\n[]\n[]\n[]\n")
        table.set("pi", 3.14159)
        self.assertEqual(repr(table), "[]\n[]\n[]*\n[]\n")
        table.set("e", 2.71828)
        self.assertEqual(table.size, 4)
        table.set("phi", 1.61803)
        self.assertEqual((table.size, table.picture()), (8, "[]\n[]*\n[]*\n[]*\n[]\n[]\n[]\n[]\n"))

    def test_pop(self):
        table = HashTable().set("a", "b")
        self.assertEqual(table.pop("a"), "b")
        self.assertEqual(table.pop("a", 5), 5)
        with self.assertRaises(KeyError):
            table.pop("a")
        self.assertEqual(table.load, 0)

    def test_a_hash_function_in_python(self):
        asked = []
        table = HashTable(hash_func=lambda key: asked.append(key) or -3)
        table.set("x", 1).set("y", 2)
        self.assertEqual((table.get("x"), table.get("z"), asked), (1, None, ["x", "y", "x", "z"]))
        self.assertEqual(table.picture(), "[]\n[]**\n[]\n[]\n")
        self.assertEqual(HashTable(hash_func=lambda key: 10**30).set(1, 2).get(1), 2)

    def test_many(self):
        table = HashTable()
        for number in range(5000):
            table.set(str(number), number)
        for number in range(0, 5000, 2):
            self.assertEqual(table.pop(str(number)), number)
        self.assertEqual(table.items(), [(str(number), number) for number in range(1, 5000, 2)])


class BadInput(unittest.TestCase):
    def test_an_exception_of_the_hash_function(self):
        def refuse(key):
            raise LookupError("not this one")

        table = HashTable(hash_func=refuse)
        with self.assertRaisesRegex(LookupError, "not this one"):
            table.set(1, 1)
        self.assertEqual(table.load, 0)

    def test_what_is_no_hash(self):
        with self.assertRaises(ValueError):
            HashTable(hash_func=str).set(1, 1)
        with self.assertRaises(ValueError):
            HashTable().set(float("nan"), 1)

    def test_what_is_no_key(self):
        for key, error in [(None, TypeError), ([], TypeError), (2**63, OverflowError), ("\ud800", UnicodeEncodeError)]:
            with self.assertRaises(error):
                HashTable().set(key, 1)
            with self.assertRaises(error):
                HashTable().set(1, key)

    def test_what_is_no_size(self):
        for size in (0, -1, 1.5, "4", 2**64 + 4):
            with self.assertRaises(ValueError):
                HashTable(size)
        for max_load in (0.0, 1.5, float("nan")):
            with self.assertRaises(ValueError):
                HashTable(4, max_load)
        with self.assertRaises(MemoryError):
            HashTable(2**62)


class TheEnd(unittest.TestCase):
    def test_a_table_goes_and_is_freed_once(self):
        freed = []
        library, real = hashtable_ctypes._library, hashtable_ctypes._library.ht_free

        class Watched:
            def __getattr__(self, name):
                return getattr(library, name)

            def ht_free(self, handle):
                freed.append(handle.value)
                return real(handle)

        hashtable_ctypes._library = Watched()
        try:
            table = HashTable().set("a", "b")
            handle, ghost = table._handle.value, weakref.ref(table)
            del table
            gc.collect()
            self.assertIsNone(ghost())
            self.assertEqual(freed, [handle])
            with self.assertRaises(ValueError):
                HashTable(0)
            self.assertEqual(freed, [handle], "one that was never made is not freed")
        finally:
            hashtable_ctypes._library = library


if __name__ == "__main__":
    unittest.main()
