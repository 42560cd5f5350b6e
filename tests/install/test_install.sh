#!/usr/bin/env bash
# The installed library is all a program needs: installs into a fresh prefix with a space in its name,
# builds the example with what pkg-config says, with find_package, and against the static library,
# and searches with each.
set -euo pipefail
source=$1 build=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
prefix="$work/a prefix"
fail() { echo "FAILED: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$prefix" >"$work/install.log" 2>&1 || { cat "$work/install.log"; fail install; }
library=$(find "$prefix" -name 'libglimpse.so' | head -1)
[ -n "$library" ] || fail "no libglimpse.so was installed"
libdir=${library%/*}
[ -f "$libdir/pkgconfig/glimpse.pc" ] || fail "no glimpse.pc was installed"
for file in "$libdir"/pkgconfig/*.pc "$libdir"/cmake/glimpse/*.cmake; do
    ! grep -qF -e "$source" -e "$build" -e "$work" "$file" || fail "$file names where it was built or installed"
done
foreign=$(nm -D --defined-only "$library" | awk '$3 !~ /^glimpse_/ {print $3}' | head -5)
[ -z "$foreign" ] || fail "the library exports what is not ours: $foreign"

# Moved once more, so that nothing can lean on where it was installed.
mv "$prefix" "$work/another prefix"
prefix="$work/another prefix" libdir="$work/another prefix${libdir#"$work/a prefix"}"
export PKG_CONFIG_PATH=$libdir/pkgconfig
warnings="-std=c11 -Wall -Wextra -Wpedantic -Werror"
lines=$(wc -l <"$source/examples/search.c")
[ "$lines" -le 24 ] || fail "the example has grown to $lines lines"
cp "$source/examples/search.c" "$work/search.c"
# pkg-config quotes for the shell, so the shell has to read it.
eval "'$compiler' $warnings '$work/search.c' $(pkg-config --cflags --libs glimpse) -o '$work/search'"
eval "'$compiler' $warnings '$work/search.c' $(pkg-config --cflags --libs glimpse-static) -o '$work/search-static'"
! readelf -d "$work/search-static" | grep -q 'libglimpse' || fail "the static example wants the shared library"
eval "'$compiler' $warnings -pthread '$source/examples/tour.c' $(pkg-config --cflags --libs glimpse) -o '$work/tour'"
mkdir "$work/user"
cat >"$work/user/CMakeLists.txt" <<'END'
cmake_minimum_required(VERSION 3.20)
project(user C)
find_package(glimpse 0.1 REQUIRED)
add_executable(shared ../search.c)
target_link_libraries(shared glimpse::glimpse)
add_executable(static ../search.c)
target_link_libraries(static glimpse::static)
END
{ cmake -S "$work/user" -B "$work/user/build" -DCMAKE_PREFIX_PATH="$prefix" -DCMAKE_C_COMPILER="$compiler" &&
    cmake --build "$work/user/build"; } >"$work/user.log" 2>&1 || { cat "$work/user.log"; fail "find_package"; }

export LD_LIBRARY_PATH=$libdir HOME=$work/home
mkdir -p "$HOME" "$prefix/pictures"
model=$prefix/share/glimpse/models/demo
[ -f "$model/config.json" ] || fail "the demo model was not installed"
cp -r "$source/data/demo/shapes" "$prefix/pictures/"
for program in "$work/search" "$work/search-static" "$work/user/build/shared" "$work/user/build/static"; do
    "$program" "$prefix/library" "$prefix/pictures" "a red circle" >"$prefix/out" 2>"$prefix/error" || fail "$program: $(cat "$prefix/error")"
    [ "$(wc -l <"$prefix/out")" = 10 ] || fail "$program: wanted ten results, got: $(cat "$prefix/out")"
    grep -q "$prefix/pictures/shapes/" "$prefix/out" || fail "$program: the results are not the pictures indexed"
done
# All of it with one session: pictures are indexed, labelled, duplicates found, a query looked at again.
cp -r "$source/data/demo/edited" "$prefix/pictures/" && cp "$(find "$prefix/pictures/shapes" -type f | sort | head -1)" "$prefix/pictures/copy"
"$work/tour" "$prefix/all" "$prefix/pictures" "circle,square,star" "a red circle" >"$prefix/out" 2>"$prefix/error" || fail "the tour: $(cat "$prefix/error")"
[ "$(grep -c "^$prefix/pictures/shapes/circle-.*: circle" "$prefix/out")" -ge 3 ] || fail "the tour labelled no circles: $(cat "$prefix/out")"
grep -qE '^[1-9][0-9]* groups of duplicates$' "$prefix/out" || fail "the tour found no duplicate: $(cat "$prefix/out")"
[ "$(grep -c "^0\.[0-9]* $prefix/pictures/" "$prefix/out")" = 10 ] || fail "the tour found no ten pictures: $(cat "$prefix/out")"
# The shared library finds what was installed with it, wherever the program lies and the prefix was
# moved. (The library remembers where the model was.)
"$prefix/bin/glimpse" status --json -l "$prefix/library" >"$prefix/json"
grep -qF "\"path\":\"$model\"" "$prefix/json" || fail "the model that was used is not the installed one: $(cat "$prefix/json")"
status=0
GLIMPSE_MODEL=$prefix/nothing "$work/search" "$prefix/library" "$prefix/pictures" x 2>"$prefix/error" || status=$?
[ "$status" = 1 ] && grep -q "there is no model folder $prefix/nothing" "$prefix/error" || fail "a missing model is not reported"

# The installed command finds the model that was installed with it.
"$prefix/bin/glimpse" --version | grep -q '^glimpse [0-9]' || fail "glimpse --version"
GLIMPSE_LIBRARY=$prefix/library "$prefix/bin/glimpse" search "a red circle" --paths >"$prefix/paths" 2>"$prefix/error" ||
    fail "the installed command: $(cat "$prefix/error")"
# And the vision-language model, which the source tree is not needed for either.
[ -f "$prefix/share/glimpse/models/catalog.json" ] || fail "the table of models was not installed"
for part in itm caption vqa; do
    [ -f "$prefix/share/glimpse/models/demo-vlm/$part/model.safetensors" ] || fail "the demo VLM's $part was not installed"
done
GLIMPSE_LIBRARY=$prefix/library "$prefix/bin/glimpse" search "a red circle" -k 3 --rerank --json >"$prefix/json" 2>"$prefix/error" ||
    fail "re-ranking by the installed command: $(cat "$prefix/error")"
grep -q '"vlm_probability":0' "$prefix/json" || fail "re-ranking gave no probabilities: $(cat "$prefix/json")"
echo "the installed library, example and command work"
