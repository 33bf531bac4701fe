/* A library that describes itself: words.so. All that a stranger must know beforehand is in describing.h. */

#include "describing.h"
#include <string.h>

static int64_t length(const char *word) { return (int64_t)strlen(word); }

static double mean(double a, double b) { return (a + b) / 2; }

/* A hash: the bytes, times powers of 31. */
static int64_t hash31(const char *word) {
    uint64_t hash = 0;
    while (*word) hash = 31 * hash + (unsigned char)*word++;
    return (int64_t)hash;
}

static const char *kind(int64_t hash) { return hash % 2 ? "odd" : "even"; }

static const struct function FUNCTIONS[] = {
    /* name, address, result and arguments, what it does */
    {"length", (void (*)(void))length, "is", "The number of bytes of a word."},
    {"mean", (void (*)(void))mean, "ddd", "The mean of two numbers."},
    {"hash31", (void (*)(void))hash31, "is", "The hash of a word."},
    {"kind", (void (*)(void))kind, "si", "Whether a number is even or odd."},
    {0},
};

static const struct library LIBRARY = {DESCRIBING_VERSION, "words", FUNCTIONS};

const struct library *describe_library(void) { return &LIBRARY; }
