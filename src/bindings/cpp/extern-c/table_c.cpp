// The C++ table behind a C interface: a handle for the object, a struct for an item, a code for an exception.
#include "table.hpp"

#include <new>

#define EXPORT extern "C" __attribute__((visibility("default")))

using chained::Item;
using chained::Table;

// An item as C can have it. The bytes of a text are lent by the caller.
struct item {
    int kind; // 0, 1, 2: the index in the variant
    std::int64_t integer;
    double real;
    const char *bytes;
    size_t length;
};

enum status { OK, NOT_FOUND, NO_MEMORY, BAD, STOPPED };

static thread_local std::string message;
static thread_local Item lent; // what the last answer is made of: good until the next

static Item from_c(const item *value)
{
    switch (value->kind) {
    case 0: return value->integer;
    case 1: return value->real;
    default: return std::string(value->bytes, value->length);
    }
}

static item to_c(const Item &value)
{
    item made = {static_cast<int>(value.index()), 0, 0, nullptr, 0};
    if (auto integer = std::get_if<std::int64_t>(&value))
        made.integer = *integer;
    else if (auto real = std::get_if<double>(&value))
        made.real = *real;
    else {
        made.bytes = std::get<std::string>(value).data();
        made.length = std::get<std::string>(value).size();
    }
    return made;
}

// What a hash function throws that has failed in the caller's language. The caller knows what happened.
class Stopped {};

class HashByFunction : public chained::Hash {
public:
    typedef int (*Function)(const item *key, std::int64_t *answer);
    explicit HashByFunction(Function function) : function(function) {}
    std::int64_t of(const Item &key) override
    {
        item asked = to_c(key);
        std::int64_t answer;
        if (!function(&asked, &answer))
            throw Stopped();
        return answer;
    }

private:
    Function function;
};

// Runs something, and answers what came of it. Nothing that is thrown goes further.
template <typename Work> static status guarded(Work work) noexcept
{
    try {
        work();
        return OK;
    } catch (const Stopped &) {
        return STOPPED;
    } catch (const chained::Missing &) {
        return NOT_FOUND;
    } catch (const std::bad_alloc &) {
        return NO_MEMORY;
    } catch (const std::exception &error) {
        message = error.what();
        return BAD;
    }
}

EXPORT const char *table_error() { return message.c_str(); }

EXPORT status table_new(size_t size, double max_load, HashByFunction::Function function, Table **table)
{
    return guarded([&] {
        auto hash = function ? std::make_shared<HashByFunction>(function) : nullptr;
        *table = new Table(size, max_load, hash);
    });
}

EXPORT void table_free(Table *table) { delete table; }

EXPORT status table_set(Table *table, const item *key, const item *value)
{
    return guarded([&] { table->set(from_c(key), from_c(value)); });
}

EXPORT status table_get(const Table *table, const item *key, item *value)
{
    return guarded([&] {
        auto found = table->get(from_c(key));
        if (!found)
            throw chained::Missing();
        lent = std::move(*found);
        *value = to_c(lent);
    });
}

EXPORT status table_pop(Table *table, const item *key, item *value)
{
    return guarded([&] {
        lent = table->pop(from_c(key));
        *value = to_c(lent);
    });
}

EXPORT size_t table_size(const Table *table) { return table->size(); }
EXPORT size_t table_load(const Table *table) { return table->load(); }

EXPORT status table_picture(const Table *table, item *value)
{
    return guarded([&] {
        lent = table->picture();
        *value = to_c(lent);
    });
}
