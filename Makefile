# Two commands do everything: `make demo` and `make test`. `make help` names the rest, `make help ALL=1` says what it does.
#
# Needed on the machine: Rust (cargo), a C compiler (its linker), a CPython of 3.9 or newer with venv. Everything else is
# installed into .venv/ and target/, inside this folder. Another Python: make PYTHON=/path/to/python3.13 demo

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# The lab builds broken variants of the source: it must know where the source is.
export HASHTABLE_SOURCE := $(CURDIR)
# Where `make interpreters` puts CPythons that the machine lacks, and where every command looks for more of them.
PYTHONS_UNDER ?= $(CURDIR)/target/pythons
export PYTHONS_UNDER
# Set to `no` to leave a debug build of Python alone (by default it is installed where apt is at hand and we are root).
DEBUG_PYTHON ?= yes
# How long `make fuzz` fuzzes.
FUZZ_SECONDS ?= 60

# A step says what it does; what it prints matters only if it fails.
say = @printf '\033[1m==> %s\033[0m\n' "$(1)"
ifeq ($(shell test -t 1 && echo terminal),)
say = @printf '==> %s\n' "$(1)"
endif

# cargo would ask make for its share of the jobs, and complain that it cannot.
ALONE := env -u MAKEFLAGS -u MFLAGS

.DEFAULT_GOAL := help

# ---- what must be there --------------------------------------------------------------------------------------------

check-tools:
	@command -v cargo >/dev/null || { echo "cargo is missing: install Rust (https://rustup.rs) and open a new shell." >&2; exit 1; }
	@command -v cc >/dev/null || { echo "a C compiler is missing: Rust links with cc (Debian: apt install gcc libc6-dev)." >&2; exit 1; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is missing: install CPython 3.9 or newer, or name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 9) or sys.implementation.name != "cpython")' \
	  || { echo "$$($(PYTHON) -V 2>&1) is too old or no CPython: CPython 3.9 or newer is needed; name one: make PYTHON=/path/to/python3 ..." >&2; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "$(PYTHON) has no venv: install it (Debian: apt install python3-venv)." >&2; exit 1; }

$(BIN)/python: | check-tools
	$(call say,making the virtual environment $(VENV) with $(PYTHON))
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

