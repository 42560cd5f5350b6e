#!/usr/bin/env bash
# Builds glimpse and runs its tests: optimised, under AddressSanitizer and
# UndefinedBehaviorSanitizer, and, for the tests labelled `threads`, under ThreadSanitizer.
# Ends with a line 'N passed, N failed, N skipped' and exits non-zero if anything failed.
#
# usage: tools/test.sh [--quick] [--jobs N] [-R REGEX] [--verbose]
#        tools/test.sh [--unit | --label LABEL] [--changed] [--command NAME] [COMPONENT...]
#        tools/test.sh --commands
#
#   --quick        the optimised build only
#   --jobs N       compile and test with N jobs (default: the number of cores)
#   -R REGEX       only the tests whose names match, in every build
#   --verbose      show the output of all tests, not only of those that fail
#
# For a change in progress; each of these builds and runs only what it selects, optimised, and they
# may be combined:
#
#   COMPONENT...   the tests of these components: directories of tests/ (text, text/ or tests/text)
#   --command NAME the tests of one command of glimpse, cmd_NAME.c, by the table in docs/testing.md;
#                  --commands prints it
#   --label LABEL  the tests with this label: unit, corpus, cli, golden, threads or fuzz
#   --unit         --label unit: seconds, nothing but the checkout is needed
#   --changed      the tests of the components whose files differ from the main branch
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
exec </dev/null

