#include "table.hpp"

#include <new>
#include <utility>

#include "hashtable.h"

namespace chained {

Hash::~Hash() = default;

Missing::Missing() : std::out_of_range("there is no such key")
{
}

// Throws what a status means. Whether it is not HT_NOT_FOUND.
static bool check(ht_status status)
{
    if (status == HT_NO_MEMORY)
        throw std::bad_alloc();
    if (status != HT_OK && status != HT_NOT_FOUND)
        throw std::invalid_argument(ht_error_message(status));
    return status == HT_OK;
}

// The item for C. It borrows the bytes of a string.
static ht_item to_c(const Item &item)
{
    if (auto integer = std::get_if<std::int64_t>(&item))
        return ht_int(*integer);
    if (auto real = std::get_if<double>(&item))
        return ht_float(*real);
    const std::string &text = std::get<std::string>(item);
    return ht_string(text.data(), text.size());
}

static Item from_c(const ht_item &item)
{
    switch (item.kind) {
    case HT_INT: return item.data.integer;
    case HT_FLOAT: return item.data.real;
    default: return std::string(item.data.text.bytes, item.data.text.length);
    }
}

Table::Table(std::size_t size, double max_load, std::shared_ptr<Hash> hash) : table_(nullptr), hash_(std::move(hash))
{
    check(ht_new(size, max_load, &table_));
}

Table::~Table()
{
    ht_free(table_);
}

// No C function is under way while this runs: an exception would have to pass through it, and must not.
std::int64_t Table::hash_of(const Item &key) const
{
    if (hash_)
        return hash_->of(key);
    ht_item item = to_c(key);
    std::int64_t hash;
    check(ht_hash(&item, &hash));
    return hash;
}

void Table::set(const Item &key, const Item &value)
{
    std::int64_t hash = hash_of(key);
    ht_item item = to_c(key), worth = to_c(value);
    check(ht_set_hashed(table_, hash, &item, &worth, nullptr));
}

std::optional<Item> Table::get(const Item &key) const
{
    std::int64_t hash = hash_of(key);
    ht_item item = to_c(key), value;
    if (!check(ht_get_hashed(table_, hash, &item, &value)))
        return std::nullopt;
    return from_c(value);
}

Item Table::pop(const Item &key)
{
    std::int64_t hash = hash_of(key);
    ht_item item = to_c(key), value;
    if (!check(ht_remove_hashed(table_, hash, &item, nullptr, &value)))
        throw Missing();
    return from_c(value);
}

std::size_t Table::size() const
{
    std::size_t number;
    check(ht_size(table_, &number));
    return number;
}

std::size_t Table::load() const
{
    std::size_t number;
    check(ht_load(table_, &number));
    return number;
}

std::string Table::picture() const
{
    std::size_t needed;
    check(ht_picture(table_, nullptr, 0, &needed));
    std::string buffer(needed + 1, '\0');
    check(ht_picture(table_, buffer.data(), buffer.size(), &needed));
    buffer.resize(needed);
    return buffer;
}

Hash *Table::hash() const
{
    return hash_.get();
}

} // namespace chained
