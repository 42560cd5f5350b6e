#!/usr/bin/env bash
# Installs what building and testing glimpse needs on Debian and its relatives:
#
#   1. the Debian packages listed below that are missing (as root, or through sudo);
#   2. FAISS with its C API. Debian ships no libfaiss_c, and its FAISS is built without AVX2, so
#      unless a faiss_c is installed, the distribution's own source package is fetched with apt
#      (which verifies it) and built once into a cache outside the checkout.
#
# Does nothing when everything is there.
#
# usage: tools/deps.sh [--tests] [--fuzz] [--lint] [--check | --print]
#
#   (nothing)   install what is missing for building
#   --tests     also what only tests use
#   --fuzz      also what only tools/fuzz.sh uses
#   --lint      also what tests and tools/check.sh use
#   --check     install nothing, only say what is missing; exit status 1 if it is not optional
#   --print     install nothing, only print the names of the packages, one a line; without one of
#               the options above, those of --tests
#
# environment:
#   GLIMPSE_DEPS_DIR   where the FAISS build is kept (default: ~/.cache/glimpse/deps,
#                      below $XDG_CACHE_HOME where that is set)
#   GLIMPSE_FAISS_OPT  avx2 or generic, instead of what the CPU of this machine suggests
set -euo pipefail
export LC_ALL=C

# One package a line: name, 'need' or 'want' (left out where the distribution lacks it), what for.
# 'a|b' is satisfied by either, and 'a' is installed. What two parts use is listed once.
packages() { all_packages | awk '!seen[$1]++'; }

all_packages() {
    cat <<'LIST'
build-essential      need  C and C++ compilers, make, dpkg-source
cmake                need  the build
ninja-build          need  the build
pkg-config|pkgconf   need  finding libraries
libopenblas-dev      need  matrix products in f32; FAISS
libsqlite3-dev       need  the catalogue
libjpeg-dev          need  JPEG pictures
libpng-dev           need  PNG pictures; writing test pictures
libgif-dev           need  GIF pictures
libwebp-dev          need  WebP pictures
libstb-dev           need  TGA, Radiance HDR and Softimage PIC pictures (stb_image, header only)
libexpat1-dev        need  XMP: the XML reader
zlib1g-dev           need  PNG and metadata in it, weights that PyTorch saved
libjansson-dev       need  JSON
libcurl4-openssl-dev|libcurl4-gnutls-dev need  asking VLMs over the network
libutf8proc-dev      need  Unicode in tokenizers
libxxhash-dev        need  content hashes
libcmocka-dev        need  the tests
libdnnl-dev          want  matrix products in bf16 (oneDNN)
libtiff-dev          want  TIFF pictures
libheif-dev          want  HEIC and AVIF pictures
poppler-utils           want  reading PDF documents (glimpse read)
libimage-exiftool-perl  want  writing into picture files (glimpse write)
LIST
    [ "$with_tests" = no ] || cat <<'LIST'
chromium             want  tests: opening the HTML report
python3              want  tests: the structure of the code
LIST
    [ "$with_fuzz" = no ] || cat <<'LIST'
clang                need  fuzzing: the compiler
libclang-rt-dev      need  fuzzing: libFuzzer and the sanitizers of clang
libomp-dev           need  fuzzing: OpenMP for clang
LIST
    [ "$with_lint" = no ] || cat <<'LIST'
clang-format         want  git clang-format: the layout of what was changed
clang-format-14      want  tools/check.sh: the layout of C
clang-tidy-14|clang-tidy want  tools/check.sh: faults that a compiler does not see
libomp-dev           want  tools/check.sh: clang-tidy reads its <omp.h>
clang-14|clang       want  tools/check.sh: which headers a file includes
shellcheck           want  tools/check.sh: shell scripts
LIST
}

say() { printf '%s\n' "$*"; }
die() {
    printf 'deps.sh: %s\n' "$*" >&2
    exit 1
}

# ---------------------------------------------------------------------------- packages

# Fills the arrays missing_name, missing_kind and missing_why.
find_missing_packages() {
    local installed name kind why alternative found
    # dpkg-query complains about (and fails for) unknown names: those are the missing ones.
    installed=$(packages | awk '{ gsub(/[|]/, "\n", $1); print $1 }' |
        xargs dpkg-query -W -f '${db:Status-Status} ${Package}\n' 2>/dev/null |
        awk '$1 == "installed" { print $2 }' || true)
    missing_name=() missing_kind=() missing_why=()
    while read -r name kind why; do
        found=no
        for alternative in ${name//|/ }; do
            case $'\n'$installed$'\n' in *$'\n'$alternative$'\n'*) found=yes ;; esac
        done
        if [ "$found" = no ]; then
            missing_name+=("${name%%|*}")
            missing_kind+=("$kind")
            missing_why+=("$why")
        fi
    done < <(packages)
}

