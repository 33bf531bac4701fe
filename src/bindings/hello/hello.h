/* The smallest library worth wrapping: libhello. Every road takes these four functions to Python. */
#ifndef HELLO_H
#define HELLO_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Does nothing: what a call costs that only goes there and comes back. */
void nothing(void);

/* Prints a line for somebody, whose name ends with a NUL and is only read. */
void hello(const char *name);

/* Pi. */
double get_pi(void);

/* Calls `hash` with `context` and `key`, and returns what that returns: a call from C back to its caller. */
int64_t ask(int64_t (*hash)(void *context, int64_t key), void *context, int64_t key);

#ifdef __cplusplus
}
#endif

#endif
