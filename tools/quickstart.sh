#!/usr/bin/env bash
# From a fresh clone to answers: installs what is missing, builds glimpse, indexes the demo
# pictures with the demo model, asks for pictures in words, by picture and by both, and lets the
# demo vision-language model re-rank.
# Everything is below build/; nothing is asked. Works offline once tools/deps.sh has run.
#
# usage: tools/quickstart.sh
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
exec </dev/null 4>&1

if [ $# != 0 ]; then
    sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"
    case $1 in -h | --help) exit 0 ;; *) exit 2 ;; esac
fi

unset GLIMPSE_MODEL GLIMPSE_PRECISION
demo=data/demo model=data/models/demo work=build/quickstart
bold='' plain=''
if [ -t 1 ]; then bold=$(printf '\033[1m') plain=$(printf '\033[0m'); fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }
die() {
    printf '\nquickstart.sh: %s\n' "$*" >&2
    exit 1
}

# Shows a command as one would type it, then runs it. Its exit status is left in $status.
run() {
    local word line='$'
    for word in "$@"; do
        case $word in
        *[!A-Za-z0-9_./:=,+-]* | '') line+=" \"$word\"" ;;
        *) line+=" $word" ;;
        esac
    done
    printf '%s\n' "$line" >&4
    status=0
    "$@" || status=$?
}

# Runs a command that is to succeed.
must() {
    run "$@"
    [ "$status" = 0 ] || die "that ended with exit status $status, where 0 was expected"
}

# ---------------------------------------------------------------------------- set-up

heading "1. What glimpse is built with"
must tools/deps.sh
tools/deps.sh --check

heading "2. The build"
mkdir -p build "$work"
fresh=()
if [ -e build/release/CMakeCache.txt ] &&
    ! grep -qxF "CMAKE_HOME_DIRECTORY:INTERNAL=$root" build/release/CMakeCache.txt; then
    fresh=(--fresh) # the checkout was moved or copied
fi
run cmake --preset release "${fresh[@]}" >"$work/build.log" 2>&1
[ "$status" != 0 ] || run cmake --build build/release >>"$work/build.log" 2>&1
if [ "$status" != 0 ]; then
    tail -n 30 "$work/build.log"
    die "the build failed; all of its output is in $work/build.log"
fi
echo "built: build/release/bin/glimpse"

# ---------------------------------------------------------------------------- the demo

export PATH="$root/build/release/bin:$PATH" GLIMPSE_LIBRARY=$work/library
# shellcheck disable=SC2016
echo '$ export PATH="$PWD/build/release/bin:$PATH" GLIMPSE_LIBRARY='"$GLIMPSE_LIBRARY"

heading "3. Index the demo pictures (two of them are broken on purpose)"
rm -rf "$GLIMPSE_LIBRARY"
run glimpse index $demo --model $model
case $status in
3) echo "exit status 3: done, but some files could not be read. The two broken ones, as expected." ;;
*) die "indexing ended with exit status $status; 3 was expected, for the broken files" ;;
esac

heading "4. Search in words"
wanted=("a red car in the snow" "three penguins in the snow" "a sailboat at sunset"
    "a cat to the left of a dog")
for query in "${wanted[@]}"; do
    must glimpse search "$query" -k 3
done

run glimpse search "a submarine"
[ "$status" = 1 ] || die "a search for what is not there ended with exit status $status; 1 was expected"

heading "5. Search by picture: an edited copy finds its original"
edited=$(awk -F '\t' '$4 ~ /^near_duplicate_of:/ { print $1; exit }' $demo/captions.tsv)
must glimpse similar "$demo/$edited" -k 3

heading "6. Add and subtract: words, pictures, or both"
must glimpse search "a car" + "snow" -k 3
must glimpse search "$demo/$edited" + "2:snow" -k 3 --all-scores

heading "7. Label without training"
must glimpse label $demo/vehicles --classes $demo/classes.txt --top 1 --model $model \
    >"$work/labels.out"
sed -n 1,12p "$work/labels.out"
echo "... ($(wc -l <"$work/labels.out") lines in $work/labels.out)"

heading "8. Re-ranking: which thing is where, and how many"
relations=data/demo-relations
rm -rf "$work/relations"
must glimpse index $relations --model $model --library "$work/relations"
query="a strawberry to the left of an orange bus"
must glimpse search "$query" -k 3 --library "$work/relations"
must glimpse search "$query" -k 3 --library "$work/relations" --rerank
must glimpse caption -q $demo/animals/cat-dog-room-005.jpg \
    $demo/together/alarm-clock-octopus-night-230.jpg $demo/together/cake-gift-room-009.jpg
must glimpse ask -q "how many stars are there?" $relations/counts/001.jpg $relations/counts/004.jpg

heading "9. The library"
must glimpse status

heading "10. A page to look at"
must glimpse search "a sailboat at sunset" -k 12 --all-scores --html "$work/sailboats.html"

# ---------------------------------------------------------------------------- the score

# What came first for every query whose right answers are known.
heading "11. Are the answers right?"
asked=0 right=0
while IFS=$'\t' read -r query files; do
    asked=$((asked + 1))
    first=$(glimpse search "$query" -k 1 --paths --all-scores)
    case "|$files|" in
    *"|${first#*"$demo"/}|"*) right=$((right + 1)) ;;
    *) echo "  not right: \"$query\" -> ${first#"$root/"}" ;;
    esac
done < <(tail -n +2 $demo/queries.tsv)
echo "$right of $asked demo queries have a right picture first."
awk -F '\t' '
    NR == FNR { if (FNR > 1) class[$1] = $2; next }
    {
        for (file in class)
            if (index($0, file)) {
                n++
                # The line begins with the class. Two spaces end it: "fire engine" is no "fire".
                if (index($0, class[file] "  ") == 1) ok++
            }
    }
    END { if (n) printf "%d of %d pictures of single vehicles have the right label.\n", ok, n }
' $demo/labels.tsv "$work/labels.out"

score=$(glimpse evaluate retrieval --captions $relations/spatial.tsv --model $model --rerank \
    --rerank-depth 10 -q | sed -n '/^Re-ranked/,$s/^.*R@1  *\([0-9.]*%\)  *\([0-9.]*%\)$/\1 \2/p')
echo "${score% *} of 80 queries about places have a right picture first, ${score#* } with re-ranking."

heading "Done"
echo "Look at     $root/$work/sailboats.html"
echo "Try         export PATH=\"$root/build/release/bin:\$PATH\" GLIMPSE_LIBRARY=\"$root/$work/library\""
echo "            glimpse search \"a snowman at night\""
echo "Then index your own photos with a model that knows the world (README.md), in a library of"
echo "their own:  unset GLIMPSE_LIBRARY; glimpse pull"