list_missing_packages() {
    local i
    for i in "${!missing_name[@]}"; do
        printf '  %-18s %s%s\n' "${missing_name[i]}" "${missing_why[i]}" \
            "$([ "${missing_kind[i]}" = need ] || echo ' (optional)')"
    done
}

has_terminal() { (: </dev/tty) 2>/dev/null; }

# Root or a sudo that works; on a terminal, this is where sudo asks for the password.
can_be_root() {
    if [ "$(id -u)" = 0 ]; then return 0; fi
    command -v sudo >/dev/null || return 1
    if has_terminal; then sudo -v; else sudo -n true 2>/dev/null; fi
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif has_terminal; then
        sudo "$@"
    else
        sudo -n "$@"
    fi
}

apt_get() {
    as_root env DEBIAN_FRONTEND=noninteractive LC_ALL=C apt-get -q \
        -o Acquire::Retries=3 -o DPkg::Lock::Timeout=300 -o Dpkg::Use-Pty=0 "$@"
}

# Runs a command that may fail on a bad network, three times at most. Its output goes to the log.
try_thrice() {
    local attempt
    for attempt in 1 2 3; do
        if "$@" >>"$log" 2>&1; then
            return 0
        fi
        if [ "$attempt" != 3 ]; then
            say "  that did not work; trying again ($attempt of 2) ..."
            sleep $((attempt * 5))
        fi
    done
    return 1
}

package_lists_are_fresh() {
    [ -n "$(find /var/lib/apt/lists -maxdepth 1 -name '*Packages*' -print -quit 2>/dev/null)" ] &&
        [ -n "$(find /var/lib/apt/lists -maxdepth 1 -mmin -1440 -print -quit 2>/dev/null)" ]
}

update_package_lists() {
    say "Updating the package lists ..."
    try_thrice apt_get update || fail_with_log "apt-get update failed"
    lists_updated=yes
}

# Optional packages that this distribution is known to lack are not missed.
forget_unavailable_packages() {
    local i
    package_lists_are_fresh || return 0
    for i in "${!missing_name[@]}"; do
        if [ "${missing_kind[i]}" = want ] && ! has_candidate "${missing_name[i]}"; then
            unset "missing_name[i]" "missing_kind[i]" "missing_why[i]"
        fi
    done
}

