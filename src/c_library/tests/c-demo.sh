#!/bin/sh
# Builds and runs the C programs of src/c_library against the library in a folder, shared and static: the tests, then the
# example.
#
#     src/c_library/tests/c-demo.sh FOLDER
#
# FOLDER has libhashtable.so, libhashtable.a and hashtable.h, and the programs are built into it: `make c-demo` does it
# all.
#
# Each check is first shown to notice what it is there to notice. With valgrind on the machine, the programs run under it
# too, but for the test that has a limit on memory, which valgrind itself would hit.
set -eu

[ $# -eq 1 ] && [ -e "$1/libhashtable.so" ] || { echo "usage: $0 FOLDER (make c-demo builds one)" >&2; exit 2; }
built=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")/.." && pwd)
CC=${CC:-cc}
flags="-std=c99 -D_DEFAULT_SOURCE -Wall -Wextra -Wpedantic -Werror -g -I$built"

step() { printf '==> %s\n' "$*"; }
die() { echo "c-demo: $*" >&2; exit 1; }

shared() { $CC $flags -o "$built/$2" "$here/$1" -L"$built" -lhashtable -Wl,-rpath,"$built" -lm; }
static() { $CC $flags -o "$built/$2" "$here/$1" "$built/libhashtable.a" -lpthread -ldl -lm; }

step "which symbols the shared library has for others"
# Prints those that do not begin with ht_, of which there should be none.
foreign() { nm -D --defined-only "$1" | awk '$3 !~ /^ht_[a-z_]+$/ { print $3 }'; }
printf 'int ht_fine(void) { return 0; }\nint helper(void) { return 1; }\n' >"$built/control.c"
$CC -shared -fPIC -o "$built/control.so" "$built/control.c"
[ "$(foreign "$built/control.so")" = helper ] || die "the check of the symbols does not notice one too many"
too_many=$(foreign "$built/libhashtable.so")
[ -z "$too_many" ] || die "the library shows more than ht_*: $too_many"
# Prints how the functions that the header declares differ from those that a library has, which they should not.
undeclared() {
  grep -oE '\bht_[a-z_]+\(' "$built/hashtable.h" | tr -d '(' | sort -u >"$built/declared"
  nm -D --defined-only "$1" | awk '{ print $3 }' | sort | diff "$built/declared" - || true
}
undeclared "$built/control.so" | grep -q '^> ht_fine$' || die "a function that the header lacks is not noticed"
undeclared "$built/control.so" | grep -q '^< ht_new$' || die "a function that the library lacks is not noticed"
differences=$(undeclared "$built/libhashtable.so")
[ -z "$differences" ] || die "the header and the library differ: $differences"
echo "$(wc -l <"$built/declared" | tr -d ' ') functions, all ht_*, all in the header"

step "compiling with $CC"
shared tests/test.c test-shared
static tests/test.c test-static
shared example.c example-shared
static example.c example-static
shared tests/broken.c broken
readelf -d "$built/test-shared" | grep -q 'NEEDED.*\[libhashtable\.so\]' || die "test-shared uses no shared library"
if readelf -d "$built/test-static" | grep -q hashtable; then die "test-static does not stand alone"; fi
if command -v c++ >/dev/null; then
  printf '#include "hashtable.h"\nint main() { ht_table *t; return ht_new(4, 0.5, &t) || ht_free(t); }\n' \
    >"$built/cpp.cpp"
  c++ -Wall -Wextra -Wpedantic -Werror -I"$built" -o "$built/cpp" "$built/cpp.cpp" "$built/libhashtable.so" \
    -Wl,-rpath,"$built"
  "$built/cpp" || die "the header is good for C, but not for C++"
else
  echo "no C++ compiler here: the header is not tried with one"
fi

step "testing"
for kind in shared static; do
  printf '%s: ' "$kind"; "$built/test-$kind" || die "the tests fail with the $kind library"
  printf '%s, without memory: ' "$kind"; "$built/test-$kind" memory || die "the tests fail with the $kind library"
done

if command -v valgrind >/dev/null; then
  step "under valgrind"
  watched() {
    valgrind -q --leak-check=full --show-leak-kinds=all --errors-for-leak-kinds=all --error-exitcode=99 "$@" >/dev/null
  }
  for rule in leak stale freed; do
    code=0
    watched "$built/broken" "$rule" 2>/dev/null || code=$?
    [ "$code" -eq 99 ] || die "valgrind does not notice the broken rule '$rule'"
  done
  watched "$built/broken" none || die "valgrind complains about a program that breaks no rule"
  for kind in shared static; do
    watched "$built/test-$kind" || die "valgrind complains about the tests with the $kind library"
    watched "$built/example-$kind" || die "valgrind complains about the example with the $kind library"
  done
  echo "clean; three programs that break the rules are noticed"
else
  step "no valgrind here (Debian: apt install valgrind): not looking for leaks"
fi

step "the example"
"$built/example-static" >"$built/example-static.txt"
"$built/example-shared" | tee "$built/example.txt"
cmp -s "$built/example.txt" "$built/example-static.txt" || die "the example does something else with the static library"
