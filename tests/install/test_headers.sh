#!/usr/bin/env bash
# The public headers as one interface: every name is declared in exactly one of them, glimpse.h has
# all of them, and every struct of options can be initialised. (test_symbols.sh holds the libraries
# against them.)
#     test_headers.sh COMPILER HEADERS...
set -euo pipefail
export LC_ALL=C
compiler=$1
shift
strip=$compiler # takes comments off, which only gcc does without including anything
case $("$compiler" --version) in *clang*) strip=gcc ;; esac
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failures=0
fail() { echo "FAILED: $*" >&2; failures=1; }

# Writes KIND NAME HEADER for each function, variable, type and macro of a header. (That no two tags
# or enumerators are the same is what compiling all headers in one file shows.)
names_of() {
    local text=$work/text statements=$work/statements header=$2
    # Comments go; directives stay.
    "$strip" -w -fpreprocessed -dD -E -P "$1" >"$text"
    grep -oE '^#define +[A-Za-z_0-9]+' "$text" | awk -v h="$header" '{ print "macro", $2, h }'
    grep -v '^#' "$text" | tr '\n' ' ' | tr ';' '\n' >"$statements"
    grep -oE 'GLIMPSE_API .*' "$statements" | grep -oE '^[^([]*[([]' | grep -oE 'glimpse_[a-z0-9_]+ *[([]$' |
        awk -v h="$header" '{ sub(/ *[([]$/, ""); print "exported", $0, h }'
    grep -oE 'static inline [^({]*\(' "$statements" | grep -oE '[a-z0-9_]+ *\($' |
        awk -v h="$header" '{ sub(/ *\($/, ""); print "inline", $0, h }'
    { grep -oE '^ *\} *glimpse_[a-z0-9_]+ *$' "$statements"
      grep -oE 'typedef [^{}()]*glimpse_[a-z0-9_]+ *$' "$statements"
      grep -oE 'typedef [^{}(]*\(\*glimpse_[a-z0-9_]+\)' "$statements"
      grep -oE 'typedef [^{}(]*\{.*\} *glimpse_[a-z0-9_]+ *$' "$statements"
    } | grep -oE 'glimpse_[a-z0-9_]+[ )]*$' | awk -v h="$header" '{ sub(/[ )]*$/, ""); print "type", $0, h }'
}

everything=
for header; do
    name=${header##*/include/}
    names_of "$header" "$name" >>"$work/names" || true
    case $name in
        glimpse/glimpse.h) everything=$header ;;
        *) echo "$name" >>"$work/headers" ;;
    esac
done

# The lists are worth something only when the reading of headers works at all.
for known in 'exported glimpse_library_search glimpse/library.h' 'exported glimpse_windows glimpse/sys/fingerprint.h' \
    'type glimpse_result glimpse/library.h' 'type glimpse_progress_fn glimpse/library.h' 'type glimpse_vlm glimpse/sys/vlm.h' \
    'macro GLIMPSE_SEARCH_OPTIONS_INIT glimpse/library.h' 'inline glimpse_hamming glimpse/sys/fingerprint.h'; do
    grep -qxF "$known" "$work/names" || fail "this test did not find: $known"
done

sort -u "$work/names" | awk '{ at[$2] = at[$2] " " $3; times[$2]++ } END { for (n in times) if (times[n] > 1) print n ":" at[n] }' >"$work/twice"
while read -r line; do fail "declared more than once: $line"; done <"$work/twice"

for name in $(cat "$work/headers"); do
    grep -qxF "#include <$name>" "$everything" || fail "glimpse/glimpse.h does not include <$name>"
done

for type in $(awk '$1 == "type" && $2 ~ /_options$/ { print $2 }' "$work/names"); do
    grep -q "^macro ${type^^}_INIT " "$work/names" || fail "$type has no ${type^^}_INIT"
done

[ "$failures" = 0 ] || exit 1
echo "$(wc -l <"$work/headers") headers, $(wc -l <"$work/names") names, each in one of them"