install_packages() {
    local i names=() skipped=()
    say "glimpse uses packages that are not installed:"
    list_missing_packages
    if ! can_be_root; then
        case " ${missing_kind[*]} " in
        *' need '*)
            die "installing them takes root or sudo. Please run as root: apt-get update &&" \
                "apt-get install --no-install-recommends ${missing_name[*]}"
            ;;
        esac
        say "They are optional, and installing them takes root or sudo: going on without."
        return 0
    fi

    package_lists_are_fresh || update_package_lists
    for i in "${!missing_name[@]}"; do
        if ! has_candidate "${missing_name[i]}" && [ "$lists_updated" = no ]; then
            update_package_lists
        fi
        if has_candidate "${missing_name[i]}"; then
            names+=("${missing_name[i]}")
        elif [ "${missing_kind[i]}" = want ]; then
            skipped+=("${missing_name[i]}")
        else
            die "apt knows no package ${missing_name[i]} (glimpse is built on Debian 12 or later)"
        fi
    done
    [ ${#skipped[@]} = 0 ] || say "Not in this distribution, done without: ${skipped[*]}"
    [ ${#names[@]} = 0 ] && return 0

    say "Installing ${#names[@]} packages and what they depend on ..."
    if ! apt_get install -y --no-install-recommends "${names[@]}" >>"$log" 2>&1; then
        # Most often the lists were older than the archive, or the network hiccuped.
        [ "$lists_updated" = yes ] || update_package_lists
        try_thrice apt_get install -y --no-install-recommends "${names[@]}" ||
            fail_with_log "apt-get install failed"
    fi
    say "The packages are installed."
}

has_candidate() {
    local policy # first all of it: a grep that stops early would look like a failure of apt-cache
    policy=$(apt-cache policy "$1" 2>/dev/null)
    [[ $policy =~ Candidate:\ *[^\ \(] ]]
}

fail_with_log() {
    local kept
    kept=$(mktemp "${TMPDIR:-/tmp}/glimpse-deps-XXXXXX.log")
    cp "$log" "$kept"
    printf '%s\n' "--- the end of $kept:" >&2
    tail -n 15 "$kept" >&2
    die "$*; the whole log is $kept"
}

# ---------------------------------------------------------------------------- FAISS

# avx2 or generic. FindFaissC.cmake decides by the same rule.
faiss_opt() {
    local flag
    if [ -n "${GLIMPSE_FAISS_OPT:-}" ]; then
        echo "$GLIMPSE_FAISS_OPT"
        return
    fi
    for flag in avx2 fma f16c popcnt; do
        if ! grep -qsw "$flag" /proc/cpuinfo; then
            echo generic
            return
        fi
    done
    echo avx2
}

# The installed faiss_c, if any: a prefix that has the headers and the library.
system_faiss() {
    local prefix lib prefixes
    IFS=':;' read -ra prefixes <<<"${FaissC_ROOT:-}:${CMAKE_PREFIX_PATH:-}:/usr/local:/usr"
    for prefix in "${prefixes[@]}"; do
        [ -e "$prefix/include/faiss/c_api/Index_c.h" ] || continue
        for lib in "$prefix"/lib/libfaiss_c.* "$prefix"/lib64/libfaiss_c.* \
            "$prefix"/lib/*-linux-gnu*/libfaiss_c.*; do
            case $lib in
            *.so | *.a) if [ -e "$lib" ]; then echo "$lib" && return; fi ;;
            esac
        done
    done
    return 1
}

# The build in the cache, if any.
cached_faiss() {
    local dir found=
    for dir in "$deps_dir"/faiss-*-"$arch-$opt"; do
        if [ -e "$dir/.complete" ]; then found=$dir; fi
    done
    [ -n "$found" ] && echo "$found"
}

# Writes deb-src entries for the distribution's own archives into $1, derived from the machine's
# sources in either format; their signing keys stay as they are. Which archives are the
# distribution's own, apt tells from their signed Release files.
derive_source_entries() {
    local out=$1 uris sourcelist sourceparts file
    uris=$(apt-get indextargets --format '$(ORIGIN) $(REPO_URI)' 'Created-By: Packages' |
        awk '$1 ~ /^(Debian|Ubuntu|Raspbian)$/ { sub("/+$", "", $2); print $2 }' | sort -u)
    [ -n "$uris" ] || return 1
    eval "$(apt-config shell sourcelist Dir::Etc::sourcelist/f \
        sourceparts Dir::Etc::sourceparts/d)"
    for file in "$sourcelist" "${sourceparts%/}"/*.list; do
        [ -f "$file" ] || continue
        awk -v uris="$uris" '
            BEGIN { n = split(uris, u, "\n"); for (i = 1; i <= n; i++) own[u[i]] = 1 }
            $1 != "deb" { next }
            {
                options = ""
                line = $0
                sub(/^[ \t]*deb[ \t]+/, "", line)
                sub(/[ \t]*#.*$/, "", line)
                if (match(line, /^\[[^]]*\][ \t]*/)) {
                    options = substr(line, 1, RLENGTH)
                    line = substr(line, RLENGTH + 1)
                    gsub(/arch[-+]?=[^] \t]*/, "", options)
                    if (options ~ /^\[[ \t]*\]/) options = ""
                }
                split(line, word, /[ \t]+/)
                uri = word[1]
                sub("/+$", "", uri)
                if (uri in own) print "deb-src " options line
            }' "$file"
    done >"$out/own.list"
    for file in "${sourceparts%/}"/*.sources; do
        [ -f "$file" ] || continue
        awk -v uris="$uris" '
            function flush_stanza() {
                if (mine != "" && enabled && binary)
                    printf "Types: deb-src\nURIs:%s\n%s\n", mine, rest
                mine = rest = field = ""
                enabled = 1
                binary = 0
            }
            BEGIN {
                n = split(uris, u, "\n"); for (i = 1; i <= n; i++) own[u[i]] = 1
                enabled = 1
            }
            /^#/ { next }
            /^[ \t]*$/ { flush_stanza(); next }
            /^[^ \t]/ { field = tolower($0); sub(/[ \t]*:.*/, "", field) }
            {
                value = $0
                if (value !~ /^[ \t]/) sub(/^[^:]*:/, "", value)
            }
            field == "types" { if ((" " value " ") ~ /[ \t]deb[ \t]/) binary = 1; next }
            field == "enabled" { if (tolower(value) ~ /no|false|off|0/) enabled = 0; next }
            field == "architectures" { next }
            field == "uris" {
                n = split(value, word, /[ \t]+/)
                for (i = 1; i <= n; i++) {
                    uri = word[i]
                    sub("/+$", "", uri)
                    if (uri in own) mine = mine " " word[i]
                }
                next
            }
            { rest = rest $0 "\n" }
            END { flush_stanza() }' "$file"
    done >"$out/own.sources"
    [ -s "$out/own.list" ] || [ -s "$out/own.sources" ]
}

