/*
 * The library as a C program meets it: what it does, and that every kind of bad input that can be detected is answered
 * with a code.
 *
 * tests/abi.rs tries the same functions harder, from Rust. This file shows that the header is right about them: that
 * structs are laid out alike on both sides, and that both the static and the shared library can be linked.
 *
 *     test          everything but what needs a limit on memory
 *     test memory   what happens when there is no memory left
 */
#include "hashtable.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

static int checks, failures;

#define CHECK(condition) (checks++, (condition) ? (void)0 : fail(__LINE__, #condition))
#define ANSWERS(code, call) answers(__LINE__, #call, call, code)

static void fail(int line, const char *what)
{
    failures++;
    fprintf(stderr, "test.c:%d: not so: %s\n", line, what);
}

static void answers(int line, const char *call, ht_status got, ht_status expected)
{
    checks++;
    if (got != expected) {
        failures++;
        fprintf(stderr, "test.c:%d: %s\n    answers %d (%s), not %d\n", line, call, (int)got, ht_error_message(got),
                (int)expected);
    }
}

static ht_item words(const char *text)
{
    return ht_string(text, strlen(text));
}

static ht_table *new_table(void)
{
    ht_table *table = NULL;
    ANSWERS(HT_OK, ht_new(4, 0.5, &table));
    return table;
}

static int is_string(ht_item item, const char *bytes, size_t length)
{
    return item.kind == HT_STRING && item.data.text.length == length
        && memcmp(item.data.text.bytes, bytes, length + 1) == 0; /* with the NUL behind it */
}

static void test_round_trip(void)
{
    ht_table *table = new_table();
    ht_item pi = words("pi"), three = ht_float(3.25), five = ht_int(5), value, old;
    ANSWERS(HT_OK, ht_set(table, &pi, &three, &old));
    CHECK(old.kind == HT_NONE);
    ANSWERS(HT_OK, ht_set(table, &five, &pi, NULL));
    ANSWERS(HT_OK, ht_get(table, &pi, &value));
    CHECK(value.kind == HT_FLOAT && value.data.real == 3.25);
    ANSWERS(HT_OK, ht_get(table, &five, &value));
    CHECK(is_string(value, "pi", 2));
    ANSWERS(HT_OK, ht_set(table, &five, &five, &old));
    CHECK(is_string(old, "pi", 2));
    ANSWERS(HT_OK, ht_get(table, &five, &value));
    CHECK(value.kind == HT_INT && value.data.integer == 5);
    ANSWERS(HT_OK, ht_remove(table, &pi, &old, &value));
    CHECK(is_string(old, "pi", 2) && value.kind == HT_FLOAT);
    ANSWERS(HT_NOT_FOUND, ht_get(table, &pi, &value));
    ANSWERS(HT_NOT_FOUND, ht_remove(table, &pi, &old, &value));
    ANSWERS(HT_OK, ht_clear(table));
    ANSWERS(HT_NOT_FOUND, ht_get(table, &five, &value));
    ANSWERS(HT_OK, ht_free(table));
}

static void test_strings(void)
{
    ht_table *table = new_table();
    ht_item a_b = ht_string("a\0b", 3), a_c = ht_string("a\0c", 3), empty = ht_string(NULL, 0), value;
    ANSWERS(HT_OK, ht_set(table, &a_b, &a_c, NULL));
    ANSWERS(HT_NOT_FOUND, ht_get(table, &a_c, &value));
    ANSWERS(HT_OK, ht_get(table, &a_b, &value));
    CHECK(is_string(value, "a\0c", 3));
    ANSWERS(HT_OK, ht_set(table, &empty, &empty, NULL));
    ANSWERS(HT_OK, ht_get(table, &empty, &value));
    CHECK(is_string(value, "", 0));

    /* Not a byte beyond the length is read: what lies there cannot be. valgrind would see it too. */
    char *exact = malloc(4);
    CHECK(exact != NULL);
    memcpy(exact, "\xe2\x82\xac!", 4); /* a euro and a bang */
    ht_item euro = ht_string(exact, 3), cut = ht_string(exact, 2);
    int64_t hash;
    ANSWERS(HT_OK, ht_hash(&euro, &hash));
    CHECK(hash == 1);
    ANSWERS(HT_OK, ht_set(table, &euro, &euro, NULL));
    ANSWERS(HT_NOT_UTF8, ht_set(table, &cut, &cut, NULL));
    memset(exact, 'x', 4);
    free(exact);
    ht_item same = words("\xe2\x82\xac");
    ANSWERS(HT_OK, ht_get(table, &same, &value));
    CHECK(is_string(value, "\xe2\x82\xac", 3));
    ANSWERS(HT_OK, ht_free(table));
}

