#!/usr/bin/env bash
# Checks the source without running it. One line a check: ok, FAILED with what to do, or skipped
# with the reason. Exits non-zero if anything failed.
#
# usage: tools/check.sh [--build DIR] [--jobs N] [CHECK...]       (default: all)
#
#   format       C as .clang-format says; shell and Python without mistakes of syntax
#   headers      every public header compiles alone, as C11 and as C++17, without a warning
#   names        no name that was given up is back (tools/names.py)
#   structure    arrows between components, circles of files, SQL outside the store (after a build)
#   tidy         clang-tidy as .clang-tidy says; what has passed is looked at again when it changes
#   all          all of them
#
#   --build DIR  the build for structure and tidy (default: build/release)
#   --jobs N     look at N files at a time (default: the number of cores)
#
# clang-format and clang-tidy are those of Debian 12, version 14: others lay out and find other
# things. `tools/deps.sh --lint` installs what is missing.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 2
exec </dev/null

usage() { sed -n '/^# usage/,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
# Refuses an option without its value: what it wants, and all the words that are left.
wants() {
    if [ $# -lt 3 ] || [ -z "$3" ]; then
        echo "check.sh: $2 wants $1" >&2
        exit 2
    fi
}

checks=()
build=build/release
jobs=$(nproc)
while [ $# -gt 0 ]; do
    case $1 in
    format | headers | names | structure | tidy) checks+=("$1") ;;
    all) checks+=(format headers names structure tidy) ;;
    --build) wants "a directory" "$@" && build=$2 && shift ;;
    --jobs | -j) wants "a number" "$@" && jobs=$2 && shift ;;
    --jobs=*) jobs=${1#*=} ;;
    -h | --help) usage && exit 0 ;;
    *) usage >&2 && exit 2 ;;
    esac
    shift
done
[ ${#checks[@]} -gt 0 ] || checks=(format headers names structure tidy)
case $jobs in
*[!0-9]* | '' | 0) echo "check.sh: --jobs wants a number, not '$jobs'" >&2 && exit 2 ;;
esac

log=$(mktemp -d "${TMPDIR:-/tmp}/glimpse-check-XXXXXX")
trap 'rm -rf "$log"' EXIT
failed=0

ok() { printf '%-10s ok        %s\n' "$check" "$1"; }
skipped() { printf '%-10s skipped   %s\n' "$check" "$1"; }
# Says what is wrong, then what to do.
fail() {
    failed=1
    [ ! -s "$log/$check" ] || sed 's/^/    /' "$log/$check"
    printf '%-10s FAILED    %s\n' "$check" "$1"
}

# Our files of some kinds that are there, also new ones that git does not ignore.
files() {
    git ls-files -z --cached --others --exclude-standard -- "$@" |
        while IFS= read -r -d '' name; do [ ! -f "$name" ] || printf '%s\0' "$name"; done
}

# The lists of files come from git: an empty one would pass.
is_checkout() {
    git ls-files --error-unmatch tools/check.sh >/dev/null 2>&1
}

# Prints the command of version 14 of a tool of LLVM's, if it is there.
llvm_tool() {
    local command
    for command in "$1-14" "$1"; do
        if [[ "$("$command" --version 2>/dev/null)" =~ version\ 14\. ]]; then
            echo "$command"
            return 0
        fi
    done
    return 1
}

# What a check cannot do without fails it, unless the caller (a test) wants it skipped.
missing() {
    if [ -n "${GLIMPSE_CHECK_SKIP:-}" ]; then skipped "$1"; else fail "$1"; fi
}
missing_tool() {
    missing "$1 is not there: apt-get install $2 (Debian 12), or tools/deps.sh --lint"
}

check_format() {
    local format left=
    is_checkout || {
        missing "this is no git checkout (or git is not there): which files are ours?"
        return
    }
    format=$(llvm_tool clang-format) || {
        missing_tool "clang-format 14" clang-format
        return
    }
    files '*.c' '*.h' '*.inc' |
        xargs -0 -n 40 -P "$jobs" "$format" --dry-run -Werror >"$log/format" 2>&1 || {
        fail "run: git ls-files '*.c' '*.h' '*.inc' | xargs $format -i"
        return
    }
    files '*.sh' '*.bash' | xargs -0 -n 1 bash -n >"$log/format" 2>&1 || {
        fail "mend the shell scripts named above"
        return
    }
    if command -v shellcheck >/dev/null; then
        files '*.sh' '*.bash' | xargs -0 shellcheck -S warning >"$log/format" 2>&1 || {
            fail "mend what shellcheck names above"
            return
        }
    else
        left=" (shellcheck is not there: apt-get install shellcheck)"
    fi
    # Parsed only: py_compile would leave its files in the tree.
    files '*.py' | xargs -0 python3 -c '
import ast, sys
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        ast.parse(file.read(), name)' >"$log/format" 2>&1 || {
        fail "mend the Python file named above"
        return
    }
    ok "C, shell, Python$left"
}