# Fetches and unpacks the distribution's faiss source package into $1, with package lists,
# sources and caches of its own: nothing of the system's apt state is touched.
fetch_faiss_source() {
    local dir=$1
    mkdir -p "$dir/apt/parts" "$dir/apt/lists/partial" "$dir/apt/cache/archives/partial"
    if ! derive_source_entries "$dir/apt/parts"; then
        # No Release files yet, as in a bare container.
        can_be_root || die "apt has no package lists yet. Please run as root: apt-get update"
        update_package_lists
        derive_source_entries "$dir/apt/parts" ||
            die "apt knows no archive of Debian (or a relative) to fetch the source of FAISS from"
    fi
    {
        # The network settings (proxies and so on) are kept, hooks and extra indexes are not.
        apt-config dump | grep '^Acquire::' | grep -v '^Acquire::IndexTargets' || true
        cat <<CONF
Dir::Etc::main "/dev/null";
Dir::Etc::parts "$dir/apt/no-parts";
Dir::Etc::sourcelist "/dev/null";
Dir::Etc::sourceparts "$dir/apt/parts/";
Dir::State::lists "$dir/apt/lists/";
Dir::Cache "$dir/apt/cache/";
Acquire::Retries "3";
Acquire::Languages "none";
CONF
        # As root, apt drops to a user that may not enter this directory.
        if [ "$(id -u)" = 0 ]; then echo 'APT::Sandbox::User "root";'; fi
    } >"$dir/apt/apt.conf"
    mkdir -p "$dir/apt/no-parts"
    APT_CONFIG=$dir/apt/apt.conf try_thrice apt-get -q update ||
        fail_with_log "apt could not fetch the source package lists"
    (cd "$dir" && APT_CONFIG=$dir/apt/apt.conf try_thrice apt-get -q source --only-source faiss) ||
        fail_with_log "apt could not fetch the source package of FAISS"
}

# Copies the compiler's output to the log and shows how far the build is: one line that changes
# on a terminal, now and then a line otherwise. Reads ninja's lines, which start with [done/all].
show_progress() {
    local line percent=0 start=$SECONDS shown=$SECONDS
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$log"
        if [[ $line =~ ^\[([0-9]+)/([0-9]+)\] ]]; then
            percent=$((100 * BASH_REMATCH[1] / BASH_REMATCH[2]))
            if [ -t 1 ]; then
                printf '\r  %3d%%  %d s ' "$percent" $((SECONDS - start))
            elif [ $((SECONDS - shown)) -ge 20 ]; then
                shown=$SECONDS
                say "  $percent%, $((SECONDS - start)) s"
            fi
        fi
    done
    if [ -t 1 ]; then printf '\r  %3d%%  %d s \n' "$percent" $((SECONDS - start)); fi
}

