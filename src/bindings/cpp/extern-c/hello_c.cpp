// The C++ library behind a C interface, for ctypes and all others that know only C. Nothing mangled, no object but through a
// handle, and no exception: each function that may throw answers 0, or 1 and leaves its message in hello_error().
#include "hello.hpp"

#include <cstring>

#define EXPORT extern "C" __attribute__((visibility("default")))

static thread_local std::string message;

// Runs something; of an exception it keeps the message.
template <typename Work> static int guarded(Work work)
{
    try {
        work();
        return 0;
    } catch (const std::exception &error) {
        message = error.what();
    } catch (...) {
        message = "something was thrown that is no std::exception";
    }
    return 1;
}

// Copies a text to where the caller has room for it. Answers whether it had.
static int copied(const std::string &text, char *buffer, size_t room)
{
    if (text.size() >= room)
        throw std::invalid_argument("there is not enough room for the answer");
    std::memcpy(buffer, text.c_str(), text.size() + 1);
    return 1;
}

class HashByFunction : public hello::Hash {
public:
    typedef int (*Function)(std::int64_t key, std::int64_t *answer);
    explicit HashByFunction(Function function) : function(function) {}
    std::int64_t of(std::int64_t key) override
    {
        std::int64_t answer;
        if (!function(key, &answer))
            throw std::runtime_error("the function has failed");
        return answer;
    }

private:
    Function function;
};

EXPORT const char *hello_error() { return message.c_str(); }
EXPORT long hello_plain(long number) { return plain(number); }
EXPORT void hello_nothing() { hello::nothing(); }
EXPORT double hello_pi() { return hello::pi(); }

EXPORT int hello_hello(const char *name)
{
    return guarded([&] { hello::hello(name); });
}

// One name for each overload, and one for each type that the template is wanted for.
EXPORT int hello_greeting(const char *name, char *buffer, size_t room)
{
    return guarded([&] { copied(hello::greeting(name), buffer, room); });
}

EXPORT int hello_greeting_times(std::int64_t times, char *buffer, size_t room)
{
    return guarded([&] { copied(hello::greeting(times), buffer, room); });
}

EXPORT std::int64_t hello_twice_int(std::int64_t value) { return hello::twice(value); }
EXPORT double hello_twice_float(double value) { return hello::twice(value); }

EXPORT int hello_twice_text(const char *value, char *buffer, size_t room)
{
    return guarded([&] { copied(hello::twice(std::string(value)), buffer, room); });
}

// A handle is the address of the object, and the caller who got it must give it back.
EXPORT int hello_guest_new(const char *name, hello::Guest **guest)
{
    return guarded([&] { *guest = new hello::Guest(name); });
}

EXPORT void hello_guest_free(hello::Guest *guest) { delete guest; }
EXPORT const char *hello_guest_name(const hello::Guest *guest) { return guest->name().c_str(); }
EXPORT int hello_guest_present() { return hello::Guest::present(); }

// The function answers whether it could tell. If not, C++ unwinds by an exception that ends here.
EXPORT int hello_ask(HashByFunction::Function function, std::int64_t key, std::int64_t *answer)
{
    return guarded([&] {
        HashByFunction hash(function);
        *answer = hello::ask(hash, key);
    });
}
