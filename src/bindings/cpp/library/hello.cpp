#include "hello.hpp"

#include <cstdio>
#include <utility>

long plain(long number)
{
    return number + 1;
}

namespace hello {

static int guests = 0;

void nothing()
{
}

double pi()
{
    return 3.14159265358979323846;
}

Nobody::Nobody() : std::invalid_argument("there is nobody to greet")
{
}

std::string greeting(const std::string &name)
{
    if (name.empty())
        throw Nobody();
    return "Hello, " + name + "!";
}

std::string greeting(std::int64_t times)
{
    std::string text = "Hello";
    while (--times > 0)
        text += ", hello";
    return text + "!";
}

void hello(const std::string &name)
{
    std::printf("%s\n", greeting(name).c_str());
    std::fflush(stdout); // Python has a buffer of its own: what is printed later must be seen later
}

Guest::Guest(std::string name) : name_(std::move(name))
{
    ++guests;
}

Guest::~Guest()
{
    --guests;
}

const std::string &Guest::name() const
{
    return name_;
}

int Guest::present()
{
    return guests;
}

Hash::~Hash() = default;

std::int64_t ask(Hash &hash, std::int64_t key)
{
    Guest asking("who asks");
    return hash.of(key);
}

} // namespace hello
