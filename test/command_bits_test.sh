#!/bin/sh
# `hadal train` gives one result: for any number of threads, for AVX2, when it is killed and resumed,
# and when the disk was full (a limit on file sizes stands for that). The model, the best model and the metrics (but for seconds) are compared; another seed
# must differ, or the comparison would be blind.
set -u
[ -x "$HADAL_COMMAND" ] || { echo "skip: no hadal command was built"; exit 77; }
[ -z "${HADAL_INSTRUMENTED:-}" ] || { echo "skip: tested as delivered"; exit 77; }
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
bad=0
say() { echo "$1"; bad=1; }
train() { "$HADAL_COMMAND" train "$HADAL_SOURCE/recipes/digits.yaml" --set train.epochs=12 --quiet "$@"; }
same() {
  for file in model.safetensors best.safetensors; do
    cmp -s "$work/one/$file" "$work/$1/$file" || return 1
  done
  for run in one "$1"; do
    sed -E 's/"seconds":[0-9.e-]+,?//; s/"peak_bytes.*//' "$work/$run/metrics.jsonl" >"$work/$run.metrics"
  done
  cmp -s "$work/one.metrics" "$work/$1.metrics"
}

train --run "$work/one" --threads 1 || exit 1
train --run "$work/three" --threads 3 || say "training with 3 threads failed"
same three || say "3 threads give another result than 1"
if HADAL_CPU=avx2 train --run "$work/avx2" --threads 2; then
  same avx2 || say "AVX2 gives another result"
else
  echo "skip: this processor has no AVX2"
fi
train --run "$work/seed" --seed 2 || exit 1
same seed && say "another seed gives the same result: this test is blind"

# The model fits, a checkpoint does not: an error that names it, and a resume when there is room.
(ulimit -f 600; train --run "$work/full") >"$work/full.log" 2>&1
[ $? = 1 ] || say "a full disk: exit status is not 1"
grep -q "checkpoint.*File too large" "$work/full.log" || say "a full disk: $(cat "$work/full.log")"
train --run "$work/full" --resume && same full || say "no resume after a full disk"

kills=3
[ "${HADAL_SLOW:-0}" = 0 ] || kills=20
count=0
while [ $count -lt $kills ]; do
  rm -rf "$work/killed"
  resume=
  while [ $count -lt $kills ]; do
    count=$((count + 1))
    # A new moment each time: 0.2 s and up to as long as the machine takes for most of it.
    moment=$(awk -v n=$count 'BEGIN { srand(n); printf "%.2f", 0.1 + 1.4 * rand() }')
    # shellcheck disable=SC2086  # an absent word must vanish
    timeout -s KILL "$moment" "$HADAL_COMMAND" train "$HADAL_SOURCE/recipes/digits.yaml" \
      --set train.epochs=12 --quiet --run "$work/killed" $resume >/dev/null 2>&1 && break
    [ -d "$work/killed" ] && resume=--resume
  done
  # shellcheck disable=SC2086
  [ -e "$work/killed/model.safetensors" ] || train --run "$work/killed" $resume ||
    say "a killed run does not resume"
  same killed || say "a killed and resumed run ends in another result (after $count kills)"
  left=$(find "$work/killed" -name '*.tmp')
  [ -z "$left" ] || say "temporary files are left: $left"
done
echo "$count kills"
exit $bad
