#!/usr/bin/env python3
"""Images/s of image towers with random weights: this engine beside ONNX Runtime f32 on the CPU.

    npm install --prefix DIR onnxruntime-node
    benchmarks/onnx/compare.py --bin build/release/bin --packages DIR/node_modules [SIZE ...]

Both sides have the same weights (of `bench_encoder --write`), the same pixels and the same number
of threads. Before anything is timed, the embeddings of two pictures must agree. Then the sides
take turns, round by round, and medians are reported with ratios to ONNX Runtime's f32.
"""
import argparse
import json
import math
import os
import shutil
import statistics
import subprocess
import sys
import tempfile

from write_tower import SIZES, write_tower

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("openblas f32", "openblas int8", "onednn f32", "onednn bf16", "onednn int8")
PLAIN = "ONNX Runtime f32"
VARIANTS = {"fused": "ONNX Runtime f32, attention fused", "int8": "ONNX Runtime int8, dynamic"}
AGREEMENT = 0.9999


class Side:
    """A process that takes orders."""

    def __init__(self, command):
        environment = dict(os.environ, OMP_WAIT_POLICY="passive")
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        text=True, env=environment)

    def ask(self, *order):
        self.process.stdin.write(" ".join(map(str, order)) + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise RuntimeError("no answer to %s" % (order,))
        return answer

    def end(self):
        self.process.stdin.close()
        self.process.wait()


def cosine(a, b):
    dot = sum(x * y for x, y in zip(a, b))
    return dot / math.sqrt(sum(x * x for x in a) * sum(y * y for y in b))


def agreement(ours, theirs):
    """The worst cosine of two pictures between the sides, and that of the pictures."""
    a, b = (json.loads(s.ask("embed", 2)) for s in (ours, theirs))
    if len(a) != len(b):
        raise SystemExit("embeddings of %d and of %d numbers" % (len(a), len(b)))
    half = len(a) // 2
    worst = min(cosine(a[i:i + half], b[i:i + half]) for i in (0, half))
    return worst, cosine(b[:half], b[half:])


def start_sides(options, size, work):
    model = os.path.join(work, "model")
    subprocess.run([os.path.join(options.bin, "bench_encoder"), "--size", size, "--write", model],
                   check=True)
    sides = {}
    for variant in ["plain"] + options.variants:
        graph = os.path.join(work, variant + ".onnx")
        write_tower(size, model, graph, variant)
        sides[VARIANTS.get(variant, PLAIN)] = Side(["node", os.path.join(HERE, "time_ort.js"), options.packages, graph,
                            str(SIZES[size][1])])
    for name in options.settings:
        sides[name] = Side([os.path.join(options.bin, "bench_image_rate"), model, *name.split()])
    return sides


def measure(options, size):
    with tempfile.TemporaryDirectory() as work:
        os.mkdir(os.path.join(work, "model"))
        sides = start_sides(options, size, work)
        base = sides[PLAIN]
        for name, side in list(sides.items()):
            if side is base:
                continue
            try:
                cos, apart = agreement(side, base)
            except RuntimeError:
                print("%s: %s is not possible here" % (size, name))
                del sides[name]
                continue
            print("%s: %s to ONNX Runtime f32: cosine %.7f (of two pictures: %.3f)" %
                  (size, name, cos, apart))
            if "f32" in name and cos < AGREEMENT:
                raise SystemExit("%s: the graphs differ" % size)
        rates = {}
        for _ in range(options.rounds):
            for batch in options.batches:
                for threads in options.threads:
                    for name, side in sides.items():
                        rate = float(side.ask("rate", batch, threads, options.seconds))
                        rates.setdefault((name, batch, threads), []).append(rate)
        for side in sides.values():
            side.end()
        shutil.rmtree(os.path.join(work, "model"))
    return list(sides), rates


def report(options, size, names, rates):
    columns = [(b, t) for t in options.threads for b in options.batches]
    titles = ["batch %d, %d thread%s | x" % (b, t, "s" if t > 1 else "") for b, t in columns]
    print("\n| %s | %s |" % (size, " | ".join(titles)))
    print("|" + " --- |" * (1 + 2 * len(columns)))
    for name in names:
        cells = []
        for batch, threads in columns:
            all_rates = rates[name, batch, threads]
            median = statistics.median(all_rates)
            base = statistics.median(rates[PLAIN, batch, threads])
            cells.append("%.3g (%.3g to %.3g) | %.2f" % (median, min(all_rates), max(all_rates),
                                                       median / base))
        print("| %s | %s |" % ("**%s (baseline)**" % name if name == PLAIN else name,
                               " | ".join(cells)))
    print("load %.1f\n" % os.getloadavg()[0], flush=True)


def main():
    def numbers(text):
        return [int(n) for n in text.split(",")]

    def words(text):
        return text.split(",") if text else []

    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--bin", required=True, help="where bench_encoder is")
    parser.add_argument("--packages", required=True, help="node_modules with onnxruntime-node")
    parser.add_argument("--batches", type=numbers, default=[1, 8, 32])
    parser.add_argument("--threads", type=numbers, default=[1, 2])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each timing, at least")
    parser.add_argument("--settings", type=words, default=list(OURS))
    parser.add_argument("--variants", type=words, default=[], help="also of the graph: fused, "
                        "attention as ONNX Runtime's own operator; int8, products of tokens only")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    for size in options.sizes or SIZES:
        if size not in SIZES:
            sys.exit("%s is no size: %s" % (size, ", ".join(SIZES)))
        report(options, size, *measure(options, size))


if __name__ == "__main__":
    main()