static void test_many(void)
{
    ht_table *table = new_table();
    char text[32];
    for (int64_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "value %d", (int)i);
        ht_item key = ht_int(-4 * i), value = words(text);
        ANSWERS(HT_OK, ht_set_hashed(table, -4 * i, &key, &value, NULL));
    }
    size_t size, load;
    ht_stats stats;
    double max_load;
    ANSWERS(HT_OK, ht_size(table, &size));
    ANSWERS(HT_OK, ht_load(table, &load));
    ANSWERS(HT_OK, ht_max_load(table, &max_load));
    ANSWERS(HT_OK, ht_statistics(table, &stats));
    CHECK(size == 2048 && load == 1000 && max_load == 0.5);
    CHECK(stats.size == size && stats.load == load && stats.resizes == 9 && stats.bytes > 1000 * 9);
    CHECK(stats.used_buckets == 512 && stats.longest_chain == 2 && stats.load_factor == 1000 / 2048.0);
    ht_place place = {0, 0};
    ht_item key, value;
    for (int64_t i = 0; i < 1000; i++) {
        snprintf(text, sizeof text, "value %d", (int)i);
        ANSWERS(HT_OK, ht_next(table, &place, &key, &value));
        CHECK(key.kind == HT_INT && key.data.integer == -4 * i && is_string(value, text, strlen(text)));
    }
    ANSWERS(HT_END, ht_next(table, &place, &key, &value));
    ht_item one = ht_int(1);
    ANSWERS(HT_OK, ht_set(table, &one, &one, NULL));
    ANSWERS(HT_CHANGED, ht_next(table, &place, &key, &value));
    ANSWERS(HT_OK, ht_free(table));
}

static void test_picture(void)
{
    ht_table *table = new_table();
    ht_item one = ht_int(1), five = ht_int(5);
    ANSWERS(HT_OK, ht_set(table, &one, &one, NULL));
    ANSWERS(HT_OK, ht_set(table, &five, &one, NULL));
    size_t needed;
    char large[100], small[5] = "####";
    ANSWERS(HT_OK, ht_picture(table, NULL, 0, &needed));
    CHECK(needed == 14);
    ANSWERS(HT_OK, ht_picture(table, large, needed + 1, &needed));
    CHECK(strcmp(large, "[]\n[]**\n[]\n[]\n") == 0);
    ANSWERS(HT_TOO_SMALL, ht_picture(table, small, 3, &needed));
    CHECK(needed == 14 && memcmp(small, "[]\0#", 5) == 0);
    ANSWERS(HT_OK, ht_free(table));
}

static void test_bad_input(void)
{
    ht_table *table = NULL;
    const double bad_loads[] = {0.0, -1.0, 2.0, (double)NAN, (double)INFINITY};
    for (size_t i = 0; i < sizeof bad_loads / sizeof *bad_loads; i++)
        ANSWERS(HT_BAD_MAX_LOAD, ht_new(4, bad_loads[i], &table));
    ANSWERS(HT_BAD_SIZE, ht_new(0, 0.5, &table));
    ANSWERS(HT_NO_MEMORY, ht_new(SIZE_MAX, 0.5, &table));
    ANSWERS(HT_NULL, ht_new(4, 0.5, NULL));
    ANSWERS(HT_NULL, ht_new_with_equal(4, 0.5, NULL, NULL, &table));
    CHECK(table == NULL);

    table = new_table();
    ht_item good = ht_int(1), value = ht_int(77);
    struct {
        ht_item item;
        ht_status code;
    } bad[] = {
        {{.kind = 0}, HT_BAD_KIND},
        {{.kind = 5}, HT_BAD_KIND},
        {{.kind = INT32_MIN}, HT_BAD_KIND},
        {ht_string("\xff", 1), HT_NOT_UTF8},
        {ht_string(NULL, 1), HT_NULL},
        {ht_string("short", SIZE_MAX), HT_TOO_LONG},
        {ht_pointer(table), HT_NO_HASH},
        {ht_float((double)NAN), HT_NO_HASH},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ANSWERS(bad[i].code, ht_set(table, &bad[i].item, &good, &value));
        ANSWERS(bad[i].code, ht_get(table, &bad[i].item, &value));
        ANSWERS(bad[i].code, ht_remove(table, &bad[i].item, &value, &value));
    }
    ANSWERS(HT_NULL, ht_set(NULL, &good, &good, NULL));
    ANSWERS(HT_NULL, ht_set(table, NULL, &good, NULL));
    ANSWERS(HT_NULL, ht_set(table, &good, NULL, NULL));
    ANSWERS(HT_NULL, ht_get(NULL, &good, &value));
    ANSWERS(HT_NULL, ht_get(table, &good, NULL));
    ANSWERS(HT_NULL, ht_picture(table, NULL, 10, NULL));
    ANSWERS(HT_NULL, ht_clear(NULL));
    ANSWERS(HT_OK, ht_free(NULL));
    CHECK(value.kind == HT_INT && value.data.integer == 77);
    for (ht_status code = -2; code < HT_INTERNAL + 2; code++)
        CHECK(ht_error_message(code) != NULL && strlen(ht_error_message(code)) > 3);
    ANSWERS(HT_OK, ht_free(table));
}

