#!/usr/bin/env bash
# The example with everything in it: under 60 lines, and each of its parts does something.
set -euo pipefail
source=$1 tour=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }
unset GLIMPSE_LIBRARY GLIMPSE_MODEL GLIMPSE_VLM XDG_DATA_HOME XDG_CONFIG_HOME XDG_CACHE_HOME
export HOME=$work

lines=$(wc -l <"$source/examples/tour.c")
[ "$lines" -lt 60 ] || fail "the example has grown to $lines lines"
pictures=$source/data/demo/shapes
"$tour" "$work/library" "$pictures" "circle,square,triangle" "a red circle" >"$work/out" 2>"$work/error" ||
    fail "it ends with $?: $(cat "$work/error")"
[ ! -s "$work/error" ] || fail "something was printed on stderr: $(cat "$work/error")"
count=$(find "$pictures" -type f | wc -l)
labelled=$(grep -c "^$pictures/.*: \(circle\|square\|triangle\)\$" "$work/out" || true)
[ "$labelled" = "$count" ] || fail "$labelled of $count pictures were labelled"
# A label is right more often than not.
right=$(grep -c "/circle[^/]*: circle\$" "$work/out" || true)
[ "$right" -gt 0 ] || fail "no circle was labelled circle"
grep -qE '^[0-9]+ searches meanwhile$' "$work/out" || fail "nothing about searches"
grep -qE '^[0-9]+ groups of duplicates$' "$work/out" || fail "nothing about duplicates"
looked=$(grep -cE "^[01]\.[0-9]{3} $pictures/" "$work/out" || true)
[ "$looked" = 10 ] || fail "$looked pictures were looked at again, not 10"
echo "the tour was complete"
