#!/usr/bin/env bash
# Builds glimpse without each of its optional parts in turn, and without all of them. For each it
# wants: no warning; `glimpse doctor` says that the part is missing; the tests of parts pass.
# One line for each, and exits non-zero if anything failed.
#
# usage: tools/check_optional.sh [--jobs N] [-R REGEX] [PART...]
#
#   PART         a switch of CMakeLists.txt (GLIMPSE_WITH_TIFF), or `all`: all of them off together
#                (default: each switch that is on by default, then all)
#   --jobs N     compile and test with N jobs (default: the number of cores)
#   -R REGEX     run the tests whose names match, instead of those labelled `unit`
#
# One tree, build/optional, is configured again for each part, so that only what the part touches
# is compiled again.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
root=$PWD
exec </dev/null

usage() { sed -n '/^# usage/,/^# One/{/^# One/!s/^# \{0,1\}//p}' "$0"; }
# Refuses an option without its value: what it wants, and all the words that are left.
wants() {
    if [ $# -lt 3 ] || [ -z "$3" ]; then
        echo "check_optional.sh: $2 wants $1" >&2
        exit 2
    fi
}

jobs=$(nproc)
parts=()
tests=(-L '^unit$')
while [ $# -gt 0 ]; do
    case $1 in
    --jobs | -j) wants "a number" "$@" && jobs=$2 && shift ;;
    --jobs=*) jobs=${1#*=} ;;
    -R) wants "a regular expression" "$@" && tests=(-R "$2") && shift ;;
    -h | --help) usage && exit 0 ;;
    all | GLIMPSE_*) parts+=("$1") ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
case $jobs in
*[!0-9]* | '' | 0) echo "check_optional.sh: --jobs wants a number, not '$jobs'" >&2 && exit 2 ;;
esac

# The tests are to see neither this user's library nor settings, and no spinning threads.
unset GLIMPSE_LIBRARY GLIMPSE_MODEL GLIMPSE_PRECISION
export OMP_WAIT_POLICY=passive
if command -v ccache >/dev/null; then
    export CMAKE_C_COMPILER_LAUNCHER=ccache CMAKE_CXX_COMPILER_LAUNCHER=ccache
fi

build=$root/build/optional
log=$build/check.log
# A checkout that was moved carries a tree that CMake refuses.
if [ -e "$build/CMakeCache.txt" ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" "$build/CMakeCache.txt"; then
    rm -rf "$build"
fi
mkdir -p "$build"

# Optimised a little, since the tests run, and without debug information: this is about whether it
# builds at all.
configure() {
    cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=None -DCMAKE_C_FLAGS=-O1 \
        -DGLIMPSE_WERROR=ON "$@" >"$log" 2>&1
}

configure || {
    cat "$log"
    exit 1
}
# What can be left out is what CMake knows as a switch of ours.
mapfile -t switches < <(cmake -N -L "$build" |
    sed -nE 's/^(GLIMPSE_(WITH|BUILD)_[A-Z0-9_]+):BOOL=.*/\1/p')
# Those that this tree has off because of an earlier run are on by default all the same.
mapfile -t optional < <(for switch in "${switches[@]}"; do
    ! grep -qE "^option\($switch .* ON\)" CMakeLists.txt || echo "$switch"
done)
if [ ${#optional[@]} = 0 ]; then
    echo "check_optional.sh: CMake names no switch" >&2
    exit 1
fi
[ ${#parts[@]} -gt 0 ] || parts=("${optional[@]}" all)
for part in "${parts[@]}"; do
    case " ${optional[*]} all " in
    *" $part "*) ;;
    *) echo "check_optional.sh: there is no part $part: ${optional[*]} all" >&2 && exit 2 ;;
    esac
done

# Whether `glimpse doctor` says that what a switch is named after cannot be used.
doctor_lacks() {
    "$build/bin/glimpse" doctor --json --model data/models/demo 2>"$log" |
        python3 -c '
import json, sys
wanted = sys.argv[1].lower()
report = json.load(sys.stdin)
known = {name.lower(): bool(works) for group in ("formats", "backends")
         for name, works in report[group].items()}
if wanted not in known:
    sys.exit(f"glimpse doctor does not know {wanted}")
if known[wanted]:
    sys.exit(f"glimpse doctor says that {wanted} works")' "$1" >>"$log" 2>&1
}

# Builds without the parts named, and sets `result`.
try() {
    local off=("$@") flags=() switch name said="builds"
    for switch in "${optional[@]}"; do
        case " ${off[*]} " in
        *" $switch "*) flags+=("-D$switch=OFF") ;;
        *) flags+=("-D$switch=ON") ;;
        esac
    done
    configure "${flags[@]}" || {
        result="configuring FAILED"
        return 1
    }
    cmake --build "$build" -j "$jobs" >"$log" 2>&1 || {
        result="build FAILED"
        return 1
    }
    for switch in "${off[@]}"; do
        case $switch in
        GLIMPSE_WITH_*)
            name=${switch#GLIMPSE_WITH_}
            doctor_lacks "$name" || {
                result="doctor FAILED"
                return 1
            }
            said="builds, doctor agrees"
            ;;
        esac
    done
    case " ${off[*]} " in
    *" GLIMPSE_BUILD_TESTS "*)
        result=$said
        return 0
        ;;
    esac
    ctest --test-dir "$build" "${tests[@]}" --no-tests=error -j "$jobs" --output-on-failure \
        >"$log" 2>&1 || {
        result="tests FAILED"
        return 1
    }
    result="$said, $(sed -nE 's/.* tests failed out of ([0-9]+)$/\1 tests pass/p' "$log")"
}

status=0
echo "without"
for part in "${parts[@]}"; do
    start=$SECONDS
    off=("$part")
    # With the tests, so that they run.
    if [ "$part" = all ]; then
        off=()
        for switch in "${optional[@]}"; do
            [ "$switch" = GLIMPSE_BUILD_TESTS ] || off+=("$switch")
        done
    fi
    word=ok
    if ! try "${off[@]}"; then
        word=FAILED status=1
        grep -vE '^\[[0-9]+/[0-9]+\] (Building|Linking)|^ *[0-9]+/[0-9]+ Test .*Passed' "$log" |
            tail -n 60 | sed 's/^/    /'
    fi
    printf '%-26s %-7s %5d s   %s\n' "$part" "$word" $((SECONDS - start)) "$result"
done
exit $status
