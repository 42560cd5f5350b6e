#!/usr/bin/env bash
# Runs the fuzz targets of tests/fuzz with clang's libFuzzer under AddressSanitizer and
# UndefinedBehaviorSanitizer, and prints a line for each.
#
# usage: tools/fuzz.sh [TARGET...] [--seconds N] [--jobs N] [--list]
#
#   TARGET         such as images (default: all of them)
#   --seconds N    how long each target runs (default: 60)
#   --jobs N       compile with N jobs, and run N targets at a time (default: the number of cores)
#   --list         print the names of the targets
#
# What is found stays in build/fuzz: inputs that reach something new in corpus/TARGET, where the
# next run goes on from, and what a run printed in TARGET.log. Exits with 1 when a target crashed,
# leaked, or took too long for an input; the line then says where the input is, and how to see it
# again.
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD build=$PWD/build/fuzz
exec </dev/null

usage() { sed -n '/^# usage/,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
die() {
    printf 'fuzz.sh: %s\n' "$*" >&2
    exit 2
}

# Refuses an option without its value: what it wants, and all the words that are left.
wants() { [ $# -ge 3 ] && [ -n "$3" ] || die "$2 wants $1"; }

seconds=60 jobs=$(nproc) list=no targets=()
while [ $# -gt 0 ]; do
    case $1 in
    --seconds) wants "a number" "$@" && seconds=$2 && shift ;;
    --seconds=*) seconds=${1#*=} ;;
    --jobs | -j) wants "a number" "$@" && jobs=$2 && shift ;;
    --jobs=*) jobs=${1#*=} ;;
    --list) list=yes ;;
    -h | --help) usage && exit 0 ;;
    -*) usage >&2 && exit 2 ;;
    *) targets+=("$1") ;;
    esac
    shift
done
for number in "$seconds" "$jobs"; do
    case $number in
    *[!0-9]* | '' | 0*) die "'$number' is no number of seconds or jobs" ;;
    esac
done

mapfile -t all < <(sed -n 's/^glimpse_fuzz_target(\([a-z_0-9]*\).*/\1/p' tests/fuzz/CMakeLists.txt)
if [ "$list" = yes ]; then
    printf '%s\n' "${all[@]}"
    exit 0
fi
[ ${#targets[@]} != 0 ] || targets=("${all[@]}")
for target in "${targets[@]}"; do
    case " ${all[*]} " in
    *" $target "*) ;;
    *) die "there is no target $target; there are ${all[*]}" ;;
    esac
done

if ! command -v clang >/dev/null || ! command -v clang++ >/dev/null; then
    die "this needs clang. Run tools/deps.sh --fuzz, or install clang, libclang-rt-dev and libomp-dev"
fi
tools/deps.sh --fuzz
mkdir -p build
quietly() {
    "$@" >build/fuzz.log 2>&1 || {
        cat build/fuzz.log >&2
        die "the build failed"
    }
    grep -A 6 'warning:' build/fuzz.log >&2 || true
}
quietly cmake --preset fuzz
quietly cmake --build build/fuzz -j "$jobs" --target "${targets[@]/#/fuzz_}"

# The same for everybody, and nothing of this user's.
unset GLIMPSE_LIBRARY GLIMPSE_MODEL GLIMPSE_PRECISION
export ASAN_OPTIONS="detect_leaks=1:strict_string_checks=1:allocator_may_return_null=1:quarantine_size_mb=16"
export LSAN_OPTIONS="suppressions='$root/tests/suppressions/lsan.supp':print_suppressions=0"
export UBSAN_OPTIONS="print_stacktrace=1"
scratch=$(mktemp -d "$([ -w /dev/shm ] && echo /dev/shm || echo "${TMPDIR:-/tmp}")/glimpse-fuzz-XXXXXX")
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT TERM HUP

# A figure of libFuzzer's last line of progress: "#123 DONE cov: 45 ft: ..."
figure() { grep -oE "$2 +[0-9]+" "$1" | tail -n 1 | grep -oE '[0-9]+' || echo 0; }

run() {
    local target=$1 log=$build/$1.log finds=$build/corpus/$1 directory=$scratch/$1
    local inputs=() dictionary=() status=0 line artifact
    mkdir -p "$finds" "$build/crashes" "$directory/home" "$directory/tmp"
    while IFS= read -r line; do inputs+=("$line"); done <"$build/tests/fuzz/$target.inputs"
    if [ -e "tests/fuzz/dictionaries/$target" ]; then
        dictionary=("-dict=$root/tests/fuzz/dictionaries/$target")
    fi
    # In a directory and with a home of its own: whatever an input names is not there.
    (
        cd "$directory"
        TMPDIR=$directory/tmp HOME=$directory/home XDG_CONFIG_HOME='' XDG_CACHE_HOME='' \
            "$build/bin/fuzz_$target" "-max_total_time=$seconds" -timeout=20 -rss_limit_mb=3000 \
            -max_len=16384 -print_final_stats=1 "-artifact_prefix=$build/crashes/$target-" \
            "${dictionary[@]}" "$finds" "${inputs[@]}"
    ) >"$log" 2>&1 || status=$?
    line=$(printf '%-15s %9d runs %6d edges %7d runs/s' "$target" \
        "$(figure "$log" 'stat::number_of_executed_units:')" "$(figure "$log" 'cov:')" \
        "$(figure "$log" 'stat::average_exec_per_sec:')")
    if [ "$status" = 0 ]; then
        printf '%s  ok\n' "$line"
        return
    fi
    artifact=$(grep -oE "Test unit written to .*" "$log" | head -n 1 | sed 's/^Test unit written to //')
    printf '%s  CRASH\n  %s\n  see it again: %s %s\n  what it said: %s\n' "$line" \
        "$(grep -m1 -E 'broken promise|runtime error|ERROR: |SUMMARY: ' "$log" || echo "exit status $status")" \
        "build/fuzz/bin/fuzz_$target" "${artifact:-(no input was written)}" "$log"
    : >"$scratch/failed"
}

export -f run figure
export root build seconds scratch
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I '{}' bash -c 'run "$1"' run '{}' || true
[ ! -e "$scratch/failed" ]
