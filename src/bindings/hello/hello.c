#include "hello.h"

#include <stdio.h>

void nothing(void)
{
}

void hello(const char *name)
{
    printf("Hello, %s!\n", name);
    fflush(stdout); /* Python has a buffer of its own: what is printed later must appear later */
}

double get_pi(void)
{
    return 3.14159265358979323846;
}

int64_t ask(int64_t (*hash)(void *context, int64_t key), void *context, int64_t key)
{
    return hash(context, key);
}
