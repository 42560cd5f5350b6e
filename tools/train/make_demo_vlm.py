"""Makes the demo VLM from nothing: pictures, training, export, evaluation, model card. One command:

    make_demo_vlm.py [--minutes N | --steps N] [--out DIR] [--work DIR] [--seed N] [--shards N] [--resume]
                     [--glimpse BIN] [--draw-relations]

--resume goes on where an earlier run was stopped: pictures that are drawn stay, training continues from its last
checkpoint. --draw-relations draws data/demo-relations again. With --glimpse the shipped pictures are measured through
that program as well (measure_vlm.py), and the card has those figures too.
"""
import argparse
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--minutes", type=float, default=130)
    p.add_argument("--steps", type=int, default=0)
    p.add_argument("--out", default=ROOT + "/data/models/demo-vlm")
    p.add_argument("--work", default=os.path.join(os.environ.get("TMPDIR", "/tmp"), "glimpse-train-vlm"))
    p.add_argument("--clip", default=ROOT + "/data/models/demo", help="whose picture tower training starts from")
    p.add_argument("--seed", type=int, default=7)
    p.add_argument("--shards", type=int, default=144, help="of 1024 pictures")
    p.add_argument("--processes", type=int, default=2)
    p.add_argument("--resume", action="store_true")
    p.add_argument("--glimpse", help="the program, to measure the shipped pictures with")
    p.add_argument("--draw-relations", action="store_true")
    a = p.parse_args()
    # one thread in each of our processes; waiting threads must not spin where others compute
    env = dict(os.environ, OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="passive",
               PYTHONDONTWRITEBYTECODE="1")
    pool, relations = a.work + "/pool", ROOT + "/data/demo-relations"

    def python(script, *arguments, wait=True):
        command = ["nice", "-n", "5", sys.executable, os.path.join(HERE, script), *map(str, arguments)]
        process = subprocess.Popen(command, env=env, cwd=HERE)
        if wait and process.wait():
            sys.exit("%s failed" % script)
        return process

    if a.draw_relations:
        python("make_relations.py", relations)
    painters = [python("vlm_pool.py", pool, "--shards", a.shards, "--first", i, "--step", a.processes, wait=False)
                for i in range(a.processes)]
    if any([q.wait() for q in painters]):
        sys.exit("vlm_pool.py failed")
    python("vlm_pool.py", pool, "--first", 900, "--shards", 901)
    checkpoint = a.work + "/run/checkpoint.pt"
    python("vlm_train.py", "--pool", pool, "--work", a.work + "/run", "--clip", a.clip, "--minutes", a.minutes,
           "--steps", a.steps, "--seed", a.seed, "--processes", a.processes,
           *(["--resume"] if a.resume and os.path.exists(checkpoint) else []))
    python("vlm_export.py", a.work + "/run", a.out)
    python("vlm_evaluate.py", a.out, "--checkpoint", checkpoint, "--json", a.work + "/evaluation.json")
    if a.glimpse:
        python("measure_vlm.py", "--glimpse", a.glimpse, "--vlm", a.out, "--json", a.work + "/measured.json")
    python("vlm_card.py", a.out, checkpoint, a.work + "/evaluation.json", *([a.work + "/measured.json"] if a.glimpse else []))


if __name__ == "__main__":
    main()
