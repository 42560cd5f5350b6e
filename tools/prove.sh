#!/usr/bin/env bash
# Pulls real models and compares what glimpse makes of published pictures with what the models' own
# documentation says. For a machine with network: about 4 GB with the table that comes with it.
# Prints how fast the models are as well.
#
# usage: tools/prove.sh [options]
#
#   --yes                accept the licences (else glimpse pull asks; in a pipe it then refuses)
#   --expect FILE        another table of what is expected (default: tools/prove.tsv)
#   --picture NAME=FILE  a picture of the table from a file instead of its address
#   --speed DIR          pictures to measure with (default: data/demo/animals)
#   --models DIR         put models below DIR (XDG_DATA_HOME of the run) instead of your own place
#
# Exit code 0: all as published; 1: something is not; 2: misuse; 3: models or pictures cannot be
# had (offline), and nothing or not all was checked. $GLIMPSE is the program (default: that of
# build/release, else the one on PATH).
set -uo pipefail
export LC_ALL=C
tools=$(cd "$(dirname "$0")" && pwd)
usage() { sed -n '2,/^set/{/^set/!s/^# \{0,1\}//p}' "$0"; }
misuse() {
    printf 'prove.sh: %s\n' "$*" >&2
    exit 2
}

expect=$tools/prove.tsv speed=$tools/../data/demo/animals pull_options=()
declare -A pictures=()
while [ $# -gt 0 ]; do
    option=$1
    case $option in
    -h | --help) usage && exit 0 ;;
    -y | --yes) pull_options+=(--yes) && shift && continue ;;
    --expect | --picture | --speed | --models) ;;
    *) usage >&2 && exit 2 ;;
    esac
    if [ $# -lt 2 ] || [ -z "$2" ]; then misuse "$option wants a value"; fi
    case $option in
    --expect) expect=$2 ;;
    --picture)
        [[ $2 == ?*=?* ]] || misuse "--picture wants NAME=FILE, not $2"
        [ -f "${2#*=}" ] || misuse "there is no file ${2#*=}"
        pictures[${2%%=*}]=${2#*=}
        ;;
    --speed) speed=$2 ;;
    --models)
        mkdir -p "$2" || misuse "$2 cannot be made"
        XDG_DATA_HOME=$(cd "$2" && pwd)
        export XDG_DATA_HOME
        ;;
    esac
    shift 2
done
[ -r "$expect" ] || misuse "there is no table $expect"
glimpse=${GLIMPSE:-$tools/../build/release/bin/glimpse}
[ -x "$glimpse" ] || glimpse=$(command -v glimpse) ||
    misuse "no glimpse: build it (tools/quickstart.sh), or say where it is with GLIMPSE=FILE"
unset GLIMPSE_MODEL GLIMPSE_VLM GLIMPSE_LIBRARY GLIMPSE_PRECISION

work=$(mktemp -d "${TMPDIR:-/tmp}/glimpse-prove-XXXXXX") || exit 3
trap 'rm -rf "$work"' EXIT

# Rows of one kind, without comments.
rows() { awk -F '\t' -v kind="$1" '$1 == kind' "$expect"; }
cannot() {
    printf 'prove.sh: %s\n' "$*" >&2
    exit 3
}

checked=0 wrong=0
passed() { checked=$((checked + 1)) && printf '  ok      %s\n' "$1"; }
failed() {
    checked=$((checked + 1)) wrong=$((wrong + 1))
    printf '  WRONG   %s\n' "$1"
}
# close VALUE WANTED TOLERANCE
close() {
    awk -v a="$1" -v b="$2" -v t="$3" \
        'BEGIN { d = a - b; exit !(a ~ /^[-+0-9.e]+$/ && d <= t + 1e-12 && -d <= t + 1e-12) }'
}
since() { awk -v a="$1" -v b="$EPOCHREALTIME" 'BEGIN { printf "%.2f", b - a }'; }
picture() {
    [ -n "${pictures[$1]:-}" ] || misuse "$expect has no picture $1"
    printf '%s' "${pictures[$1]}"
}

# ---------------------------------------------------------------------------- models

