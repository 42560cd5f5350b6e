#!/usr/bin/env python3
"""Finds names that the code no longer uses, and says what each is called now.

usage: tools/names.py [--list] [--self-test] [FILE...]

Without FILE, everything that git tracks or would (new files that it does not ignore) but history
(CHANGELOG.md) and pictures. Strings are left alone: keys of JSON and words for people are promises
of their own. So are sentences that name a test. Exit status: 0 nothing found, 1 something found,
2 usage, or a file that cannot be read.

A rule has the place where it holds:

    name      identifiers of C, by their words: `put` is in put_row and GLIMPSE_PUT, not in output
    comment   comments of C
    text      comments and strings of C, and the whole of other files: Markdown, CMake, shell, Python
    path      the name of a file

The first line of a C file is looked at as well: the path that it gives must be the file's own, and
it must say what the file is for, not where else that is said.
"""
import os
import re
import subprocess
import sys

# (old words, where, what to say instead, an example that the self-test must find)
RULES = [
    (r"shelf|shelves", "name text path", "prepared weights", "glimpse_shelf"),
    (r"twins?", "name comment path", "reference", "plain_twin"),
    (r"plain twins?", "text", "plain reference", "# the plain twin"),
    (r"second looks?|second_look", "text path", "re-ranking", "# a second look"),
    (r"dups", "name text path", "dedup", "dups_scan"),
    (r"ledger", "name text path", "in-flight table", "ledger_add"),
    (r"settle[sd]?|settling", "name comment path", "recover, resolve, complete", "settle_step"),
    (r"unread", "name comment path", "release", "unread_bytes"),
    (r"dress(?:es)?", "name comment path", "copy metadata", "action_dress"),
    (r"turn|turns|turned", "name path", "orientation, oriented", "picture_turn"),
    (r"reach", "name path", "availability", "glimpse_reach"),
    (r"ways?", "name path", "kernel path, mode", "few_way"),
    (r"rooms?", "name path", "capacity, memory", "make_room"),
    (r"most", "name", "max", "MOST_BYTES"),
    (r"least", "name", "min", "least_rows"),
    (r"gate", "name path", "budget", "file_gate"),
    (r"folders?", "name comment path", "directory", "make_folder"),
    (r"puts?", "name path", "write, insert, append, set", "put_row"),
    (r"takes?", "name path", "load, read, acquire", "take_row"),
    (r"tells?", "name path", "report", "tell_item"),
    (r"says?", "name path", "report, print", "say_problem"),
    (r"answers_application|open_answers|cache of answers", "name text", "response cache", "open_answers"),
    (r"bench", "name", "scratch (buffers), bench_ only in benchmarks/", "bench_bytes"),
]

# Names that mean what they say, or are not ours to choose.
ALLOWED = {
    "puts", "fputs", "CANNOT_TELL", "GLIMPSE_VLM_CANNOT_TELL", "cannot_tell",
    "glimpse_vlm_is_cannot_tell", "most_confused", "MOST_CONFUSED", "most_agreed", "most_first",
}
ALLOWED_HERE = [  # (path, word): pictures of dresses, rooms and shelves; corpora named by others
    (r"^tools/train/", r"rooms?|dress(es)?|shelf|shelves|turns?|takes?|puts?|says?|ways?"),
    (r"^benchmarks/", r"bench|dups"),
    (r"^(tests|docs|benchmarks)/", r"dups"),  # the corpus of near-duplicates has this name
    (r"^tools/names\.py$", r".*"),
]
SKIPPED = re.compile(r"^(CHANGELOG\.md|\.git-blame-ignore-revs|data/|docs/images/)|/(fixtures|corpus)/")

TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|(?P<include>^[ \t]*\#[ \t]*include[^\n]*)"""
    r"""|(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|(?P<name>[A-Za-z_]\w*)""",
    re.S | re.M,
)
SENTENCE = re.compile(r"^[a-z0-9]+(_[a-z0-9]+){2,}$")


def words(pattern):
    """Whole words of prose or of a name: letters and digits end one, an underscore does too."""
    return re.compile(r"(?<![A-Za-z0-9])(?:%s)(?![A-Za-z0-9])" % pattern, re.I)


COMPILED = [(words(p), set(where.split()), now) for p, where, now, _ in RULES]


