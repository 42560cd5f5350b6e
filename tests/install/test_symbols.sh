#!/usr/bin/env bash
# What the libraries export is what the public headers declare: no more, no less.
#     test_symbols.sh SOURCE libglimpse.so libglimpse.a COMPILER
set -euo pipefail
source=$1 shared=$2 static=$3 compiler=$4
# Comments are taken off by gcc: clang does not without including all that is included.
case $("$compiler" --version) in *clang*) compiler=gcc ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Comments off, a declaration a line, the name in front of its parenthesis or bracket.
find "$source/src/include/glimpse" "$source/index/include/glimpse" -name '*.h' -print0 |
    while IFS= read -r -d '' header; do
        "$compiler" -w -fpreprocessed -dD -E -P "$header" | sed '/^#/d' | tr '\n' ' ' | tr ';{' '\n\n' |
            sed -n 's/^.*GLIMPSE_API \([^([]*\).*$/\1/p' | sed 's/ *$//; s/.*[ *]//'
    done | sort >"$work/declared"
[ "$(wc -l <"$work/declared")" -ge 100 ] || { echo "FAILED: only $(wc -l <"$work/declared") declarations were found"; exit 1; }
twice=$(uniq -d "$work/declared")
[ -z "$twice" ] || { echo "FAILED: declared twice: $twice"; exit 1; }

nm -D --defined-only "$shared" | awk '$2 != "A" { print $3 }' | sort >"$work/shared"
# Of the static library our own object; FAISS's members are FAISS's.
nm --defined-only "$static" 2>/dev/null |
    awk '/^[^ ]*\.o:$/ { ours = ($1 == "glimpse.o:") } ours && $2 ~ /^[A-Z]$/ { print $3 }' | sort >"$work/static"

status=0
for kind in shared static; do
    if ! diff "$work/declared" "$work/$kind" >"$work/difference"; then
        echo "FAILED: the $kind library (>) and the headers (<) differ:"
        grep '^[<>]' "$work/difference"
        status=1
    fi
done
[ "$status" = 0 ] && echo "$(wc -l <"$work/declared") symbols, declared and exported"
exit $status