# Builds the library in $1 (unpacked source below) and lays include/ and lib/ out in $2.
build_faiss() {
    local source=$1 out=$2 build=$1/build-glimpse flags=
    [ "$opt" = generic ] || flags="-mavx2 -mfma -mf16c -mpopcnt"
    # The flags are given for all targets, so the C API and the library are built once and alike;
    # FAISS's own target faiss_avx2 would come on top of the generic one.
    env -u CFLAGS -u CXXFLAGS -u LDFLAGS cmake -S "$source" -B "$build" -G Ninja \
        -DCMAKE_CXX_COMPILER=g++ -DCMAKE_C_COMPILER=gcc \
        -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_FLAGS="$flags" \
        -DCMAKE_CXX_FLAGS_RELEASE="-O3 -DNDEBUG" -DCMAKE_POSITION_INDEPENDENT_CODE=ON \
        -DBUILD_SHARED_LIBS=OFF -DBUILD_TESTING=OFF -DFAISS_OPT_LEVEL=generic \
        -DFAISS_ENABLE_C_API=ON -DFAISS_ENABLE_GPU=OFF -DFAISS_ENABLE_PYTHON=OFF \
        -DBLA_VENDOR=OpenBLAS -DCMAKE_DISABLE_FIND_PACKAGE_MKL=ON >>"$log" 2>&1 ||
        fail_with_log "configuring FAISS failed"
    NINJA_STATUS='[%f/%t] ' ninja -C "$build" -j "$(nproc)" faiss_c 2>&1 | show_progress ||
        fail_with_log "building FAISS failed"

    mkdir -p "$out/lib" "$out/include/faiss/c_api"
    cp "$build/faiss/libfaiss.a" "$build/c_api/libfaiss_c.a" "$out/lib/"
    (cd "$source/c_api" && find . -name '*_c.h' ! -path './gpu/*' -exec \
        cp --parents '{}' "$out/include/faiss/c_api/" ';')
    cp "$source/LICENSE" "$out/"
}

