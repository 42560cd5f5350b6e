#!/bin/sh
# Makes the demo model from nothing: sprites, vocabulary, training, export, evaluation, model card.
#   tools/train/run.sh [--minutes N | --samples N] [--out DIR] [--work DIR] [--seed N] [--draw-demo]
# --draw-demo also draws data/demo again. Needs: python3-torch python3-numpy python3-pil fonts-noto-color-emoji.
set -eu
here=$(CDPATH="" cd -- "$(dirname -- "$0")" && pwd)
root=$(dirname -- "$(dirname -- "$here")")
out=$root/data/models/demo work=${TMPDIR:-/tmp}/glimpse-train demo=no
python=${PYTHON:-/usr/bin/python3}
length="--minutes 78" seed=7
while [ $# -gt 0 ]; do
    case $1 in
    --minutes) length="--minutes $2"; shift 2 ;;
    --samples) length="--samples $2"; shift 2 ;;
    --out) out=$2; shift 2 ;;
    --work) work=$2; shift 2 ;;
    --seed) seed=$2; shift 2 ;;
    --draw-demo) demo=yes; shift ;;
    *) sed -n '2,4s/^# //p' "$0" >&2; exit 2 ;;
    esac
done
mkdir -p "$work" "$out"
export OMP_WAIT_POLICY=${OMP_WAIT_POLICY:-passive} PYTHONDONTWRITEBYTECODE=1
cd "$here"
if [ $demo = yes ]; then "$python" make_demo.py "$root/data/demo"; fi
# shellcheck disable=SC2086  # two words on purpose
nice -n 5 "$python" train.py --out "$out" --work "$work" --seed "$seed" $length
"$python" evaluate.py "$out" --demo "$root/data/demo" --json "$work/evaluation.json"
"$python" model_card.py "$out" "$work/evaluation.json" "$work/training.txt"
