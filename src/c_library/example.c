/*
 * The hash table from C: pi, some squares, a string, and a look at the buckets after each step. `make c-demo` builds
 * and runs this.
 *
 * Every call can fail, and says so with a code. A program that has nothing better to do then says why and ends.
 */
#include "hashtable.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void check(ht_status status)
{
    if (status != HT_OK) {
        fprintf(stderr, "%s\n", ht_error_message(status));
        exit(EXIT_FAILURE);
    }
}

/* An item for a string of C, which ends with a NUL. */
static ht_item words(const char *text)
{
    return ht_string(text, strlen(text));
}

static void print_item(ht_item item)
{
    switch (item.kind) {
    case HT_INT: printf("%" PRId64, item.data.integer); break;
    case HT_FLOAT: printf("%g", item.data.real); break;
    case HT_STRING: /* not "%s": a NUL may be anywhere in it, and is shown as a dot */
        putchar('\'');
        for (size_t i = 0; i < item.data.text.length; i++)
            putchar(item.data.text.bytes[i] == '\0' ? '.' : item.data.text.bytes[i]);
        putchar('\'');
        break;
    default: printf("nothing");
    }
}

/* One line for each bucket, one star for each pair in it. The first call asks how long that is. */
static void print_picture(const ht_table *table)
{
    size_t length;
    check(ht_picture(table, NULL, 0, &length));
    char *picture = malloc(length + 1);
    check(picture == NULL ? HT_NO_MEMORY : ht_picture(table, picture, length + 1, &length));
    printf("%s\n", picture);
    free(picture);
}

static void set(ht_table *table, ht_item key, ht_item value)
{
    check(ht_set(table, &key, &value, NULL));
    printf("set ");
    print_item(key);
    printf(" to ");
    print_item(value);
    printf("\n");
    print_picture(table);
}

static void get(const ht_table *table, ht_item key)
{
    ht_item value;
    ht_status status = ht_get(table, &key, &value);
    printf("get ");
    print_item(key);
    printf(": ");
    if (status == HT_NOT_FOUND) {
        printf("%s\n", ht_error_message(status));
    } else {
        check(status);
        print_item(value);
        printf("\n");
    }
}

int main(void)
{
    ht_table *table;
    check(ht_new(4, 0.5, &table));
    printf("a new table of 4 buckets\n");
    print_picture(table);

    set(table, words("pi"), ht_float(3.14159));
    set(table, ht_int(4), ht_int(16));
    printf("half of the buckets is the most that may be filled: the next pair makes them 8\n");
    set(table, ht_int(12), ht_int(144)); /* 4 and 12 are the same by 8: they share a bucket */
    set(table, words("a string"), ht_string("with a \0 in it", 14)); /* words() would stop there */
    set(table, ht_int(4), words("overwritten: nothing moves"));

    get(table, words("pi"));
    get(table, ht_int(12));
    ht_item key = ht_int(12), removed;
    check(ht_remove(table, &key, NULL, &removed));
    printf("remove 12, which was ");
    print_item(removed);
    printf("\n");
    get(table, ht_int(12));

    printf("\nall pairs, in the order in which their keys came:\n");
    ht_place place = {0, 0};
    ht_item value;
    ht_status status;
    while ((status = ht_next(table, &place, &key, &value)) == HT_OK) {
        printf("    ");
        print_item(key);
        printf(" -> ");
        print_item(value);
        printf("\n");
    }
    check(status == HT_END ? HT_OK : status);

    ht_stats stats;
    check(ht_statistics(table, &stats));
    printf("%zu pairs in %zu buckets, the longest chain has %zu, resized %zu times\n", stats.load, stats.size,
           stats.longest_chain, stats.resizes);
    check(ht_free(table));
    return EXIT_SUCCESS;
}
