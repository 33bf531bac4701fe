// A few things that C does not have. Compiled, loaded and called by the programs beside this file.
#include <cstdio>
#include <stdexcept>

// Two functions of one name.
long plain(long number)
{
    return number + 1;
}

double plain(double number)
{
    return number + 0.5;
}

// An object that tidies up behind itself, and a method that may be overridden.
class Counter {
public:
    explicit Counter(long start) : count(start) {}
    virtual ~Counter() { std::printf("the counter is gone at %ld\n", count); }
    virtual long step() { return 1; }
    long next();

private:
    long count;
};

long Counter::next()
{
    return count += step();
}

// A constructor that stands in a class is compiled only where it is used: here.
extern "C" Counter *counter_new(long start)
{
    return new Counter(start);
}

extern "C" void counter_free(Counter *counter)
{
    delete counter;
}

// The half of an even number. No answer for an odd one, but an exception.
long half(long number)
{
    if (number % 2)
        throw std::invalid_argument("an odd number has no half");
    return number / 2;
}

// The same for C: what is thrown ends here. Answers whether it could tell.
extern "C" int half_or_not(long number, long *answer) noexcept
{
    try {
        *answer = half(number);
        return 1;
    } catch (const std::exception &) {
        return 0;
    }
}
