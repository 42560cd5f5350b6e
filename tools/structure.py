#!/usr/bin/env python3
"""Checks the arrangement of the code: what docs/architecture.md says about arrows and the store.

usage: tools/structure.py [BUILD]      (default: build/release, built)

  - SQL and FAISS calls stand in index/store/ and nowhere else.
  - Arrows between components point one way: src <- index <- tools, and within each of them from
    the components that are built later to those built before (the order of add_subdirectory).
  - No message of the library names an option of the command: what the callers of the library can
    set is named through glimpse_wording(), which each program words as its own users know it.
  - The table of docs/architecture.md says of each component of index/ what its CMakeLists.txt says.
  - No circle of files: no two sources need each other's functions, directly or through others.

Who needs whom is read from the object files (nm): an arrow is a symbol that one file uses and
another one defines. What needs no symbol, a struct or a constant of another component, is read from
the includes. Exit code 0, or 1 with every fault named.
"""
import json
import os
import re
import subprocess
import sys
from collections import defaultdict

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LAYERS = ["src", "index", "tools"]

# What only the store may say: calls, types and headers, and SQL inside a string.
SQL = (r"SELECT|INSERT|UPDATE|DELETE|REPLACE|CREATE|DROP|ALTER|PRAGMA|BEGIN|COMMIT|ROLLBACK|SAVEPOINT"
       r"|ATTACH|VACUUM|ANALYZE|WITH")
FOREIGN = re.compile(
    r'\bsqlite3(?:_\w+|\.h)?\b(?!")|\bfaiss_\w+|\bFaiss[A-Z]\w*|<faiss/|"faiss/|"sqlite3\.h"'
    r'|"(?:\\n|\s)*(?:' + SQL + r')\b'
    r'|"(?:\\n|\s)*(?i:select\b[^"]*\bfrom|insert\s+into|delete\s+from|update\b[^"]*\bset)\b'
)
STORE = "index/store/"


def sources(layer):
    for directory, _, files in os.walk(os.path.join(ROOT, layer)):
        for name in sorted(files):
            if name.endswith((".c", ".h", ".inc", ".cc")):
                yield os.path.relpath(os.path.join(directory, name), ROOT)


def without_comments(text):
    keep = r'"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    pattern = re.compile(r"/\*.*?\*/|//[^\n]*|" + keep, re.S)
    blank = lambda m: m.group(0) if m.group(0)[0] in "\"'" else re.sub(r"[^\n]", " ", m.group(0))
    return pattern.sub(blank, text)


def foreign_calls():
    for layer in LAYERS:
        for path in sources(layer):
            if path.startswith(STORE):
                continue
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = without_comments(file.read())
            for number, line in enumerate(text.split("\n"), 1):
                match = FOREIGN.search(line)
                if match:
                    yield f"{path}:{number}: {match.group(0).strip()} stands outside {STORE}"


def command_words():
    """Options of the command inside the strings of the library."""
    for layer in LAYERS[:-1]:
        for path in sources(layer):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = without_comments(file.read())
            for number, line in enumerate(text.split("\n"), 1):
                for literal in re.findall(r'"(?:\\.|[^"\\])*"', line):
                    if re.search(r"--[a-z]", literal):
                        yield f"{path}:{number}: {literal} names an option of the command"


def component_order():
    """'index/store' -> its place: a later component may use an earlier one."""
    order = {}
    for layer in LAYERS:
        with open(os.path.join(ROOT, layer, "CMakeLists.txt"), encoding="utf-8") as file:
            for name in re.findall(r"^\s*add_subdirectory\((\w+)\)", file.read(), re.M):
                order[f"{layer}/{name}"] = len(order)
    return order


def documented_uses():
    """Where docs/architecture.md and the USES lists of index/ disagree."""
    table = {}
    with open(os.path.join(ROOT, "docs", "architecture.md"), encoding="utf-8") as file:
        for name, uses in re.findall(r"^\| `index/(\w+)` \|[^|]*\|([^|]*)\|$", file.read(), re.M):
            table[name] = set(re.findall(r"\w+", uses))
    names = [path.split("/")[1] for path in component_order() if path.startswith("index/")]
    for name in names:
        with open(os.path.join(ROOT, "index", name, "CMakeLists.txt"), encoding="utf-8") as file:
            match = re.search(r"\bUSES ([\w\s]*?)(?:\bLIBS\b|\))", file.read())
        uses = set(match.group(1).split()) if match else set()
        if name not in table:
            yield f"docs/architecture.md: index/{name} is missing in the table"
        elif table[name] == {"all", "of", "index"}:
            if uses != set(names) - {name}:
                yield f"docs/architecture.md: index/{name} does not use all of index"
        elif table[name] != uses:
            yield (f"docs/architecture.md: index/{name} uses {', '.join(sorted(uses)) or 'nothing'}, "
                   f"not {', '.join(sorted(table[name])) or 'nothing'}")


