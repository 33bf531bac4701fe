// The hash table as C++ has it: libtable_cpp, over the C library. A class that owns its table (RAII), keys and values that are
// a std::variant, a hash function that is an object with a virtual method, and exceptions instead of codes.
#ifndef TABLE_HPP
#define TABLE_HPP

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <variant>

struct ht_table;

#pragma GCC visibility push(default)

namespace chained {

// A key or a value. A string is UTF-8.
using Item = std::variant<std::int64_t, double, std::string>;

// A hash function. What it throws comes out of the call that asked for the hash; the table is then as it was.
class Hash {
public:
    virtual ~Hash();
    virtual std::int64_t of(const Item &key) = 0;
};

// There is no such key.
class Missing : public std::out_of_range {
public:
    Missing();
};

// Throws std::invalid_argument for parameters, keys and values that cannot be used, and std::bad_alloc.
class Table {
public:
    // Without a hash function the library's own is used. The table shares the hash function with its maker.
    explicit Table(std::size_t size = 4, double max_load = 0.5, std::shared_ptr<Hash> hash = nullptr);
    ~Table();
    Table(const Table &) = delete;
    Table &operator=(const Table &) = delete;

    void set(const Item &key, const Item &value);
    // A copy of the value.
    std::optional<Item> get(const Item &key) const;
    // Removes the pair and returns its value. Throws Missing.
    Item pop(const Item &key);

    std::size_t size() const;
    std::size_t load() const;
    std::string picture() const;
    Hash *hash() const; // lent; nullptr for the library's own

private:
    std::int64_t hash_of(const Item &key) const;

    ht_table *table_;
    std::shared_ptr<Hash> hash_;
};

} // namespace chained

#pragma GCC visibility pop
#endif
