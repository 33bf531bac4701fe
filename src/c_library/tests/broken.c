/*
 * Programs that break the rules of the header, one for each argument. They show that the valgrind of tests/c-demo.sh
 * sees such things: that it is silent about a good program means something only then.
 *
 *     broken leak     never frees its table
 *     broken stale    looks at a string after the change that ended the loan
 *     broken freed    uses a table that is freed
 */
#include "hashtable.h"

#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    const char *rule = argc == 2 ? argv[1] : "";
    ht_table *table;
    ht_item key = ht_int(1), value = ht_string("a string", 8), lent;
    size_t load = 0;
    if (ht_new(4, 0.5, &table) != HT_OK || ht_set(table, &key, &value, NULL) != HT_OK)
        return 1;
    if (ht_get(table, &key, &lent) != HT_OK)
        return 1;
    if (strcmp(rule, "leak") == 0)
        return 0;
    if (strcmp(rule, "stale") == 0) {
        ht_clear(table);
        printf("%s\n", lent.data.text.bytes);
    }
    ht_free(table);
    if (strcmp(rule, "freed") == 0) {
        ht_load(table, &load);
        printf("%zu\n", load);
    }
    return 0;
}