mapfile -t models < <(awk -F '\t' '/^(label|caption|match)\t/ && !seen[$2]++ { print $2 }' "$expect")
[ ${#models[@]} -gt 0 ] || misuse "$expect expects nothing"
if ! why=$("$glimpse" pull "${models[0]}" --dry-run -q 2>&1 >/dev/null); then
    [ -z "$why" ] || printf '%s\n' "$why" >&2
    cannot "this needs a hub to pull models from (HF_ENDPOINT, network), so nothing was checked"
fi
for model in "${models[@]}"; do
    "$glimpse" pull "$model" "${pull_options[@]}" ||
        cannot "$model was not pulled (above is why; --yes accepts licences), so nothing was checked"
done

# ---------------------------------------------------------------------------- pictures

while IFS=$'\t' read -r _ name url; do
    [ -z "${pictures[$name]:-}" ] || continue
    file=$work/$name.${url##*.}
    if command -v curl >/dev/null; then
        curl -fsSL --max-time 120 -o "$file" "$url"
    else
        wget -q -T 120 -O "$file" "$url"
    fi || cannot "the picture $name cannot be had from $url; give it with --picture $name=FILE"
    pictures[$name]=$file
done < <(rows picture)

# ---------------------------------------------------------------------------- speed

printf '\nSpeed, with the precision that this machine takes\n'
for model in $(rows label | cut -f 2 | sort -u); do
    said=$("$glimpse" index "$speed" -m "$model" -l "$work/library" 2>"$work/err")
    case $? in
    0 | 3) ;; # 3: some of them are no pictures
    *) cannot "glimpse index failed: $(tail -n 1 "$work/err")" ;;
    esac
    printf '  %-28s %s\n' "$model" "$(sed -n '1s/.* in \(.*\)$/indexed in \1/p' <<<"$said")"
done

# ---------------------------------------------------------------------------- checks

printf '\nAs published (with f32)\n'
while IFS=$'\t' read -r _ model name template classes class wanted tolerance source; do
    file=$(picture "$name") || exit 2
    what="$model: \"${template//\{\}/$class}\" for $name"
    found=$("$glimpse" label "$file" -m "$model" -l "$work/library" -c "$classes" \
        --template "$template" --csv --top 99 --no-cache --decode exact --precision f32 -q \
        2>"$work/err" | awk -F, -v c="$class" '$(NF - 3) == c { print $(NF - 2), $(NF - 4) }')
    read -r value rank <<<"$found"
    if [ -z "${value:-}" ]; then
        failed "$what: $(tail -n 1 "$work/err")"
    elif [ "$wanted" = first ] && [ "$rank" = 1 ]; then
        passed "$what: $value, the best one"
    elif [ "$wanted" != first ] && close "$value" "$wanted" "$tolerance"; then
        passed "$what: $value, published $wanted"
    else
        failed "$what: $value (rank $rank), published $wanted ($source)"
    fi
done < <(rows label)

while IFS=$'\t' read -r _ model name prompt wanted source; do
    file=$(picture "$name") || exit 2
    options=()
    [ "$prompt" = - ] || options=(--prompt "$prompt")
    start=$EPOCHREALTIME
    found=$("$glimpse" caption "$file" -m "$model" "${options[@]}" --precision f32 -q \
        2>"$work/err" | cut -f 2)
    what="$model: \"$found\" for $name (in $(since "$start") s with opening the model)"
    if [ "$found" = "$wanted" ]; then
        passed "$what"
    elif [ -z "$found" ]; then
        failed "$model: $name: $(tail -n 1 "$work/err")"
    else
        failed "$what, published \"$wanted\" ($source)"
    fi
done < <(rows caption)

while IFS=$'\t' read -r _ model name text wanted tolerance cosine cosine_tolerance source; do
    file=$(picture "$name") || exit 2
    start=$EPOCHREALTIME
    said=$("$glimpse" itm -i "$file" -t "$text" -m "$model" --precision f32 -q 2>"$work/err")
    value=$(sed -n 's/.*"itm_probability":\([-+0-9.e]*\).*/\1/p' <<<"$said")
    angle=$(sed -n 's/.*"itc_cosine":\([-+0-9.e]*\).*/\1/p' <<<"$said")
    what="$model: \"$text\" for $name: $value, cosine $angle"
    if [ -z "$value" ]; then
        failed "$model: $name: $(tail -n 1 "$work/err")"
    elif close "$value" "$wanted" "$tolerance" && close "$angle" "$cosine" "$cosine_tolerance"; then
        passed "$what, published $wanted and $cosine (in $(since "$start") s)"
    else
        failed "$what, published $wanted and $cosine ($source)"
    fi
done < <(rows match)

if [ "$wrong" -gt 0 ]; then
    printf '\n%d of %d are not as published\n' "$wrong" "$checked"
    exit 1
fi
printf '\nAll %d are as published\n' "$checked"