/* What the equality callback of these tests is to do. */
struct orders {
    ht_table *table;
    int32_t answer;
    int free_it, clear_it;
};

static int32_t same_text(void *context, const void *stored, const void *sought)
{
    struct orders *orders = context;
    if (orders->free_it)
        ANSWERS(HT_BUSY, ht_free(orders->table));
    int equal = strcmp(stored, sought) == 0;
    if (orders->clear_it)
        ANSWERS(HT_OK, ht_clear(orders->table));
    return orders->answer != 0 ? orders->answer : equal;
}

static void test_callback(void)
{
    struct orders orders = {NULL, 0, 0, 0};
    ANSWERS(HT_OK, ht_new_with_equal(4, 0.5, same_text, &orders, &orders.table));
    char first[] = "a key", second[] = "a key";
    ht_item key = ht_pointer(first), same = ht_pointer(second), one = ht_int(1), value, old;
    ANSWERS(HT_NO_HASH, ht_set(orders.table, &key, &one, NULL));
    ANSWERS(HT_OK, ht_set_hashed(orders.table, 7, &key, &one, NULL));
    ANSWERS(HT_OK, ht_get_hashed(orders.table, 7, &same, &value));
    CHECK(value.kind == HT_INT && value.data.integer == 1);

    orders.free_it = 1;
    ANSWERS(HT_OK, ht_get_hashed(orders.table, 7, &same, &value));
    orders.free_it = 0;

    orders.answer = -17;
    ANSWERS(-17, ht_get_hashed(orders.table, 7, &same, &value));
    ANSWERS(-17, ht_set_hashed(orders.table, 7, &same, &one, NULL));
    ANSWERS(-17, ht_remove_hashed(orders.table, 7, &same, &old, &value));
    orders.answer = 2;
    ANSWERS(HT_BAD_ANSWER, ht_get_hashed(orders.table, 7, &same, &value));
    orders.answer = 0;

    ANSWERS(HT_OK, ht_remove_hashed(orders.table, 7, &same, &old, &value));
    CHECK(old.kind == HT_POINTER && old.data.pointer == first);

    ANSWERS(HT_OK, ht_set_hashed(orders.table, 7, &key, &one, NULL));
    orders.clear_it = 1;
    ANSWERS(HT_NOT_FOUND, ht_get_hashed(orders.table, 7, &same, &value));
    ANSWERS(HT_OK, ht_free(orders.table));
}

static void test_memory(void)
{
    /* 64 MB of zeros, which cost nothing and are a fine string of NULs. */
    const size_t length = (size_t)64 << 20;
    char *zeros = mmap(NULL, length, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(zeros != MAP_FAILED);
    ht_table *table = new_table(), *other = NULL;
    ht_item key = words("key"), one = ht_int(1), large = ht_string(zeros, length), value;
    ANSWERS(HT_OK, ht_set(table, &key, &one, NULL));
    ANSWERS(HT_OK, ht_hash(&large, &(int64_t){0}));

    struct rlimit before, limit;
    CHECK(getrlimit(RLIMIT_AS, &before) == 0);
    limit = before;
    limit.rlim_cur = length + ((size_t)32 << 20);
    CHECK(setrlimit(RLIMIT_AS, &limit) == 0);
    ANSWERS(HT_NO_MEMORY, ht_new((size_t)1 << 30, 0.5, &other));
    ANSWERS(HT_NO_MEMORY, ht_set(table, &large, &one, NULL));
    ANSWERS(HT_NO_MEMORY, ht_set(table, &key, &large, NULL));
    /* Until the arrays themselves cannot grow any more. */
    ht_status status = HT_OK;
    int64_t added = 0;
    for (; status == HT_OK; added++) {
        ht_item number = ht_int(added);
        status = ht_set(table, &number, &number, NULL);
    }
    ANSWERS(HT_NO_MEMORY, status);
    size_t load;
    ANSWERS(HT_OK, ht_load(table, &load));
    CHECK(load == (size_t)added); /* "key" and all but the last */
    ANSWERS(HT_OK, ht_get(table, &key, &value));
    CHECK(value.kind == HT_INT && value.data.integer == 1);
    CHECK(setrlimit(RLIMIT_AS, &before) == 0);

    ht_item last = ht_int(added - 1);
    ANSWERS(HT_OK, ht_set(table, &last, &last, NULL));
    ANSWERS(HT_OK, ht_set(table, &key, &large, NULL));
    ANSWERS(HT_OK, ht_free(table));
    CHECK(munmap(zeros, length) == 0);
}

int main(int argc, char **argv)
{
    if (argc == 2 && strcmp(argv[1], "memory") == 0) {
        test_memory();
    } else {
        test_round_trip();
        test_strings();
        test_many();
        test_picture();
        test_bad_input();
        test_callback();
    }
    printf("%d checks, %d failures\n", checks, failures);
    return checks == 0 || failures > 0;
}