# A small program that does with the library in $1 what glimpse does with it.
self_test_faiss() {
    local dir=$1 scratch=$2
    cat >"$scratch/self-test.c" <<'PROGRAM'
#include <faiss/c_api/Index_c.h>
#include <faiss/c_api/error_c.h>
#include <faiss/c_api/index_factory_c.h>
#include <faiss/c_api/index_io_c.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { DIM = 512, COUNT = 2000, PROBE = 777, TOP = 3 };

#define CHECK(ok)                                                                                  \
    do {                                                                                           \
        if (!(ok)) {                                                                               \
            const char *why = faiss_get_last_error();                                              \
            fprintf(stderr, "self-test line %d: %s: %s\n", __LINE__, #ok, why ? why : "");         \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

int main(void) {
    static float x[COUNT][DIM];
    static idx_t ids[COUNT];
    unsigned seed = 1;
    for (int i = 0; i < COUNT; i++) {
        double norm = 0;
        for (int j = 0; j < DIM; j++) {
            seed = seed * 1664525u + 1013904223u;
            x[i][j] = (float)(seed >> 8) / 16777216.0f - 0.5f;
            norm += (double)x[i][j] * x[i][j];
        }
        for (int j = 0; j < DIM; j++)
            x[i][j] /= (float)sqrt(norm);
        ids[i] = ((idx_t)1 << 40) + 7 * i;
    }

    FaissIndex *index = NULL, *copy = NULL;
    float score[TOP], again[TOP];
    idx_t found[TOP];
    CHECK(faiss_index_factory(&index, DIM, "IDMap2,Flat", METRIC_INNER_PRODUCT) == 0);
    CHECK(faiss_Index_add_with_ids(index, COUNT, x[0], ids) == 0);
    CHECK(faiss_Index_search(index, 1, x[PROBE], TOP, score, found) == 0);
    CHECK(found[0] == ids[PROBE] && fabsf(score[0] - 1.0f) < 1e-5f && score[1] < 0.9f);

    FILE *file = tmpfile();
    CHECK(file != NULL);
    CHECK(faiss_write_index(index, file) == 0);
    rewind(file);
    CHECK(faiss_read_index(file, 0, &copy) == 0);
    CHECK(faiss_Index_ntotal(copy) == COUNT);
    CHECK(faiss_Index_search(copy, 1, x[PROBE], TOP, again, found) == 0);
    CHECK(found[0] == ids[PROBE] && again[0] == score[0]);
    fclose(file);
    faiss_Index_free(index);
    faiss_Index_free(copy);
    return 0;
}
PROGRAM
    gcc -std=c11 -O2 -I"$dir/include" "$scratch/self-test.c" -o "$scratch/self-test" \
        "$dir/lib/libfaiss_c.a" "$dir/lib/libfaiss.a" -lopenblas -lgomp -lstdc++ -lm \
        >>"$log" 2>&1 || fail_with_log "the self-test of FAISS does not link"
    "$scratch/self-test" >>"$log" 2>&1 || fail_with_log "the self-test of FAISS failed"
}

install_faiss() {
    local work version final why
    mkdir -p "$deps_dir"
    exec 9>"$deps_dir/.lock"
    if ! flock -n 9; then
        say "Waiting for another run that builds FAISS ..."
        flock 9
        if cached_faiss >/dev/null; then return 0; fi
    fi

    if [ -n "${GLIMPSE_FAISS_OPT:-}" ]; then
        why="as GLIMPSE_FAISS_OPT says"
    elif [ "$opt" = avx2 ]; then
        why="because this CPU has AVX2"
    else
        why="because this CPU has no AVX2"
    fi
    say "No faiss_c is installed: building FAISS with its C API, once, for later use ($opt code," \
        "$why; about 2 minutes on 2 cores)."
    say "Fetching the distribution's source package ..."
    # Next to its final place, so that the last step is a rename. Left-overs of a run that was
    # killed are ours to remove: we hold the lock.
    rm -rf "$deps_dir"/.work-*
    work=$(mktemp -d "$deps_dir/.work-XXXXXX")
    work_dir=$work # for the trap that cleans up
    fetch_faiss_source "$work"
    version=$(awk '$1 == "Version:" { print $2 }' "$work"/faiss_*.dsc)
    final=$deps_dir/faiss-$version-$arch-$opt
    say "Compiling faiss $version ..."
    build_faiss "$(find "$work" -maxdepth 1 -type d -name 'faiss-*' -print -quit)" "$work/out"
    self_test_faiss "$work/out" "$work"
    echo "faiss $version, $opt, $arch" >"$work/out/.complete"
    rm -rf "$final"
    mv "$work/out" "$final"
    rm -rf "$work"
    flock -u 9
    say "FAISS is in $final"
}

# ---------------------------------------------------------------------------- main

usage() { sed -n '/^# usage/,/^# environment/{/^# environment/!s/^# \{0,1\}//p}' "$0"; }

mode=install with_tests=no with_fuzz=no with_lint=no
for option in "$@"; do
    case $option in
    --tests) with_tests=yes ;;
    --fuzz) with_fuzz=yes ;;
    --lint) with_tests=yes with_lint=yes ;;
    --check | --print)
        if [ "$mode" != install ] && [ "$mode" != "${option#--}" ]; then
            echo "deps.sh: --check or --print, not both" >&2
            exit 2
        fi
        mode=${option#--}
        ;;
    -h | --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done
if [ "$mode" = print ] && [ "$with_tests$with_fuzz$with_lint" = nonono ]; then with_tests=yes; fi

if [ "$mode" = print ]; then
    packages | awk '{ sub(/[|].*/, "", $1); print $1 }'
    exit 0
fi

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    die "this script knows Debian and its relatives (apt, dpkg) only. On another system, install" \
        "the equivalents of: $(packages | awk '{ sub(/[|].*/, "", $1); printf "%s ", $1 }')and" \
        "FAISS with its C API (cmake -DFAISS_ENABLE_C_API=ON), then build with CMake."
fi

arch=$(dpkg --print-architecture)
opt=$(faiss_opt)
case $opt in
generic) ;;
avx2) [ "$arch" = amd64 ] || opt=generic ;;
*) die "GLIMPSE_FAISS_OPT is '$opt': it is 'avx2' or 'generic'" ;;
esac
deps_dir=${GLIMPSE_DEPS_DIR:-${XDG_CACHE_HOME:-${HOME:?is not set}/.cache}/glimpse/deps}
find_missing_packages
[ ${#missing_name[@]} = 0 ] || forget_unavailable_packages

if [ "$mode" = check ]; then
    status=0
    for kind in "${missing_kind[@]}"; do
        if [ "$kind" = need ]; then status=1; fi
    done
    if [ ${#missing_name[@]} != 0 ]; then
        say "packages that are not installed:"
        list_missing_packages
    fi
    if lib=$(system_faiss); then
        say "FAISS: installed, $lib"
    elif dir=$(cached_faiss); then
        say "FAISS: $dir"
    else
        say "FAISS with its C API ($opt) is neither installed nor built in $deps_dir"
        status=1
    fi
    exit $status
fi

need_faiss=no
system_faiss >/dev/null || cached_faiss >/dev/null || need_faiss=yes
[ ${#missing_name[@]} = 0 ] && [ "$need_faiss" = no ] && exit 0

work_dir=
lists_updated=no
log=$(mktemp "${TMPDIR:-/tmp}/glimpse-deps-log-XXXXXX")
trap 'rm -rf "$log" ${work_dir:+"$work_dir"}' EXIT
trap 'exit 130' INT TERM HUP
[ ${#missing_name[@]} = 0 ] || install_packages
[ "$need_faiss" = no ] || install_faiss
