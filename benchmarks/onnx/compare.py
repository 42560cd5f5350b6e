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
import statistics
import subprocess
import sys
import tempfile

from write_tower import SIZES, write_tower

HERE = os.path.dirname(os.path.abspath(__file__))
OURS = ("openblas f32", "openblas int8", "onednn f32", "onednn bf16", "onednn int8")
PLAIN = "ONNX Runtime f32"
VARIANTS = {"fused": "ONNX Runtime f32, attention fused", "int8": "ONNX Runtime int8, dynamic"}
AGREEMENT, AGREEMENT_APART = 0.999999, 0.999


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


def unit(a):
    length = math.sqrt(sum(x * x for x in a))
    return [x / length for x in a]


def dot(a, b):
    return sum(x * y for x, y in zip(a, b))


def agreement(ours, theirs):
    """Between the sides, the worst cosine of two pictures, and that of what tells the two apart:
    embeddings of random weights are much alike."""
    pictures = []
    for side in (ours, theirs):
        both = json.loads(side.ask("embed", 2))
        half = len(both) // 2
        pictures.append((unit(both[:half]), unit(both[half:])))
    (a, b), (c, d) = pictures
    if len(a) != len(c):
        raise SystemExit("embeddings of %d and of %d numbers" % (len(a), len(c)))
    apart = [unit([x - y for x, y in zip(*p)]) for p in pictures]
    return min(dot(a, c), dot(b, d)), dot(*apart)


def start_sides(options, size, work):
    model = os.path.join(work, "model")
    if not os.path.isdir(model):
        os.makedirs(model)
        subprocess.run([os.path.join(options.bin, "bench_encoder"), "--size", size, "--write",
                        model], check=True)
    sides = {}
    for variant in ["plain"] + options.variants:
        graph = os.path.join(work, variant + ".onnx")
        if not os.path.exists(graph):
            write_tower(size, model, graph, variant)
        sides[VARIANTS.get(variant, PLAIN)] = Side(["node", os.path.join(HERE, "time_ort.js"), options.packages, graph,
                            str(SIZES[size][1])])
    for name in options.settings:
        sides[name] = Side([os.path.join(options.bin, "bench_image_rate"), model, *name.split()])
    return sides


def check_agreement(size, sides):
    """Leaves out what this machine cannot do."""
    for name in [n for n in sides if n != PLAIN]:
        try:
            cos, apart = agreement(sides[name], sides[PLAIN])
        except RuntimeError:
            print("%s: %s is not possible here" % (size, name))
            del sides[name]
            continue
        print("%s: %s to %s: cosine %.7f; of what tells two pictures apart: %.5f" %
              (size, name, PLAIN, cos, apart))
        if "f32" in name and (cos < AGREEMENT or apart < AGREEMENT_APART):
            raise SystemExit("%s: the graphs differ" % size)


def measure(options, size, work):
    sides = start_sides(options, size, work)
    check_agreement(size, sides)
    rates = {}
    for _ in range(options.rounds):
        for batch, threads in options.columns:
            for name, side in sides.items():
                rate = float(side.ask("rate", batch, threads, options.seconds))
                rates.setdefault((name, batch, threads), []).append(rate)
    for side in sides.values():
        side.end()
    return list(sides), rates


def report(options, size, names, rates):
    columns = options.columns
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


def version(packages):
    with open(os.path.join(packages, "onnxruntime-node", "package.json")) as file:
        return json.load(file)["version"]


def main():
    def pairs(text):
        return [tuple(int(n) for n in pair.split("x")) for pair in text.split(",")]

    def words(text):
        return text.split(",") if text else []

    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", nargs="*", metavar="SIZE", help=", ".join(SIZES))
    parser.add_argument("--bin", required=True, help="where bench_encoder is")
    parser.add_argument("--packages", required=True, help="node_modules with onnxruntime-node")
    parser.add_argument("--columns", type=pairs, default=pairs("1x1,8x1,1x2,8x2,32x2"),
                        metavar="BATCHxTHREADS,...")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=1.0, help="of each timing, at least")
    parser.add_argument("--work", help="keeps models and graphs there, for the next run")
    parser.add_argument("--settings", type=words, default=list(OURS))
    parser.add_argument("--variants", type=words, default=[], help="also of the graph: fused, "
                        "attention as ONNX Runtime's own operator; int8, products of tokens only")
    options = parser.parse_args()
    options.bin = os.path.abspath(options.bin)
    cpu = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if "model name" in line]
    print("%s, %d cores, ONNX Runtime %s, load %.1f" % (
        cpu[0] if cpu else "unknown CPU", os.cpu_count(), version(options.packages),
        os.getloadavg()[0]))
    for size in options.sizes or SIZES:
        if size not in SIZES:
            sys.exit("%s is no size: %s" % (size, ", ".join(SIZES)))
        with tempfile.TemporaryDirectory() as temporary:
            work = os.path.join(os.path.abspath(options.work or temporary), size)
            report(options, size, *measure(options, size, work))


if __name__ == "__main__":
    main()
