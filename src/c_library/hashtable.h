/*
 * libhashtable: a chained hash table whose insides can be looked at. Link with -lhashtable.
 *
 * A table is an array of buckets. A pair lives in bucket `hash mod size`, at the front of that bucket's list. When a
 * new pair would make load / size exceed the maximum load, the number of buckets doubles. Iteration is in the order in
 * which keys were added.
 *
 * Written by cbindgen from the library's source, comments included: change it there, and run `make header`.
 *
 * ERRORS. Every function that can fail returns an ht_status: HT_OK (0) or a positive code of the library, or a negative
 * number, which is then what the table's equality callback answered. A result is written only with HT_OK (ht_picture
 * tells of an exception). A change that fails leaves the table as it was. Nothing ends the program, no exception of
 * another language leaves the library, nothing is printed (but a bug in the library, HT_INTERNAL, leaves a line on
 * stderr), and errno means nothing.
 *
 * OWNERSHIP. A table copies the keys and values that are put into it: strings with all their bytes, pointers as
 * addresses. An item that a table hands out is lent: the bytes of its string belong to the table and are good until the
 * next change of that table, that is the next ht_set, ht_set_hashed, ht_remove, ht_remove_hashed, ht_clear or ht_free,
 * whatever its key. That also holds for what a change itself took out. Copy what is to live longer. Never write to lent
 * bytes and never free them. A lent string may be passed to the table that lent it.
 *
 * THREADS. A table has no lock. Different tables may be used in different threads at once, and so may one table by
 * functions that take a `const ht_table *`, as long as no thread changes it meanwhile. A table may move from one thread
 * to another.
 *
 * WHAT CANNOT BE DETECTED. NULL is, but not a pointer to a table that has been freed, nor one to something else, nor a
 * string whose length is a lie. They lead where such things lead in C.
 */

#ifndef HASHTABLE_H
#define HASHTABLE_H

#include <stddef.h>
#include <stdint.h>

/**
 * No item at all. Only ever handed out by the library.
 */
#define HT_NONE 0

/**
 * The item is a 64-bit integer, in `data.integer`.
 */
#define HT_INT 1

/**
 * The item is a double, in `data.real`.
 */
#define HT_FLOAT 2

/**
 * The item is a string, in `data.text`.
 */
#define HT_STRING 3

/**
 * The item is an address, in `data.pointer`. What lies there is the caller's business; the library never looks.
 */
#define HT_POINTER 4

/**
 * A hash table. Made by `ht_new`, freed by `ht_free`; what is in it is private.
 */
typedef struct ht_table ht_table;

/**
 * A string: `length` bytes of UTF-8, NULs among them if you like.
 *
 * As an argument: `bytes` may be NULL if `length` is 0. The library reads these bytes and no further, and only during
 * the call. As a result: a NUL, not counted in `length`, follows the last byte; `bytes` is never NULL.
 */
typedef struct ht_text {
    /**
     * The first byte.
     */
    const char *bytes;
    /**
     * Number of bytes.
     */
    size_t length;
} ht_text;

/**
 * What is in an item; the item's `kind` says which of these it is.
 */
typedef union ht_data {
    /**
     * For HT_INT.
     */
    int64_t integer;
    /**
     * For HT_FLOAT.
     */
    double real;
    /**
     * For HT_STRING.
     */
    struct ht_text text;
    /**
     * For HT_POINTER.
     */
    void *pointer;
} ht_data;

/**
 * A key or a value.
 *
 * Two keys are equal if they are of one kind and: the integers are equal; the doubles are equal (so a nan equals
 * nothing, not even itself, and 0.0 equals -0.0); the bytes of the strings are equal; the addresses are equal or the
 * table's equality callback says so.
 */
typedef struct ht_item {
    /**
     * HT_INT, HT_FLOAT, HT_STRING or HT_POINTER.
     */
    int32_t kind;
    /**
     * What the item is.
     */
    union ht_data data;
} ht_item;

/**
 * What a function answers: HT_OK, one of the other codes below, or the negative number that the equality callback
 * answered with. `ht_error_message` puts it into words.
 */
typedef int32_t ht_status;

/**
 * Says whether two HT_POINTER keys are equal: 1 if so, 0 if not; a negative number if that cannot be told, which
 * becomes the result of the function that asked. `stored` is the address in the table, `sought` the one looked for,
 * `context` what the table was made with. It is not asked about equal addresses, nor about keys whose hashes differ.
 *
 * It may call any function on this very table, ht_free excepted (HT_BUSY): the look-up that asked notices and begins
 * anew. (A look-up of its own may call it again: mind that this ends.) It must return: neither longjmp nor a C++
 * exception may leave it.
 */
typedef int32_t (*ht_equal)(void *context, const void *stored, const void *sought);

