#!/usr/bin/env bash
# The installed library is all a program needs: installs into a fresh prefix, builds the example
# with what pkg-config says and nothing else, and searches with it.
set -euo pipefail
source=$1 build=$2 compiler=$3
prefix=$(mktemp -d)
trap 'rm -rf "$prefix"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$prefix" >"$prefix/install.log" 2>&1 || { cat "$prefix/install.log"; fail install; }
pc=$(find "$prefix" -name glimpse.pc)
[ -n "$pc" ] || fail "no glimpse.pc was installed"
# The prefix of this trial, not the configured one.
flags=$(PKG_CONFIG_PATH=$(dirname "$pc") pkg-config --define-variable=prefix="$prefix" --cflags --libs glimpse)
case $flags in *"$source"*) fail "the flags name the source tree: $flags" ;; esac

lines=$(wc -l <"$source/examples/search.c")
[ "$lines" -le 50 ] || fail "the example has grown to $lines lines"
# shellcheck disable=SC2086 # flags are several words
"$compiler" -std=c11 -Wall -Wextra -Wpedantic -Werror "$source/examples/search.c" $flags -o "$prefix/search"

library=$(find "$prefix" -name 'libglimpse.so' | head -1)
[ -n "$library" ] || fail "no libglimpse.so was installed"
foreign=$(nm -D --defined-only "$library" | awk '$3 !~ /^glimpse_/ {print $3}' | head -5)
[ -z "$foreign" ] || fail "the library exports what is not ours: $foreign"

export LD_LIBRARY_PATH=${library%/*} HOME=$prefix/home
mkdir -p "$HOME" "$prefix/pictures"
model=$prefix/share/glimpse/models/demo
[ -f "$model/config.json" ] || fail "the demo model was not installed"
cp -r "$source/data/demo/shapes" "$prefix/pictures/"
"$prefix/search" "$model" "$prefix/library" "$prefix/pictures" "a red circle" >"$prefix/out"
[ "$(wc -l <"$prefix/out")" = 5 ] || fail "wanted five results, got: $(cat "$prefix/out")"
grep -q "$prefix/pictures/shapes/" "$prefix/out" || fail "the results are not the pictures indexed"
status=0
"$prefix/search" "$prefix/nothing" "$prefix/library" "$prefix/pictures" x 2>"$prefix/error" || status=$?
[ "$status" = 1 ] && grep -q "no such model" "$prefix/error" || fail "a missing model is not reported"

# The installed command finds the model that was installed with it.
"$prefix/bin/glimpse" --version | grep -q '^glimpse [0-9]' || fail "glimpse --version"
GLIMPSE_LIBRARY=$prefix/library "$prefix/bin/glimpse" search "a red circle" --paths >"$prefix/paths" 2>"$prefix/error" ||
    fail "the installed command: $(cat "$prefix/error")"
# And the vision-language model, which the source tree is not needed for either.
for part in itm caption vqa; do
    [ -f "$prefix/share/glimpse/models/demo-vlm/$part/model.safetensors" ] || fail "the demo VLM's $part was not installed"
done
GLIMPSE_LIBRARY=$prefix/library "$prefix/bin/glimpse" search "a red circle" -k 3 --rerank --json >"$prefix/json" 2>"$prefix/error" ||
    fail "re-ranking by the installed command: $(cat "$prefix/error")"
grep -q '"vlm_probability":0' "$prefix/json" || fail "re-ranking gave no probabilities: $(cat "$prefix/json")"
echo "the installed library, example and command work"
