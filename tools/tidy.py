#!/usr/bin/env python3
"""Runs clang-tidy with the project's .clang-tidy over our own C files.

usage: tools/tidy.py [--build DIR] [--jobs N] [PATH...]
       (default: build/release, configured; the cores of the machine; the whole tree)

PATH is a file or a directory of the tree. A file that passed is not looked at again until it, one
of our headers it includes, its compiler flags, .clang-tidy or clang-tidy itself has changed: what
passed is remembered in build/tidy/. Exit code 0, or 1 with every fault printed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import shlex
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OURS = ("src", "index", "tools", "tests", "benchmarks", "examples")
CLANG_TIDY = os.environ.get("CLANG_TIDY", "clang-tidy")
PASSED = os.path.join(ROOT, "build", "tidy")


def digest(*parts):
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def digest_of_file(path, known={}):
    if path not in known:
        try:
            with open(os.path.join(ROOT, path), "rb") as file:
                known[path] = hashlib.sha256(file.read()).hexdigest()
        except OSError:
            known[path] = "none"
    return known[path]


def compiler_flags(entry):
    """What clang needs of a gcc command line: where headers are, macros, the language, the CPU.
    Warnings are left out, since the builds have them."""
    words = entry["arguments"] if "arguments" in entry else shlex.split(entry["command"])
    flags, at = [], 1
    while at < len(words):
        word = words[at]
        if word in ("-I", "-D", "-isystem", "-include"):
            flags += words[at:at + 2]
            at += 1
        elif word.startswith(("-I", "-D", "-std=", "-m", "-fopenmp", "-isystem")):
            if not word.startswith("-mprefer"):
                flags.append(word)
        at += 1
    return flags


def our_sources(build, wanted):
    """(path, directory, flags) of each source of ours that is there, once."""
    database = os.path.join(build, "compile_commands.json")
    try:
        with open(database, encoding="utf-8") as file:
            entries = json.load(file)
    except OSError:
        sys.exit(f"tidy.py: there is no {os.path.relpath(database, ROOT)}. "
                 "Configure first: cmake --preset release")
    found = {}
    for entry in entries:
        path = os.path.realpath(os.path.join(entry["directory"], entry["file"]))
        path = os.path.relpath(path, os.path.realpath(ROOT))
        if path.split(os.sep)[0] not in OURS or path in found:
            continue
        if wanted and not any(path == w or path.startswith(w + os.sep) for w in wanted):
            continue
        # The build knows a source that was removed until it is configured again.
        if not os.path.isfile(os.path.join(ROOT, path)):
            continue
        found[path] = (path, entry["directory"], compiler_flags(entry))
    return [found[path] for path in sorted(found)]


def includes(path, directory, flags):
    """Our own files that a source is made of; system headers change with their packages only."""
    run = subprocess.run([os.environ.get("CLANG", "clang"), "-MM", *flags, os.path.join(ROOT, path)], cwd=directory,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8")
    words = run.stdout.replace("\\\n", " ").replace("\\ ", "\0").split()[1:]
    paths = {os.path.relpath(os.path.join(directory, w.replace("\0", " ")), ROOT) for w in words}
    return sorted(paths | {path})


def stamp_of(path):
    return os.path.join(PASSED, path.replace(os.sep, "+"))


def has_passed(path, setup):
    try:
        with open(stamp_of(path), encoding="utf-8") as file:
            stamp = json.load(file)
    except (OSError, ValueError):
        return False
    return stamp["setup"] == setup and all(
        digest_of_file(name) == value for name, value in stamp["files"].items())


def check(path, directory, flags, setup):
    """None when the file passes, else what clang-tidy says."""
    before = {name: digest_of_file(name) for name in includes(path, directory, flags)}
    run = subprocess.run(
        [CLANG_TIDY, "--quiet", os.path.join(ROOT, path), "--", *flags], cwd=directory,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", errors="replace")
    if run.returncode != 0 or "warning:" in run.stdout or "error:" in run.stdout:
        return run.stdout.strip() or run.stderr.strip() or f"{path}: clang-tidy failed"
    with open(stamp_of(path) + ".new", "w", encoding="utf-8") as file:
        json.dump({"setup": setup, "files": before}, file)
    os.replace(stamp_of(path) + ".new", stamp_of(path))
    return None


def main():
    parser = argparse.ArgumentParser(usage=__doc__.split("usage: ")[1].split("\n")[0])
    parser.add_argument("--build", default=os.path.join(ROOT, "build", "release"))
    parser.add_argument("--jobs", "-j", type=int, default=os.cpu_count())
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()
    wanted = [os.path.relpath(os.path.abspath(p), ROOT) for p in arguments.paths]
    wanted = [] if "." in wanted else wanted
    try:
        version = subprocess.run([CLANG_TIDY, "--version"], stdout=subprocess.PIPE,
                                 encoding="utf-8", check=True).stdout
    except OSError as error:
        sys.exit(f"tidy.py: {error}")
    sources = our_sources(os.path.abspath(arguments.build), wanted)
    if not sources:
        sys.exit("tidy.py: no source of the build is there: " + " ".join(arguments.paths))
    os.makedirs(PASSED, exist_ok=True)
    start = time.monotonic()
    todo = []
    for path, directory, flags in sources:
        setup = digest(version, digest_of_file(".clang-tidy"),
                       digest_of_file(os.path.join(path.split(os.sep)[0], ".clang-tidy")), *flags)
        if not has_passed(path, setup):
            todo.append((path, directory, flags, setup))
    faults = []
    with concurrent.futures.ThreadPoolExecutor(max(1, arguments.jobs)) as pool:
        for done, fault in enumerate(pool.map(lambda t: check(*t), todo), 1):
            if fault:
                faults.append(fault)
                print(fault, flush=True)
            if sys.stderr.isatty():
                print(f"\r  {done} of {len(todo)} ", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty() and todo:
        print("\r                    \r", end="", file=sys.stderr)
    print(f"tidy: {len(sources)} files, {len(todo)} of them looked at in "
          f"{time.monotonic() - start:.0f} s, {len(faults)} with faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