/**
 * Where an iteration is. All zeros (`ht_place place = {0, 0};`) is the beginning; only `ht_next` writes anything else.
 */
typedef struct ht_place {
    /**
     * Where the next pair is looked for.
     */
    size_t next;
    /**
     * The table as it was when the iteration began.
     */
    uint64_t version;
} ht_place;

/**
 * Figures about a table at one moment.
 */
typedef struct ht_stats {
    /**
     * Number of buckets.
     */
    size_t size;
    /**
     * Number of pairs.
     */
    size_t load;
    /**
     * Pairs per bucket.
     */
    double load_factor;
    /**
     * Number of buckets that hold at least one pair.
     */
    size_t used_buckets;
    /**
     * Number of pairs in the longest chain.
     */
    size_t longest_chain;
    /**
     * How many pairs of a chain a successful look-up visits, on average over all pairs: 1 is perfect, and 0 is for an
     * empty table.
     */
    double mean_probes;
    /**
     * How often the table has grown since it was made or cleared.
     */
    size_t resizes;
    /**
     * Memory that the table holds for buckets, pairs and copies of strings, in bytes.
     */
    size_t bytes;
} ht_stats;

/**
 * It is done.
 */
#define HT_OK 0

/**
 * The key is not in the table. Not an error.
 */
#define HT_NOT_FOUND 1

/**
 * The iteration has visited all pairs. Not an error.
 */
#define HT_END 2

/**
 * A pointer is NULL that must not be.
 */
#define HT_NULL 3

/**
 * The size is 0.
 */
#define HT_BAD_SIZE 4

/**
 * The maximum load is not within `0 < max_load <= 1`.
 */
#define HT_BAD_MAX_LOAD 5

/**
 * The kind of an item is none of HT_INT, HT_FLOAT, HT_STRING, HT_POINTER.
 */
#define HT_BAD_KIND 6

/**
 * A string is not valid UTF-8.
 */
#define HT_NOT_UTF8 7

/**
 * A string is said to be longer than anything in memory can be.
 */
#define HT_TOO_LONG 8

/**
 * The key has no default hash: it is a pointer, a nan, or a float beyond 64 bits.
 */
#define HT_NO_HASH 9

/**
 * There is not enough memory.
 */
#define HT_NO_MEMORY 10

/**
 * The buffer is too small for the whole picture.
 */
#define HT_TOO_SMALL 11

/**
 * Pairs came or went during an iteration, or without end during a look-up (from the equality callback).
 */
#define HT_CHANGED 12

/**
 * The table cannot be freed by its own equality callback.
 */
#define HT_BUSY 13

/**
 * The equality callback answered with more than 1.
 */
#define HT_BAD_ANSWER 14

/**
 * A bug in the library. The table can still be freed, and should be.
 */
#define HT_INTERNAL 15

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * An item for an integer.
 *
 * # Errors
 * None.
 *
 * # Ownership
 * The item is a value: there is nothing to free.
 *
 * # Threads
 * Any.
 */
struct ht_item ht_int(int64_t value);

/**
 * An item for a double.
 *
 * # Errors
 * None.
 *
 * # Ownership
 * The item is a value: there is nothing to free.
 *
 * # Threads
 * Any.
 */
struct ht_item ht_float(double value);

/**
 * An item for a string of `length` bytes that begins at `bytes`.
 *
 * # Errors
 * None here: the string is looked at by the function that the item is passed to.
 *
 * # Ownership
 * The item points to your string and owns nothing. A table that it is put into makes a copy.
 *
 * # Threads
 * Any.
 */
struct ht_item ht_string(const char *bytes, size_t length);

/**
 * An item for an address. NULL is an address like any other.
 *
 * # Errors
 * None.
 *
 * # Ownership
 * What lies at the address stays yours: no table copies it, looks at it or frees it.
 *
 * # Threads
 * Any.
 */
struct ht_item ht_pointer(void *address);

/**
 * The library's default hash of a key, written to `*hash`: an integer is its own hash, a double's is its floor, a
 * string's is the number of its characters. That is poor on purpose; pass a better one to the functions that end in
 * `_hashed`.
 *
 * # Errors
 * HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; HT_NO_HASH for a pointer, a nan and a double whose floor needs more
 * than 64 bits.
 *
 * # Ownership
 * `key` is only read, during the call.
 *
 * # Threads
 * Any.
 *
 * # Safety
 * `key` points to an item, `hash` to where an int64_t can be written.
 */
ht_status ht_hash(const struct ht_item *key, int64_t *hash);