# The tools, by group; a group is installed when a target first needs it, and with it the groups that it contains.
$(VENV)/tools-%: pyproject.toml | $(BIN)/python
	$(call say,installing what '$*' needs)
	@$(BIN)/python tests/tools/requirements.py $* \
	  | $(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade setuptools setuptools-rust --requirement /dev/stdin
	@for group in $$($(BIN)/python tests/tools/requirements.py --groups $*); do touch $(VENV)/tools-$$group; done

SOURCES := $(shell find src setup.py pyproject.toml Cargo.toml Cargo.lock -type f -not -path '*/__pycache__/*' -not -path '*.egg-info/*' -not -path 'src/bindings/*')

# The extension, the traced extension and the lab, as `pip install .` installs them.
$(VENV)/installed: $(SOURCES) $(VENV)/tools-lab
	$(call say,building the extension and installing it into $(VENV))
	@$(ALONE) $(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --force-reinstall .
	@touch $@

# ---- the main things -----------------------------------------------------------------------------------------------

# The sections of this file are its headings. The first one with a target is listed in full, the others by name.
HELP = /^\# ---- / { gsub(/^\# ---- | -+$$/, ""); title[++sections] = $$0 } \
  /^[a-z-]+:.*\#\# / { name = what = $$0; sub(/:.*/, "", name); sub(/.*\#\# /, "", what); names[sections] = names[sections] " " name; \
    full[sections] = full[sections] sprintf("  make %-18s %s\n", name, what) } \
  END { for (s = 1; s <= sections; s++) if (names[s]) { \
    if (all || !shown) printf "%s\n%s", title[s], full[s]; else printf "%-21s%s\n", title[s], names[s]; shown = 1 } \
    if (!all) print "make help ALL=1 says what each of them does, and with which variables." }

help: ## Name the targets; ALL=1 says what each does
	@awk -v all='$(ALL)' '$(HELP)' $(firstword $(MAKEFILE_LIST))

install: $(VENV)/installed ## Build the extension and install it and the lab into .venv

demo: $(VENV)/installed ## Run all demos: the talk from beginning to end
	@$(BIN)/python -m hashtable_lab demo all

# As many at a time as there are cores. Thousands of quick tests are handed out by the file: handing out one takes as long as
# running it. Those that take long are handed out one by one, and those that share what takes long to make run in one process.
SIDE_BY_SIDE := --numprocesses=auto --dist=loadfile
ONE_BY_ONE := --numprocesses=auto --dist=loadgroup

# Of two cores both have something to do while tools are fetched and the extension is built.
test: check-tools ## Run the tests: Rust's, Python's, and these on the traced build
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target test-rust ready
	@$(MAKE) --no-print-directory test-python

# All that the Python tests need, one after the other: the first installs tools for the second.
ready:
	@$(MAKE) --no-print-directory $(VENV)/tools-mutants
	@$(MAKE) --no-print-directory $(VENV)/installed

check-binutils:
	@for tool in nm readelf; do command -v $$tool >/dev/null || { echo "$$tool is missing: the book looks into the module's file with it (Debian: apt install binutils)." >&2; exit 1; }; done

# Films of specimens in the book: `make docs REPLAYS=all` records all of them, the first time in some minutes.
docs: check-binutils $(VENV)/installed $(VENV)/tools-docs $(VENV)/tools-mutants ## Build the book into target/docs/html, running all code in it
	$(call say,building the book)
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b doctest docs target/docs/doctest
	@$(BIN)/python -m sphinx -W --keep-going -n -q -b html docs target/docs/html
	@echo "the book is in target/docs/html/index.html"

# Only pages whose names begin so: LOOK='table life'. Without the pictures: SCREENSHOTS=no.
LOOK ?=
SCREENSHOTS ?= yes
look: docs chromium $(VENV)/tools-look ## Look at the book in a browser: test every page, and keep pictures of it in target/look
	$(call say,looking at the book in a browser)
	@LOOK='$(LOOK)' $(BIN)/python -m pytest -q -m look tests/look
	@if [ '$(SCREENSHOTS)' = yes ]; then $(BIN)/python tests/look/screenshots.py $(LOOK); fi

# Without a browser the tests say so, and are left out.
chromium:
	@if command -v chromium >/dev/null; then :; elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing chromium"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium fonts-dejavu-core; } >/dev/null 2>&1 \
	    || echo "chromium could not be installed"; \
	fi

clean: ## Remove everything that was built or installed here
	rm -rf $(VENV) build dist target .hypothesis .pytest_cache .mypy_cache .ruff_cache src/lab/*.egg-info src/lab/*.so

# ---- more tests ----------------------------------------------------------------------------------------------------

# Only these CPythons, as `make interpreters` calls them: PYTHONS='3.11 3.14t'. Only these tests: TESTS='tests/behaviour'.
PYTHONS ?=
TESTS ?=
test-all: test-rust test-matrix test-traced test-slow ## Run all tests, with every CPython found: PYTHONS, TESTS, PYTHONS_UNDER

test-slow: $(VENV)/installed $(VENV)/tools-test $(VENV)/tools-mutants ## Run the tests that `make test` leaves out: what compiles something, or takes long
	$(call say,running the slow tests with $$($(BIN)/python -V))
	@$(BIN)/python -m pytest -q -m slow $(ONE_BY_ONE) $(TESTS)
	@HASHTABLE_MODULE=hashtable_traced $(BIN)/python -m pytest -q -m slow $(ONE_BY_ONE) $(TRACED_TESTS) tests/faults
	@cargo test --locked --quiet --package hashtable-c-header

# Only these: KINDS='3.14t'. Of the source that you have: SOURCE=FILE.
KINDS ?=
SOURCE ?=
interpreters: $(VENV)/installed $(VENV)/tools-test ## Get CPython 3.14, 3.15, debug and free-threaded builds (ThreadSanitizer: KINDS=3.14t-tsan)
	$(call say,getting interpreters into $(PYTHONS_UNDER))
	@$(BIN)/python tests/tools/get_interpreters.py $(KINDS) $(if $(SOURCE),--source '$(SOURCE)')

test-rust: check-tools ## Run the library's own tests
	$(call say,testing the library)
	@$(ALONE) cargo test --locked --quiet --package hashtable-core --package hashtable-c-library
	@$(ALONE) cargo test --locked --quiet --package hashtable-core --features trace

test-python: $(VENV)/installed $(VENV)/tools-test $(VENV)/tools-mutants ## Run the Python tests with the Python of .venv, and on the traced build
	$(call say,testing with $$($(BIN)/python -V))
	@$(BIN)/python -m pytest -q $(SIDE_BY_SIDE) $(TESTS)
	@$(MAKE) --no-print-directory test-traced

# What the traced build could do otherwise; the rest does not ask which of the two modules it is.
TRACED_TESTS = $(or $(TESTS),tests/behaviour tests/ownership tests/hostile tests/faults/test_memory.py)
test-traced: $(VENV)/installed $(VENV)/tools-test
	$(call say,testing the traced build)
	@HASHTABLE_MODULE=hashtable_traced $(BIN)/python -m pytest -q $(SIDE_BY_SIDE) $(TRACED_TESTS)

# Without the slow tests: SLOW=no.
SLOW ?=
test-matrix: $(VENV)/installed $(VENV)/tools-matrix $(VENV)/tools-test debug-python
	$(call say,testing with every CPython that is found)
	@PYTHONS='$(PYTHONS)' SLOW='$(SLOW)' $(BIN)/nox -f tests/tools/noxfile.py -- $(TESTS)

test-dask: $(VENV)/installed $(VENV)/tools-test $(VENV)/tools-dask ## Run the tests of campaigns on a Dask cluster of local processes
	$(call say,testing campaigns on a Dask cluster)
	@$(BIN)/python -m pytest -q -m dask tests/lab

test-browser: $(VENV)/installed $(VENV)/tools-browser chromium ## Test the page of a replay in a real browser, and its state machine
	$(call say,testing the page of a replay)
	@$(BIN)/python -m pytest -q -rs -s -m browser tests/browser

# The reference pictures of a replay's page, after a change of how it looks. RECORD=films records the films anew, too. Look at the
# pictures before you keep them.
record-pictures: $(VENV)/installed $(VENV)/tools-browser chromium
	@PYTHONPATH=tests/tools $(BIN)/python tests/browser/record.py $(RECORD)

since-the-talk: $(VENV)/installed $(VENV)/tools-test ## Ask every CPython found what changed since 2.7, and compare with the book
	$(call say,asking every CPython that is found)
	@$(BIN)/python tests/tools/since_the_talk.py

test-cpython: $(VENV)/tools-test ## Run CPython's own tests of dict, with every CPython found that ships them
	$(call say,putting CPython's own tests of dict to HashTable)
	@$(BIN)/python tests/cpython/run.py

# Only these parts: PARTS='slides wheels'.
PARTS ?=
workshop: $(VENV)/installed $(VENV)/tools-docs ## Put a workshop into target/workshop: slides, handout, exercises, all for a room without a network
	$(call say,putting the workshop into target/workshop)
	@$(BIN)/python docs/workshop/box.py $(PARTS)

# Only these exercises: EXERCISES='first_item both'. Only so many, from all parts: SLICE=8. What was proved is not proved again.
EXERCISES ?=
SLICE ?=
course-check: $(VENV)/installed ## Prove the course: files as given fail, solutions pass, mistakes get their advice
	@$(BIN)/python -m hashtable_lab course prove target/course $(EXERCISES) $(if $(SLICE),--slice $(SLICE))

# Needs a network: packages are built as their authors say. Only some: FOREIGN='test_packages or helper'.
FOREIGN ?=
foreign: $(VENV)/installed $(VENV)/tools-test ## Build other people's extensions with the ledger, and judge them
	$(call say,judging extensions in C C++ Cython and Rust)
	@$(BIN)/python -m pytest -q -m foreign $(if $(FOREIGN),-k '$(FOREIGN)') tests/foreign

# Only those whose names begin so: CASES='multidict ujson'. Only these tools: TOOLS='ledger leakcheck'. Needs a network. What was seen is
# not run again; all of it takes an hour the first time.
CASES ?=
TOOLS ?=
FIELD = $(BIN)/python -m hashtable_lab field $(CASES) $(TOOLS:%=--tool %)
field: $(VENV)/installed debug-python ## Put real bugs in real packages to every tool, and count against the goals: CASES, TOOLS
	$(call say,putting real bugs in real packages to every tool)
	@$(FIELD)

record-field: $(VENV)/installed debug-python
	@$(FIELD) --record

# The tests of the packages that are downloaded most: all of it takes two hours the first time. PACKAGES='wrapt yarl': only these.
survey: $(VENV)/installed $(VENV)/tools-test
	$(call say,running the tests of packages with extensions)
	@$(BIN)/python -m hashtable_lab field --survey $(PACKAGES)

record-survey: $(VENV)/installed $(VENV)/tools-test
	@$(BIN)/python -m hashtable_lab field --survey $(PACKAGES) --record

# The other forms need CPython 3.11 or newer.
WITHOUT_FORMS = $(shell $(BIN)/python -c 'import sys; print("" if sys.version_info >= (3, 11) else "--exclude hashtable-forms")')
lint: $(VENV)/installed $(VENV)/tools-test $(VENV)/tools-lint ## Check style, types and the safety comments
	$(call say,rustfmt and clippy)
	@cargo fmt --all --check && cargo fmt --manifest-path src/core/fuzz/Cargo.toml --check \
	  && cargo fmt --manifest-path tests/bench/peers/pyo3/Cargo.toml --check \
	  && cargo fmt --manifest-path tests/foreign/on_pyo3/Cargo.toml --check \
	  && cargo fmt --manifest-path tests/ownership/stable_abi/Cargo.toml --check
	@cargo clippy --locked --quiet --workspace $(WITHOUT_FORMS) --all-targets -- --deny warnings
	@cargo clippy --locked --quiet --workspace $(WITHOUT_FORMS) --all-targets --features hashtable-extension/trace,ledger-example/ledger $(if $(WITHOUT_FORMS),,--features hashtable-forms/limited) -- --deny warnings
	@cargo fmt --manifest-path src/bindings/Cargo.toml --all --check
	@cargo clippy --manifest-path src/bindings/Cargo.toml --target-dir $(CARGO_OUTPUT)/bindings/lint --locked --quiet --workspace --all-targets -- --deny warnings
	$(call say,ruff and mypy)
	@$(BIN)/ruff format --check --quiet . && $(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	$(call say,the modules of a replay by TypeScript and Biome)
	@$(BIN)/python tests/tools/page_checks.py

debug-python:
ifeq ($(DEBUG_PYTHON),yes)
	@if ls /usr/bin/python3.*-dbg >/dev/null 2>&1; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing a debug build of Python, to count all references"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-dbg; } >/dev/null 2>&1 \
	    || echo "no debug build of Python could be installed: its tests are skipped"; \
	else echo "no debug build of Python here (Debian: apt install python3-dbg): its tests are skipped"; fi
endif

# ---- from C and elsewhere ------------------------------------------------------------------------------------------

# cargo builds it under another name (see src/c_library/Cargo.toml). The rlib is left out: link-time optimisation does not go
# together with it.
CARGO_OUTPUT := $(or $(CARGO_TARGET_DIR),target)
C_LIBRARY := $(CARGO_OUTPUT)/c-library

c-library: check-tools ## Build the library for C into target/c-library: shared, static, header
	$(call say,building the library for C into $(C_LIBRARY))
	@cargo rustc --locked --quiet --release --package hashtable-c-library --crate-type cdylib,staticlib
	@mkdir -p $(C_LIBRARY)
	@for kind in so a; do cp $(CARGO_OUTPUT)/release/libhashtable_c.$$kind $(C_LIBRARY)/libhashtable.$$kind || exit 1; done
	@cp src/c_library/hashtable.h $(C_LIBRARY)/

c-demo: c-library ## Build, test and run the C programs, under valgrind too
	@src/c_library/tests/c-demo.sh $(C_LIBRARY)

header: check-tools ## Write src/c_library/hashtable.h anew from the source
	@cargo run --locked --quiet --package hashtable-c-header

# Only these: BINDINGS='ctypes cffi-abi c-api'. All of them take some eight minutes. OPTIONS=--json prints all that was found.
BINDINGS ?=
OPTIONS ?=
bindings: $(VENV)/installed $(VENV)/tools-test ## Build, test and measure every way to bind the library to Python
	@$(BIN)/python src/bindings/compare.py $(OPTIONS) $(BINDINGS)

# Only those whose names begin so: WHEELS='numpy bcrypt-5'. Only the small ones, one of each kind: SLICE=1.
WHEELS ?=
road-check: $(VENV)/installed $(VENV)/tools-road $(VENV)/tools-test ## Ask `road` about 57 well-known wheels, and compare with what their sources say
	$(call say,asking which road well-known wheels take)
	@$(BIN)/python -m pytest -q tests/lab/test_road.py
	@$(BIN)/python tests/tools/road.py $(if $(SLICE),--slice) $(WHEELS)

# ---- what people install -------------------------------------------------------------------------------------------

# All of them take some forty seconds each.
wheels: $(VENV)/installed $(VENV)/tools-wheels ## Build and try a wheel of the extension for each CPython found: PYTHONS='3.11 3.14t pyodide'
	$(call say,building wheels of the extension into dist)
	@$(BIN)/python tests/tools/wheels.py each --pythons '$(PYTHONS)'

wheel-ctypes: $(VENV)/installed $(VENV)/tools-wheels ## Build and try one wheel for every Python 3, by ctypes
	$(call say,building one wheel for every Python 3 into dist)
	@$(BIN)/python tests/tools/wheels.py one

sdist: $(VENV)/installed $(VENV)/tools-wheels ## Build the source distribution, and a wheel from nothing else
	$(call say,building the source distribution into dist)
	@$(BIN)/python tests/tools/wheels.py sdist

# Only these: KINDS='setuptools maturin'.
build-files: $(VENV)/installed $(VENV)/tools-docs $(VENV)/tools-test ## Build the build files of the book, each twice: the same bytes?
	$(call say,building with the build files of the book)
	@$(BIN)/python -m pytest -q tests/project/test_build_files.py
	@$(BIN)/python tests/tools/build_files.py $(OPTIONS) $(KINDS)

# Rust's standard library for the other system must be at hand: docs/three-systems.md says how.
elsewhere: $(VENV)/installed $(VENV)/tools-wheels $(VENV)/tools-road ## Compile the extension for Windows and macOS, and read the files
	$(call say,compiling the extension for other systems)
	@$(BIN)/python tests/tools/elsewhere.py $(OPTIONS)

# Only some: WAYS='setup_py or editable'.
WAYS ?=
ways-in: $(VENV)/installed $(VENV)/tools-test ## Try setup.py build, pip install, pip install -e, bdist_wheel
	@$(BIN)/python -m pytest -q -m ways_in -k '$(WAYS)' tests/project/test_ways_in.py

# ---- looking for trouble -------------------------------------------------------------------------------------------

fuzz: $(VENV)/tools-test ## Fuzz the library, for FUZZ_SECONDS (60) seconds
	$(call say,fuzzing the library for $(FUZZ_SECONDS) seconds)
	@$(BIN)/python tests/tools/fuzz.py --seconds $(FUZZ_SECONDS)

asan: $(VENV)/installed $(VENV)/tools-test ## Run the Python tests under AddressSanitizer
	$(call say,testing under AddressSanitizer)
	@$(BIN)/python tests/tools/sanitizers.py asan

valgrind: $(VENV)/installed $(VENV)/tools-test ## Run a part of the Python tests under valgrind
	$(call say,testing under valgrind)
	@$(BIN)/python tests/tools/sanitizers.py valgrind

# Of each scenario so many rounds: ROUNDS=300; none, only the specimens: ROUNDS=0. Only these CPythons: PYTHONS='here 3.14t 3.14t-tsan'.
# Of the specimens only these: SPECIMENS='lock-across-python'.
ROUNDS ?= 300
threads: $(VENV)/installed $(VENV)/tools-test ## Let threads loose on tables, with and without the GIL, under ThreadSanitizer: ROUNDS, PYTHONS
	$(call say,letting threads loose on tables)
	@$(BIN)/python tests/tools/threads.py --rounds $(ROUNDS) $(SPECIMENS:%=--specimen %) $(PYTHONS)

# Only some: FORMS='heap' PYTHONS='3.12 3.14' SUITES='behaviour forms'. A slice of the behaviour suite: QUICK=yes.
FORMS ?=
SUITES ?=
QUICK ?=
forms: $(VENV)/installed $(VENV)/tools-forms ## Put each form of the module to the suites, with every CPython: FORMS, PYTHONS, SUITES
	$(call say,putting the forms of the module to the suites)
	@$(BIN)/python tests/tools/forms.py $(FORMS:%=--form %) $(SUITES:%=--suite %) $(if $(QUICK),--quick) $(PYTHONS)

leakcheck-demo: $(BIN)/python ## Find a known leak in a release of multidict, and none in the next
	@$(BIN)/python tests/tools/leakcheck_demo.py

# Needs a network, for pinned wheels. Only some: PACKAGES='orjson or multidict'.
PACKAGES ?=
leakcheck-packages: $(VENV)/installed $(VENV)/tools-test ## Leak-check well-known packages: clean ones, and three real leaks
	$(call say,leak-checking well-known packages)
	@$(BIN)/python -m pytest -q -rs --numprocesses=auto -m packages $(if $(PACKAGES),-k '$(PACKAGES)') tests/lab/test_leakcheck_packages.py

# Only those whose names match: GUARDS='candidate or owned'. All of them take some eight minutes.
GUARDS ?=
guards: $(VENV)/installed $(VENV)/tools-test ## Take each guard against hostile code out: a test must fail
	@$(BIN)/python -m pytest -q -m guards -k '$(GUARDS)' tests/guards/test_guards.py

# Only calls that contain one of these words: FAULTS='setdefault fromkeys'.
FAULTS ?=
faults: $(VENV)/installed $(VENV)/tools-test ## Make everything fail that can fail: nothing but an exception may come of it
	$(call say,making everything fail that can fail)
	@$(BIN)/python tests/faults/faults.py $(FAULTS)

# All of them by all of them takes some twenty minutes; a run that was stopped goes on where it was. Only some:
# SPECIMENS='missing-incref missing-decref' DETECTORS='plain ledger'.
SPECIMENS ?=
DETECTORS ?=
matrix: $(VENV)/installed debug-python valgrind-itself ## Show which detector catches which broken variant
	$(call say,putting the specimens to the detectors)
	@$(BIN)/python -m hashtable_lab matrix $(SPECIMENS:%=--specimen %) $(DETECTORS:%=--detector %)

# A detector that is not available is a column that says so.
valgrind-itself:
	@if command -v valgrind >/dev/null; then :; elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "==> installing valgrind"; \
	  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq valgrind; } >/dev/null 2>&1 \
	    || echo "valgrind could not be installed"; \
	fi

# Only those whose names begin so: MUTANTS='views ffi'. Only N, always the same: SAMPLE=N. One as a diff: SHOW=NAME. Names
# only: LIST=yes. As JSON: JSON=yes. Only those that the atlas does not know, after a change of the source: MISSING=yes.
# Only those in code that the Python of .venv has not, with one that has it: ELSEWHERE=3.14t.
MUTANTS ?=
SAMPLE ?=
SHOW ?=
JSON ?=
LIST ?=
MISSING ?=
ELSEWHERE ?=
JOBS ?= 2
MUTATE = $(BIN)/python tests/mutants/mutate.py $(MUTANTS) --jobs $(JOBS) \
  $(if $(SAMPLE),--sample $(SAMPLE)) $(if $(SHOW),--show $(SHOW)) $(if $(JSON),--json) $(if $(LIST),--list) $(if $(MISSING),--missing) \
  $(if $(ELSEWHERE),--elsewhere $(ELSEWHERE))
mutants: $(VENV)/installed $(VENV)/tools-mutants ## Leave out each refcount operation in turn: a test must notice
	@$(MUTATE)

# ---- measuring -----------------------------------------------------------------------------------------------------

# QUICK=1 ends within two minutes. Without what has more keys: LARGEST=1000000.
LARGEST ?=
bench: $(VENV)/installed $(VENV)/tools-bench ## Measure against dict and its peers: QUICK=1, LARGEST
	$(call say,measuring)
	@$(BIN)/python tests/bench/run.py $(if $(QUICK),--quick) $(if $(LARGEST),--largest $(LARGEST))

bench-instructions: $(VENV)/installed $(VENV)/tools-bench ## Count the instructions of the hot paths, and compare with the record
	@$(BIN)/python tests/bench/instructions.py

bench-forms: $(VENV)/installed $(VENV)/tools-bench ## Count what the other forms cost against the classic one, in instructions
	$(call say,counting the instructions of all forms)
	@$(BIN)/python tests/bench/forms.py

bench-mixed: $(VENV)/installed $(VENV)/tools-bench ## Count what mixed_hash costs, on ordinary and on clustered keys
	@$(BIN)/python tests/bench/mixed.py

bench-where: $(VENV)/installed $(VENV)/tools-bench ## Show which functions take the instructions where a goal is missed
	@$(BIN)/python tests/bench/where.py

bench-free-threaded: $(VENV)/installed $(VENV)/tools-test ## Measure against dict without the GIL, with one thread and two
	$(call say,measuring without the GIL)
	@$(BIN)/python tests/bench/free_threaded.py

bench-steps: $(VENV)/installed $(VENV)/tools-bench ## Build the table after each step that made it faster, and count again
	@$(BIN)/python tests/bench/steps.py

same-code: $(VENV)/installed $(VENV)/tools-test ## Show that the refcount wrappers cost nothing: same machine code
	@$(BIN)/python -m pytest -q -s -m same_code tests/project/test_same_code.py

SUITE ?=
ledger-cost: $(VENV)/installed $(if $(SUITE),$(VENV)/tools-test) ## Time the traced build, which keeps a ledger, against the normal one; or a package's own tests: SUITE=orjson==3.13.0
	@$(BIN)/python tests/bench/ledger_cost.py $(if $(SUITE),--suite '$(SUITE)',--in-full)

# ---- records and pages ---------------------------------------------------------------------------------------------

# A long run leaves a record beside the book, and a page is made from it. Each of these runs in full, except `mutants`, which takes
# MISSING=yes as well, `forms`, which takes FORMS and PYTHONS, and `bench`, which takes QUICK and LARGEST; two of them at once would
# measure each other.
RECORDS := bench instructions mixed where bindings matrix mutants wheels road talk pictures field builds bytecode symptoms threads forms survey
WHAT ?=
record: ## Run something in full, keep its record and write its page: WHAT='bench matrix'
	@for what in $(or $(WHAT),nothing); do case " $(RECORDS) " in *" $$what "*) ;; \
	  *) echo "make record WHAT=...: one or more of $(RECORDS)" >&2; exit 2;; esac; done
	@for what in $(WHAT); do $(MAKE) --no-print-directory record-$$what || exit 1; done

pages: $(VENV)/installed $(VENV)/tools-bench $(VENV)/tools-wheels ## Write the pages that are made from records anew, measuring nothing
	@$(BIN)/python tests/bench/performance.py
	@$(BIN)/python -m hashtable_lab specimens pages
	@$(BIN)/python tests/tools/wheels.py page

record-bench: $(VENV)/installed $(VENV)/tools-bench
	@$(BIN)/python tests/bench/run.py --record $(if $(QUICK),--quick) $(if $(LARGEST),--largest $(LARGEST))

record-instructions: $(VENV)/installed $(VENV)/tools-bench
	@$(BIN)/python tests/bench/instructions.py --record

record-mixed: $(VENV)/installed $(VENV)/tools-bench
	@$(BIN)/python tests/bench/mixed.py --record

record-where: $(VENV)/installed $(VENV)/tools-bench
	@$(BIN)/python tests/bench/where.py --record

record-bindings: $(VENV)/installed $(VENV)/tools-test
	@$(BIN)/python src/bindings/compare.py --record

record-matrix: $(VENV)/installed debug-python valgrind-itself
	@$(BIN)/python -m hashtable_lab matrix $(SPECIMENS:%=--specimen %) --record
	@$(BIN)/python -m hashtable_lab specimens pages

record-threads: $(VENV)/installed $(VENV)/tools-test
	@$(BIN)/python tests/tools/threads.py --rounds 0 --record here 3.14t 3.14t-tsan
	@$(BIN)/python -m hashtable_lab specimens pages

record-forms: $(VENV)/installed $(VENV)/tools-forms
	@$(BIN)/python tests/tools/forms.py $(FORMS:%=--form %) --record $(PYTHONS)

record-symptoms: site $(VENV)/tools-test chromium
	@HASHTABLE_RECORD_SYMPTOMS=yes $(BIN)/python -m pytest -q -m site tests/site/test_site.py -k test_a_specimen_in_the_browser

record-mutants: $(VENV)/installed $(VENV)/tools-mutants
	@$(MUTATE) --write

record-road: $(VENV)/installed $(VENV)/tools-road
	@$(BIN)/python tests/tools/road.py --record

record-talk: $(VENV)/installed $(VENV)/tools-test
	@$(BIN)/python tests/tools/since_the_talk.py --record

record-bytecode: $(VENV)/installed $(VENV)/tools-test
	@$(BIN)/python tests/tools/bytecode.py --record

record-builds: $(VENV)/installed
	@$(BIN)/python tests/tools/build_files.py --record

record-wheels: wheels wheel-ctypes sdist
	@$(BIN)/python tests/tools/wheels.py page

# SPECIMENS='missing-incref' builds only these for the browser; all of them take some four minutes the first time. PAGES=built takes
# the pages of the last `make docs` as they are.
PORT ?= 8000
PAGES ?=
site: $(if $(PAGES),$(VENV)/installed $(VENV)/tools-docs,docs) $(VENV)/tools-site ## Make the site of the book, with a Python in each page: target/site/html
	$(call say,making the site)
	@$(BIN)/python docs/site/build.py target/docs/html target/site/html $(if $(SPECIMENS),--specimens $(SPECIMENS))

site-serve: check-tools ## Serve the site to a browser on this machine: PORT=8000
	@test -f target/site/html/index.html || { echo "there is no site yet: run \`make site\`" >&2; exit 1; }
	@echo "the site is at http://127.0.0.1:$(PORT)/ until Ctrl-C"
	@$(PYTHON) -m http.server --bind 127.0.0.1 --directory target/site/html $(PORT) 2>/dev/null || true

test-site: $(VENV)/installed $(VENV)/tools-test $(VENV)/tools-site chromium ## Test the site in a browser, and the extension on 32 bits in Pyodide
	$(call say,testing the site in a browser)
	@$(BIN)/python -m pytest -q -m site --numprocesses=2 --dist=loadfile $(or $(TESTS),tests/site)

# Every target with a description is a command, not a file; so are the checks.
.PHONY: chromium check-tools ready check-binutils debug-python valgrind-itself test-matrix test-traced $(RECORDS:%=record-%) $(shell awk -F: '/^[a-z-]+:.*\#\# / { print $$1 }' $(MAKEFILE_LIST))