die() {
    printf 'test.sh: %s\n' "$*" >&2
    exit 2
}
# Refuses an option without its value: what it wants, and all the words that are left.
wants() { [ $# -ge 3 ] && [ -n "$3" ] || die "$2 wants $1"; }
set_label() {
    [ -z "$label" ] || [ "$label" = "$1" ] || die "one label at a time, not both $label and $1"
    label=$1
}
# The table of docs/testing.md, a line a command: its name and its tests. All commands have `usage`.
commands() {
    awk -F '|' '
        /^\| commands \|/ { inside = 1; next }
        !/^\|/ { inside = 0 }
        inside && !/---/ {
            gsub(/`/, "")
            count = split($2, names, " ")
            for (i = 1; i <= count; i++) print names[i], "usage" ($3 ~ / usage /? "" : $3)
        }' docs/testing.md | sed 's/ *$//; s/  */ /g'
}

usage() { sed -n '/^# usage/,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }

suites=(release asan tsan)
jobs=$(nproc)
ctest_args=() regex='' label='' changed='' components=() command_tests=()
while [ $# -gt 0 ]; do
    case $1 in
    --quick) suites=(release) ;;
    --jobs | -j) wants "a number" "$@" && jobs=$2 && shift ;;
    --jobs=*) jobs=${1#*=} ;;
    --unit) set_label unit ;;
    --label) wants "a label" "$@" && set_label "$2" && shift ;;
    --label=*) wants "a label" --label "${1#*=}" && set_label "${1#*=}" ;;
    --changed) changed=1 ;;
    --commands) commands && exit 0 ;;
    --command | --command=*)
        if [ "$1" = --command ]; then
            wants "the name of a command" "$@"
            shift
        fi
        name=${1#--command=}
        found=$(commands | awk -v name="$name" '$1 == name { $1 = ""; print }')
        [ -n "$found" ] || die "there is no command '$name' in docs/testing.md, only" \
            "$(commands | cut -d ' ' -f 1 | paste -sd ' ')"
        read -ra more <<<"$found"
        command_tests+=("${more[@]}")
        ;;
    -R) wants "a regular expression" "$@" && regex=$2 && shift ;;
    --verbose) ctest_args+=(-V) ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *)
        name=${1#./} name=${name%/}
        components+=("${name#tests/}")
        ;;
    esac
    shift
done
case $jobs in
*[!0-9]* | '' | 0) die "--jobs wants a number, not '$jobs'" ;;
esac

# Which components a changed file concerns: its own, and the command's tests for the command. What
# every test is built with concerns all of them.
components_of() {
    case $1 in
    tests/support/* | tests/CMakeLists.txt | CMake* | cmake/* | src/include/* | index/include/* | \
        src/CMakeLists.txt | index/CMakeLists.txt) (cd tests && echo */CMakeLists.txt) | sed 's,/CMakeLists.txt,,g; s/support//' ;;
    tests/fixtures/*) echo tools ;;
    tests/*/*) echo "$1" | cut -d/ -f2 ;;
    index/library/*) echo store session ;;
    index/labelling/*) echo session ;;
    src/*/* | index/*/*) echo "$1" | cut -d/ -f2 ;;
    tools/cli/* | tools/commands/* | tools/report/* | tools/completion/*) echo tools ;;
    tools/structure.py | docs/architecture.md) echo install ;;
    data/* | examples/*) echo session tools ;;
    esac
}

targets=()
if [ -n "$label$changed${components[*]}${command_tests[*]}" ]; then
    suites=(release)
    labels=$(sed -n 's/^set(labels \(.*\))$/\1/p' tests/CMakeLists.txt)
    if [ -n "$label" ] && [[ " $labels " != *" $label "* ]]; then
        die "there is no label '$label', only $labels"
    fi
    if [ -n "$changed" ]; then
        base=HEAD
        for branch in origin/main main; do
            base=$(git merge-base HEAD "$branch" 2>/dev/null) && break || base=HEAD
        done
        files=$(git diff --name-only "$base" && git ls-files --others --exclude-standard)
        mapfile -t more < <(while read -r file; do components_of "$file"; done <<<"$files" |
            tr ' ' '\n' | sort -u |
            while read -r name; do
                if [ -n "$name" ] && [ -e "tests/$name/CMakeLists.txt" ]; then echo "$name"; fi
            done)
        components+=("${more[@]}")
        echo "changed since $(git log -1 --format='%h (%s)' "$base"): ${more[*]:-nothing that has tests}"
    fi
    for component in "${components[@]}"; do
        if [ ! -e "tests/$component/CMakeLists.txt" ] || [ "$component" = support ]; then
            die "tests/$component is no directory of tests"
        fi
        targets+=("tests_$component")
    done
    for name in "${command_tests[@]}"; do
        targets+=("test_tools_$name")
    done
    if [ ${#components[@]} != 0 ] || [ ${#command_tests[@]} != 0 ]; then
        [ -z "$regex" ] || die "-R, or components and commands, not both"
        regex=$({
            [ ${#components[@]} = 0 ] || printf '^%s_\n' "${components[@]}"
            [ ${#command_tests[@]} = 0 ] || printf '^tools_%s$\n' "${command_tests[@]}"
        } | paste -sd '|')
    elif [ -n "$changed" ]; then
        echo "0 passed, 0 failed, 0 skipped" && exit 0
    else
        targets=("tests_$label")
    fi
fi
[ -z "$label" ] || ctest_args+=(-L "^$label\$")
[ -z "$regex" ] || ctest_args+=(-R "$regex")

# The tests are to see neither this user's library nor settings, and no spinning threads.
unset GLIMPSE_LIBRARY GLIMPSE_MODEL GLIMPSE_PRECISION
export OMP_WAIT_POLICY=passive
# A value in quotes: the path may have spaces in it.
supp="$root/tests/suppressions"
export ASAN_OPTIONS="detect_leaks=1:halt_on_error=1:strict_string_checks=1:check_initialization_order=1"
# use_tls=0: with it LeakSanitizer crashes in the thread-local storage of libraries that were loaded
# at run time (oneDNN, libheif).
export LSAN_OPTIONS="use_tls=0:suppressions='$supp/lsan.supp':print_suppressions=0"
export UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1"
export TSAN_OPTIONS="halt_on_error=1:second_deadlock_stack=1:suppressions='$supp/tsan.supp'"

passed=0 failed=0 skipped=0 broken=() times=()

clock() { printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); }

# A checkout that was moved or copied carries a build tree that CMake refuses: start it anew.
configure() {
    local fresh=() cache=build/$1/CMakeCache.txt
    if [ -e "$cache" ] && ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$cache"; then
        fresh=(--fresh)
    fi
    cmake --preset "$1" "${fresh[@]}" >"build/$1.log" 2>&1 || {
        cat "build/$1.log"
        return 1
    }
}

# Compiles quietly; everything it said is shown when it fails, warnings always.
compile() {
    if ! cmake --build "build/$1" -j "$jobs" ${targets:+--target "${targets[@]}"} >"build/$1.log" 2>&1; then
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)' "build/$1.log" || true
        return 1
    fi
    grep -A 6 'warning:' "build/$1.log" | grep -vE '^\[[0-9]+/[0-9]+\]' || true
}

# Reads ctest's JUnit file: adds to the counts, prints what was skipped and why.
count() {
    local report=$1 counts
    counts=$(awk '
        function attribute(name,    s) {
            if (!match($0, name "=\"[^\"]*\"")) return ""
            s = substr($0, RSTART, RLENGTH)
            sub(/^[^"]*"/, "", s)
            sub(/"$/, "", s)
            return s
        }
        function plain(s) {
            gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s)
            gsub(/&apos;/, "\047", s); gsub(/&amp;/, "\\&", s)
            return s
        }
        /<testcase / { name = attribute("name"); status = attribute("status"); why = message = "" }
        /<skipped / { message = attribute("message") }
        /<system-out>/ { inside = 1; sub(/.*<system-out>/, "") }
        inside {
            line = $0
            sub(/<\/system-out>.*/, "", line)
            # The reason is the first line that speaks of skipping, else the last one.
            if (line ~ /[^ \t]/ && why !~ /[Ss][Kk][Ii][Pp]/) why = line
            if (/<\/system-out>/) inside = 0
        }
        /<\/testcase>/ {
            if (status == "run") {
                passed++
            } else if (status == "disabled" || message ~ /^SKIP_/) {
                skipped++
                printf "  skipped: %s (%s)\n", name, plain(why) >"/dev/stderr"
            } else {
                failed++
                printf "  FAILED: %s%s\n", name, message == "" ? "" : " (" plain(message) ")" \
                    >"/dev/stderr"
            }
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$report" 2>&3)
    read -r suite_passed suite_failed suite_skipped <<<"$counts"
}

run_suite() {
    local suite=$1 start=$SECONDS built report=$root/build/$1/junit.xml only=() wrap=() status=0
    echo
    echo "== $suite"
    if ! configure "$suite" || ! compile "$suite"; then
        echo "  the $suite build FAILED (build/$suite.log)"
        broken+=("$suite build")
        return
    fi
    built=$((SECONDS - start))

    if [ "$suite" = tsan ]; then
        only=(-L '^threads$')
        # Without address space randomisation: gcc 12's ThreadSanitizer does not know the memory
        # layouts of newer kernels.
        if setarch "$(uname -m)" -R true 2>/dev/null; then wrap=(setarch "$(uname -m)" -R); fi
    fi
    rm -f "$report"
    "${wrap[@]}" ctest --test-dir "build/$suite" --output-on-failure --no-tests=ignore \
        --test-output-size-passed 100000 --output-junit "$report" -j "$jobs" \
        "${only[@]}" "${ctest_args[@]}" || status=$?
    suite_passed=0 suite_failed=0 suite_skipped=0
    if [ -e "$report" ]; then count "$report" 3>&1; fi
    passed=$((passed + suite_passed))
    failed=$((failed + suite_failed))
    skipped=$((skipped + suite_skipped))
    if [ "$status" != 0 ] && [ "$suite_failed" = 0 ]; then
        broken+=("$suite tests (ctest's exit status $status)")
    fi
    times+=("$(printf '%-8s build %s, tests %s, %d run' "$suite" "$(clock "$built")" \
        "$(clock $((SECONDS - start - built)))" $((suite_passed + suite_failed)))")
}

tools/deps.sh --tests
mkdir -p build
for suite in "${suites[@]}"; do
    run_suite "$suite"
done

echo
# What the fast paths had to run on: with AVX-512 or AMX other ones are tested than without.
HOME=$root/build build/release/bin/glimpse doctor 2>/dev/null | grep -E '^CPU|^ +onednn|^--precision' || true
for line in "${times[@]}"; do echo "$line"; done
for line in "${broken[@]}"; do echo "FAILED: $line"; done
echo "all of it took $(clock $SECONDS)"
status=0
if [ ${#broken[@]} != 0 ] || [ "$failed" != 0 ]; then
    status=1
elif [ "$passed" = 0 ]; then
    echo "no test was run"
    status=1
fi
# What did not even build or start counts as failed.
echo "$passed passed, $((failed + ${#broken[@]})) failed, $skipped skipped"
exit $status