/**
 * Makes an empty table of `size` buckets, written to `*table`. When a new pair would make load / size exceed
 * `max_load`, the number of buckets doubles.
 *
 * # Errors
 * HT_NULL; HT_BAD_SIZE if `size` is 0; HT_BAD_MAX_LOAD if `max_load` is a nan or not within 0 < max_load <= 1;
 * HT_NO_MEMORY.
 *
 * # Ownership
 * The table is yours, to be given back with `ht_free`.
 *
 * # Threads
 * Any.
 *
 * # Safety
 * `table` points to where a pointer can be written.
 */
ht_status ht_new(size_t size, double max_load, struct ht_table **table);

/**
 * As `ht_new`, for a table that asks `equal` whether two HT_POINTER keys at different addresses are equal, and passes
 * it `context`. (In a table made by `ht_new` they are not.) Such keys have no default hash: use the functions that end
 * in `_hashed`, and give equal keys equal hashes.
 *
 * # Errors
 * Those of `ht_new`; HT_NULL also if `equal` is. `context` may be NULL.
 *
 * # Ownership
 * The table is yours, to be given back with `ht_free`. `context`, and whatever the keys point to, stays yours, and
 * must live as long as the table may ask about it.
 *
 * # Threads
 * Any. `equal` is called in the thread that looks a key up.
 *
 * # Safety
 * `table` points to where a pointer can be written. `equal` can be called with `context` and any two keys as long as
 * the table lives.
 */
ht_status ht_new_with_equal(size_t size, double max_load, ht_equal equal, void *context, struct ht_table **table);

/**
 * Frees a table. NULL is a table that is freed already.
 *
 * # Errors
 * HT_BUSY if called by the table's own equality callback; the table lives on.
 *
 * # Ownership
 * Takes the table back, and with it every string that it lent. Whatever HT_POINTER keys and values point to stays
 * yours: iterate first if it is to be freed. Using a freed table, or freeing it twice, is not detected, and anything
 * may happen then.
 *
 * # Threads
 * One at a time, and nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed.
 */
ht_status ht_free(struct ht_table *table);

/**
 * Adds a pair, or overwrites the value if an equal key is there (which then keeps its place in the order, and stays
 * the key). Uses the key's default hash. The value that was overwritten is written to `*old`, an item of kind HT_NONE
 * if there was none; `old` may be NULL.
 *
 * # Errors
 * HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH, HT_NO_MEMORY. The table is then as it was.
 *
 * # Ownership
 * The table copies key and value, strings included. `*old` is lent until the next change.
 *
 * # Threads
 * A change: nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed. `key` and `value` are NULL or point to items; `old` is NULL or
 * can be written to.
 */
ht_status ht_set(struct ht_table *table, const struct ht_item *key, const struct ht_item *value, struct ht_item *old);

/**
 * As `ht_set`, with a hash of your own. Equal keys must be given equal hashes; keys that are not are merely not found.
 *
 * # Errors
 * HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_MEMORY; with an equality callback also HT_CHANGED,
 * HT_BAD_ANSWER and every negative number that it answers with. The table is then as it was, but for what the callback
 * did.
 *
 * # Ownership
 * The table copies key and value, strings included; what an HT_POINTER points to stays yours. `*old` is lent until the
 * next change.
 *
 * # Threads
 * A change: nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed. `key` and `value` are NULL or point to items; `old` is NULL or
 * can be written to.
 */
ht_status ht_set_hashed(struct ht_table *table,
                        int64_t hash,
                        const struct ht_item *key,
                        const struct ht_item *value,
                        struct ht_item *old);

/**
 * Looks a key up by its default hash, and writes its value to `*value`.
 *
 * # Errors
 * HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH. Nothing is written then.
 *
 * # Ownership
 * `key` is only read, during the call. `*value` is lent until the next change.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `value` is NULL or can be
 * written to.
 */
ht_status ht_get(const struct ht_table *table, const struct ht_item *key, struct ht_item *value);

/**
 * As `ht_get`, with a hash of your own: the one that the key was added with.
 *
 * # Errors
 * HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; with an equality callback also HT_CHANGED,
 * HT_BAD_ANSWER and every negative number that it answers with. Nothing is written then.
 *
 * # Ownership
 * `key` is only read, during the call. `*value` is lent until the next change.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table, the equality callback included.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `value` is NULL or can be
 * written to.
 */
ht_status ht_get_hashed(const struct ht_table *table, int64_t hash, const struct ht_item *key, struct ht_item *value);

/**
 * Removes a key, looked up by its default hash, and its value. Key and value, as they were in the table, are written
 * to `*old_key` and `*old_value`; either may be NULL. The number of buckets stays.
 *
 * # Errors
 * HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8, HT_NO_HASH. The table is then as it was, and nothing
 * is written.
 *
 * # Ownership
 * `key` is only read, during the call. `*old_key` and `*old_value` are lent until the next change.
 *
 * # Threads
 * A change: nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `old_key` and `old_value`
 * are NULL or can be written to.
 */
