// The smallest C++ library worth wrapping: libhello_cpp. It has what C has not, each once: a function whose name says what
// it takes, an overload, a std::string, a template, an exception, a virtual method, and an object that tidies up behind itself.
#ifndef HELLO_HPP
#define HELLO_HPP

#include <cstdint>
#include <stdexcept>
#include <string>

// A program that binds the library hides what is its own. What is declared here is not.
#pragma GCC visibility push(default)

// A function as in C. Only its name is not: a linker sees _Z5plainl.
long plain(long number);

namespace hello {

// Does nothing: what a call costs that only goes there and comes back.
void nothing();

double pi();

// Nobody is there to be greeted.
class Nobody : public std::invalid_argument {
public:
    Nobody();
};

// Two functions of one name. The first throws Nobody if the name is empty.
std::string greeting(const std::string &name);
std::string greeting(std::int64_t times);

// Prints greeting(name).
void hello(const std::string &name);

// A pattern for functions, one for each type. None of them is in the library's file: it is compiled by who uses it.
template <typename T> T twice(const T &value)
{
    return value + value;
}

// Somebody who is there as long as the object lives. present() counts them.
class Guest {
public:
    explicit Guest(std::string name);
    Guest(const Guest &) = delete;
    Guest &operator=(const Guest &) = delete;
    ~Guest();
    const std::string &name() const;
    static int present();

private:
    std::string name_;
};

// What a hash function is in C++: an object with a virtual method. Who derives from Hash is called by the library.
class Hash {
public:
    virtual ~Hash();
    virtual std::int64_t of(std::int64_t key) = 0;
};

// Calls hash.of(key), and has a Guest while it does. If of() throws, ask() does, and the Guest leaves.
std::int64_t ask(Hash &hash, std::int64_t key);

} // namespace hello

#pragma GCC visibility pop
#endif