def allowed(path, name, word):
    return name in ALLOWED or any(
        re.search(p, path) and re.fullmatch(w, word, re.I) for p, w in ALLOWED_HERE
    )


def find(path, text, where, line, found):
    for pattern, places, now in COMPILED:
        if not places & where:
            continue
        for match in pattern.finditer(text):
            word = match.group(0)
            if not allowed(path, text if "name" in where else word, word):
                found.append((path, line + text.count("\n", 0, match.start()), word, now))


def check(path, text, found):
    name = os.path.basename(path)
    find(path, name, {"path"}, 0, found)
    if not path.endswith((".c", ".h", ".cpp")):
        find(path, text, {"text"}, 1, found)
        return
    line, last = 1, 0
    for token in TOKENS.finditer(text):
        line += text.count("\n", last, token.start())
        last = token.start()
        kind, value = token.lastgroup, token.group()
        if kind == "comment":
            find(path, value, {"comment", "text"}, line, found)
        elif kind == "string":
            find(path, value, {"text"}, line, found)
        elif kind == "name" and not (path.startswith("tests/") and SENTENCE.match(value)):
            find(path, value, {"name"}, line, found)


def check_head(path, text, found):
    """`/*` and ` * index/store/lock.c - what the file is for`; generated ones begin otherwise."""
    head = re.match(r"/\*\n \* (\S+\.(?:c|h|cpp)) - (see \S+\.h\b)?", text)
    if not head:
        return
    if not f"/{path}".endswith(f"/{head.group(1)}"):
        found.append((path, 2, head.group(1), path))
    if head.group(2):
        found.append((path, 2, head.group(2), "by what the file is for"))


def give_up(message):
    print(f"names.py: {message}", file=sys.stderr)
    sys.exit(2)


def ours():
    """The files of the checkout, also new ones that git does not ignore."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    try:
        run = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        give_up(f"git tells which files are ours, and cannot be run: {error.strerror}; name FILEs")
    if run.returncode != 0:
        give_up("this is no git checkout, so name the FILEs: "
                + run.stderr.decode(errors="replace").strip())
    # A file in the middle of a merge is listed several times.
    for path in sorted(set(run.stdout.decode(errors="surrogateescape").split("\0"))):
        if path and not SKIPPED.search(path) and os.path.isfile(path):
            yield path


def self_test():
    """Every rule finds its example, and none finds it in a word that only contains it."""
    failed = 0
    for _, where, now, example in RULES:
        found = []
        check("src/x.c" if "name" in where.split() else "docs/x.md", example, found)
        if not any(entry[3] == now for entry in found):
            print(f"no rule finds {example}", file=sys.stderr)
            failed = 1
    found = []
    check_head("src/a.c", "/*\n * src/b.c - see b.h.\n */\n", found)
    if len(found) != 2:
        print("a wrong first line is not found", file=sys.stderr)
        failed = 1
    for innocent in ("output", "mistake", "returned", "always", "GLIMPSE_VLM_CANNOT_TELL", "almost"):
        found = []
        check("src/x.c", innocent, found)
        if found:
            print(f"{innocent} is found as {found[0][2]}", file=sys.stderr)
            failed = 1
    return failed


def main(arguments):
    if "--help" in arguments or "-h" in arguments:
        print(__doc__)
        return 0
    if "--list" in arguments:
        for pattern, where, now, _ in RULES:
            print(f"{pattern:28} {where:22} {now}")
        return 0
    if "--self-test" in arguments:
        return self_test()
    if any(a.startswith("-") for a in arguments):
        print(__doc__, file=sys.stderr)
        return 2
    found = []
    if not arguments:
        os.chdir(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
    looked_at = 0
    for path in arguments or ours():
        looked_at += 1
        try:
            with open(path, encoding="utf-8", errors="surrogateescape") as file:
                text = file.read()
        except OSError as error:
            give_up(f"{path}: {error.strerror}")
        check(path, text, found)
        if path.endswith((".c", ".h", ".cpp")):
            check_head(path, text, found)
    for path, line, word, now in found:
        print(f"{path}:{line}: \"{word}\" is called {now} now")
    if found:
        print(f"{len(found)} old names; tools/names.py --list has them all", file=sys.stderr)
    else:
        print(f"{looked_at} files, {len(RULES)} rules, no old name")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