def component_of(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def include_arrows():
    """(file, header) of every include of our own in src, index and tools, inside them."""
    headers = defaultdict(list)
    for layer in LAYERS:
        for path in sources(layer):
            if path.endswith((".h", ".inc")):
                headers[os.path.basename(path)].append(path)
    for layer in LAYERS:
        for path in sources(layer):
            with open(os.path.join(ROOT, path), encoding="utf-8") as file:
                text = without_comments(file.read())
            for name in re.findall(r'^\s*#\s*include\s+["<]([^">]+)[">]', text, re.M):
                beside = os.path.normpath(os.path.join(os.path.dirname(path), name))
                found = [h for h in headers[os.path.basename(name)] if h == beside]
                found = found or [h for h in headers[os.path.basename(name)]
                                  if h.endswith("/" + name)]
                for header in found:
                    yield path, header


def objects(build):
    """(source, object) of everything below src, index and tools that is to be compiled."""
    with open(os.path.join(build, "compile_commands.json"), encoding="utf-8") as file:
        for entry in json.load(file):
            source = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
            output = entry.get("output")
            if not output:
                output = re.search(r" -o (\S+)", entry["command"]).group(1)
            output = os.path.join(entry["directory"], output)
            if source.split("/")[0] in LAYERS:
                yield source, output


def symbols(pairs):
    """Who defines a symbol, and which symbols a source uses."""
    defined, used = {}, defaultdict(set)
    sources_of = {output: source for source, output in pairs}
    # One nm for all of them: it puts "FILE:ADDRESS KIND NAME" on a line.
    text = subprocess.run(["nm", "-A", *sources_of], check=True, capture_output=True, text=True).stdout
    for line in text.split("\n"):
        output, found, symbol = line.partition(".o:")
        fields = symbol.split()
        if found and len(fields) >= 2:
            source, kind, name = sources_of[output + ".o"], fields[-2], fields[-1]
            if kind == "U":
                used[source].add(name)
            elif kind.isupper():
                defined[name] = source
    return defined, used


def circles(arrows):
    """Strongly connected sources of more than one (Tarjan 1972), each sorted."""
    index, low, stack, on_stack, found = {}, {}, [], set(), []

    def visit(start):
        work = [(start, iter(sorted(arrows[start])))]
        index[start] = low[start] = len(index)
        stack.append(start)
        on_stack.add(start)
        while work:
            node, children = work[-1]
            for child in children:
                if child not in index:
                    index[child] = low[child] = len(index)
                    stack.append(child)
                    on_stack.add(child)
                    work.append((child, iter(sorted(arrows[child]))))
                    break
                if child in on_stack:
                    low[node] = min(low[node], index[child])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    circle = []
                    while True:
                        member = stack.pop()
                        on_stack.discard(member)
                        circle.append(member)
                        if member == node:
                            break
                    if len(circle) > 1:
                        found.append(sorted(circle))

    for node in sorted(arrows):
        if node not in index:
            visit(node)
    return found


def main():
    if len(sys.argv) > 2 or (len(sys.argv) == 2 and sys.argv[1].startswith("-")):
        print(__doc__)
        return 0 if sys.argv[1:] in (["-h"], ["--help"]) else 2
    build = sys.argv[1] if len(sys.argv) == 2 else os.path.join(ROOT, "build", "release")
    faults = list(foreign_calls()) + list(command_words()) + list(documented_uses())

    order = component_order()
    pairs = list(objects(build))
    missing = [source for source, output in pairs if not os.path.exists(output)]
    if not pairs or missing:
        what = f"{len(missing)} of {len(pairs)} files, such as {missing[0]}" if missing else "anything"
        print(f"structure.py: {build} was not built whole: it lacks {what}", file=sys.stderr)
        return 2
    defined, used = symbols(pairs)
    arrows = defaultdict(set)
    witness = {}
    for source, names in used.items():
        for name in sorted(names):
            target = defined.get(name)
            if target and target != source:
                arrows[source].add(target)
                witness.setdefault((source, target), name)

    def is_upwards(source, target):
        a, b = component_of(source), component_of(target)
        layers = LAYERS.index(a.split("/")[0]), LAYERS.index(b.split("/")[0])
        if a == b or layers[0] != layers[1]:
            return layers[0] < layers[1]
        return order.get(a, -1) < order.get(b, -1)

    drawn = defaultdict(int)
    for source in sorted(arrows):
        for target in sorted(arrows[source]):
            a, b = component_of(source), component_of(target)
            if a == b:
                continue
            drawn[a, b] += 1
            if is_upwards(source, target):
                faults.append(f"{source} uses {witness[source, target]}() of {target}: "
                              f"{a} stands below {b}")
    included = defaultdict(set)
    public = re.compile(r"^(?:src|index)/include/")
    for source, target in include_arrows():
        if target != source and target.endswith(".h"):
            included[source].add(target)
        # Public headers of index/ are for all of index/ and above it; src/ must not see them.
        if public.match(source) or public.match(target):
            upwards = source.startswith("src/") and not target.startswith("src/")
        else:
            upwards = is_upwards(source, target)
        if upwards:
            faults.append(f"{source} includes {target}: {component_of(source)} stands below "
                          f"{component_of(target)}")
    for circle in circles(included):
        faults.append("a circle of headers: " + ", ".join(circle))
    for circle in circles(arrows):
        steps = []
        for source in circle:
            for target in sorted(arrows[source] & set(circle)):
                steps.append(f"    {source} uses {witness[source, target]}() of {target}")
        faults.append("a circle of files:\n" + "\n".join(steps))

    for fault in faults:
        print(fault)
    print(f"{len(pairs)} files, {sum(map(len, arrows.values()))} arrows between them, "
          f"{len(drawn)} between components; {len(faults)} faults")
    return 1 if faults else 0


sys.exit(main())
