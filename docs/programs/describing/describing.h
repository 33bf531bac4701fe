/* What a library says about itself. It exports one function, describe_library, and everything else goes from there. */

#include <stdint.h>

/* What follows is laid out in this way. A reader that knows another version must not read on. */
#ifndef DESCRIBING_VERSION
#define DESCRIBING_VERSION 1
#endif

struct function {
    const char *name; /* NULL behind the last one */
    void (*address)(void);
    const char *types; /* a letter for the result, then one for each argument: i int64_t, d double, s string */
    const char *doc;
};

struct library {
    int64_t version; /* always first: whatever else changes, this can be read */
    const char *name;
    const struct function *functions;
};

const struct library *describe_library(void);
