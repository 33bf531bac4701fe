"""CPython's tests of `dict` that are not put to `HashTable`: each by name, with its reason.

A name that a version of CPython does not have does no harm in that version. Nothing rots here: run.py runs these tests too, and
one that passes is an error.
"""

REPR = "dict's own repr: a HashTable's is its picture, which shows neither keys nor values and so never recurses"
SHARING = "dict-only: key sharing between the attributes of objects; no table is made"
ATTRIBUTES = "dict-only: an object's attributes lie in a real dict"
TRACKING = "dict-only: a dict that cannot be part of a cycle is kept from the garbage collector"
INTERNAL = "dict-only: calls an internal C function of dict"
WORDS = "dict-only: the exact words of a message; the exception is of the same type"
LENGTHS = "dict-only: its iterators compare lengths; ours notice every change, also one that restores the length"
USER_DICT = "UserDict-only: its attribute `data`, and `|` that makes one of its own class (of a subclass of dict, `|` makes a dict)"
FROZEN = "about frozendict, another type"

SKIPS = {
    "mapping_tests.HashTable.test_repr": REPR,
    "mapping_tests.HashTable.test_repr_deep": REPR,
    "test_dict.CAPITest.test_getitem_knownhash": INTERNAL,
    "test_dict.DictTest.test_clear_reentrant_cycle": ATTRIBUTES,
    "test_dict.DictTest.test_clear_reentrant_delete": ATTRIBUTES,
    "test_dict.DictTest.test_clear_reentrant_embedded": ATTRIBUTES,
    "test_dict.DictTest.test_clear_reentrant_force_combined": ATTRIBUTES,
    "test_dict.DictTest.test_instance_dict_getattr_str_subclass": ATTRIBUTES,
    "test_dict.DictTest.test_repr": REPR,
    "test_dict.DictTest.test_repr_deep": REPR,
    "test_dict.DictTest.test_reverse_iterator_for_shared_shared_dicts": SHARING,
    "test_dict.DictTest.test_reversed_dict_after_clear_and_restore": LENGTHS,
    "test_dict.DictTest.test_reversed_dict_keys_changed_during_iteration": WORDS,
    "test_dict.DictTest.test_split_table_insert_with_str_subclass": SHARING,
    "test_dict.DictTest.test_split_table_update_with_str_subclass": SHARING,
    "test_dict.DictTest.test_splittable_del": SHARING,
    "test_dict.DictTest.test_splittable_pop": SHARING,
    "test_dict.DictTest.test_splittable_pop_pending": SHARING,
    "test_dict.DictTest.test_splittable_popitem": SHARING,
    "test_dict.DictTest.test_splittable_setattr_after_pop": SHARING,
    "test_dict.DictTest.test_splittable_setdefault": SHARING,
    "test_dict.DictTest.test_splittable_to_generic_combinedtable": SHARING,
    "test_dict.DictTest.test_store_evilattr": ATTRIBUTES,
    "test_dict.DictTest.test_track_dynamic": TRACKING,
    "test_dict.DictTest.test_track_literals": TRACKING,
    "test_dict.DictTest.test_unhashable_key": WORDS,
    "test_dict.DictTest.test_update_type_error": WORDS,
    "test_dict.FrozenDictMappingTests.test_bool": FROZEN,
    "test_dict.FrozenDictMappingTests.test_constructor": FROZEN,
    "test_dict.FrozenDictMappingTests.test_get": FROZEN,
    "test_dict.FrozenDictMappingTests.test_getitem": FROZEN,
    "test_dict.FrozenDictMappingTests.test_items": FROZEN,
    "test_dict.FrozenDictMappingTests.test_keys": FROZEN,
    "test_dict.FrozenDictMappingTests.test_len": FROZEN,
    "test_dict.FrozenDictMappingTests.test_read": FROZEN,
    "test_dict.FrozenDictMappingTests.test_values": FROZEN,
    "test_dict.FrozenDictTests.test_constructor": FROZEN,
    "test_dict.FrozenDictTests.test_copy": FROZEN,
    "test_dict.FrozenDictTests.test_fromkeys": FROZEN,
    "test_dict.FrozenDictTests.test_hash_cpython": FROZEN,
    "test_dict.FrozenDictTests.test_items_xor": FROZEN,
    "test_dict.FrozenDictTests.test_merge": FROZEN,
    "test_dict.FrozenDictTests.test_pickle": FROZEN,
    "test_dict.FrozenDictTests.test_pickle_iter": FROZEN,
    "test_dict.FrozenDictTests.test_repr": FROZEN,
    "test_dict.FrozenDictTests.test_unhashable_key": FROZEN,
    "test_dictviews.DictSetTest.test_deeply_nested_repr": REPR,
    "test_userdict.UserDictTest.test_all": REPR,
    "test_userdict.UserDictTest.test_data": USER_DICT,
    "test_userdict.UserDictTest.test_mixed_or": USER_DICT,
    "test_userdict.UserDictTest.test_repr": REPR,
    "test_userdict.UserDictTest.test_repr_deep": REPR,
}