# The flags are those of CMakeLists.txt, and every warning is an error.
compile_header() {
    printf '#include <%s>\n#include <%s>\nextern int unused;\n' "$4" "$4" |
        "$1" -x "$2" "-std=$3" -fsyntax-only -Isrc/include -Iindex/include \
            -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -
}
export -f compile_header

check_headers() {
    local headers=() header
    is_checkout || {
        missing "this is no git checkout (or git is not there): which files are ours?"
        return
    }
    while IFS= read -r -d '' header; do
        headers+=("${header#*/include/}")
    done < <(files 'src/include/glimpse/*.h' 'index/include/glimpse/*.h')
    {
        printf "${CC:-cc} c c11 %s\n" "${headers[@]}"
        printf "${CXX:-c++} c++ c++17 %s\n" "${headers[@]}"
    } | xargs -L 1 -P "$jobs" bash -c 'compile_header "$@"' compile_header >"$log/headers" 2>&1 || {
        fail "a public header has to compile alone: include in it what it uses"
        return
    }
    files 'src/include/glimpse/*.h' 'index/include/glimpse/*.h' |
        xargs -0 tests/install/test_headers.sh "${CC:-cc}" >"$log/headers" 2>&1 || {
        fail "the public headers disagree (tests/install/test_headers.sh)"
        return
    }
    ok "${#headers[@]} public headers, as C11 and as C++17"
}

check_names() {
    if [ ! -f tools/names.py ]; then
        skipped "there is no tools/names.py"
        return
    fi
    is_checkout || {
        missing "this is no git checkout (or git is not there): which files are ours?"
        return
    }
    { python3 tools/names.py --self-test && python3 tools/names.py; } >"$log/names" 2>&1 || {
        fail "use the new names (tools/names.py has the list)"
        return
    }
    ok "$(tail -n 1 "$log/names")"
}

check_structure() {
    if [ ! -f "$build/compile_commands.json" ]; then
        fail "it reads a build: cmake --preset release && cmake --build --preset release"
        return
    fi
    python3 tools/structure.py "$build" >"$log/structure" 2>&1 || {
        fail "docs/architecture.md has the rules; is $build up to date?"
        return
    }
    ok "$(tail -n 1 "$log/structure")"
}

check_tidy() {
    local tidy
    tidy=$(llvm_tool clang-tidy) && llvm_tool clang >/dev/null || {
        missing_tool "clang-tidy 14" "clang-tidy clang"
        return
    }
    if [ ! -f "$build/compile_commands.json" ]; then
        fail "it reads how files are compiled: cmake --preset release"
        return
    fi
    CLANG_TIDY=$tidy CLANG=$(llvm_tool clang) \
        python3 tools/tidy.py --build "$build" --jobs "$jobs" >"$log/tidy" 2>&1 || {
        fail "mend what is named above; .clang-tidy says what is checked and why"
        return
    }
    ok "$(sed -n "\$s/^tidy: //p" "$log/tidy")"
}

for check in "${checks[@]}"; do
    "check_$check"
done
exit $failed
