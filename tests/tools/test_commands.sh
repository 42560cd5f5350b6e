#!/usr/bin/env bash
# The table of docs/testing.md that says which tests run which command (tools/test.sh --command):
# every command is in it once, and the tests are there and run it.
#     test_commands.sh SOURCE_DIRECTORY
set -euo pipefail
export LC_ALL=C
cd "$1"
failures=0
fail() {
    echo "FAILED: $*" >&2
    failures=1
}

table=$(tools/test.sh --commands)
for source in tools/commands/cmd_*.c; do
    name=${source#*/cmd_}
    name=${name%.c}
    rows=$(grep -c "^$name " <<<"$table" || true)
    [ "$rows" = 1 ] || fail "docs/testing.md has $rows rows that name the command $name, not one"
done
while read -r name tests; do
    [ -e "tools/commands/cmd_$name.c" ] ||
        fail "docs/testing.md names the command $name, which has no tools/commands/cmd_$name.c"
    for test in $tests; do
        source=tests/tools/test_$test.c
        if [ ! -e "$source" ]; then
            fail "docs/testing.md names the test $test, and there is no $source"
        # As an argument of its own, or on a command line behind $G. `usage` takes the names from
        # the help, `label_report` links what the command is made of.
        elif [ "$test" != usage ] && [ "$test" != label_report ] &&
            ! grep -qE "[(, {]\"${name%%_*}\"|G\\\\\" ${name%%_*} " "$source"; then
            fail "docs/testing.md says that $source runs glimpse ${name%%_*}, which it does not"
        fi
    done
done <<<"$table"
[ "$failures" = 0 ] && echo "$(wc -l <<<"$table") commands have tests"