ht_status ht_remove(struct ht_table *table,
                    const struct ht_item *key,
                    struct ht_item *old_key,
                    struct ht_item *old_value);

/**
 * As `ht_remove`, with a hash of your own: the one that the key was added with.
 *
 * # Errors
 * HT_NOT_FOUND; HT_NULL, HT_BAD_KIND, HT_TOO_LONG, HT_NOT_UTF8; with an equality callback also HT_CHANGED,
 * HT_BAD_ANSWER and every negative number that it answers with. The table is then as it was, but for what the callback
 * did, and nothing is written.
 *
 * # Ownership
 * `key` is only read, during the call. `*old_key` and `*old_value` are lent until the next change; what an HT_POINTER
 * points to is and stays yours, and this is the moment to free it.
 *
 * # Threads
 * A change: nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `key` is NULL or points to an item; `old_key` and `old_value`
 * are NULL or can be written to.
 */
ht_status ht_remove_hashed(struct ht_table *table,
                           int64_t hash,
                           const struct ht_item *key,
                           struct ht_item *old_key,
                           struct ht_item *old_value);

/**
 * Removes everything. The table goes back to the size that it was made with.
 *
 * # Errors
 * HT_NULL.
 *
 * # Ownership
 * The copies of all strings are freed. Whatever HT_POINTER keys and values point to stays yours: iterate first if it
 * is to be freed.
 *
 * # Threads
 * A change: nobody else may be using the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed.
 */
ht_status ht_clear(struct ht_table *table);

/**
 * Goes on to the next pair, in the order in which the keys were added, and writes it to `*key` and `*value`; either
 * may be NULL. Begin with a place of all zeros; once it has answered HT_END, it goes on doing so until pairs come or
 * go.
 *
 * # Errors
 * HT_END behind the last pair; HT_NULL; HT_CHANGED if pairs came or went since the beginning (overwriting a value is
 * no such change). Nothing is written then.
 *
 * # Ownership
 * The place is yours, and there is nothing to free. `*key` and `*value` are lent until the next change.
 *
 * # Threads
 * Any number at once, each with a place of its own, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `place` is NULL or points to a place; `key` and `value` are NULL
 * or can be written to.
 */
ht_status ht_next(const struct ht_table *table, struct ht_place *place, struct ht_item *key, struct ht_item *value);

/**
 * Writes the number of buckets to `*size`.
 *
 * # Errors
 * HT_NULL.
 *
 * # Ownership
 * Nothing changes hands.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `size` is NULL or can be written to.
 */
ht_status ht_size(const struct ht_table *table, size_t *size);

/**
 * Writes the number of pairs to `*load`.
 *
 * # Errors
 * HT_NULL.
 *
 * # Ownership
 * Nothing changes hands.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `load` is NULL or can be written to.
 */
ht_status ht_load(const struct ht_table *table, size_t *load);

/**
 * Writes the maximum load that the table was made with to `*max_load`.
 *
 * # Errors
 * HT_NULL.
 *
 * # Ownership
 * Nothing changes hands.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `max_load` is NULL or can be written to.
 */
ht_status ht_max_load(const struct ht_table *table, double *max_load);

/**
 * Draws the table into `buffer`: for each bucket a line of `[]` and one `*` for each pair in it. As with snprintf, no
 * more than `capacity` bytes are written, a NUL at the end included, and `*needed` is the length of the whole picture
 * without that NUL. To learn the length alone, pass NULL and 0.
 *
 * # Errors
 * HT_TOO_SMALL if `capacity` is neither 0 nor enough: the buffer then holds the beginning of the picture, and
 * `*needed` is written; HT_NULL if `table` or `needed` is, or if `buffer` is and `capacity` is not 0.
 *
 * # Ownership
 * The buffer is yours. It may have been anything before.
 *
 * # Threads
 * Any number at once, each with a buffer of its own, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `buffer` is NULL or `capacity` bytes can be written there;
 * `needed` is NULL or can be written to.
 */
ht_status ht_picture(const struct ht_table *table, char *buffer, size_t capacity, size_t *needed);

/**
 * Writes figures about the table to `*stats`. Walks the whole table.
 *
 * # Errors
 * HT_NULL.
 *
 * # Ownership
 * Nothing changes hands.
 *
 * # Threads
 * Any number at once, as long as nobody changes the table.
 *
 * # Safety
 * `table` is NULL or a table that has not been freed; `stats` is NULL or can be written to.
 */
ht_status ht_statistics(const struct ht_table *table, struct ht_stats *stats);

/**
 * What a code means, in words, in English. Any number will do.
 *
 * # Errors
 * None: never NULL.
 *
 * # Ownership
 * The text is a constant, ended by a NUL; not to be freed.
 *
 * # Threads
 * Any.
 */
const char *ht_error_message(ht_status code);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* HASHTABLE_H */
