#!/bin/sh
# Machines that are not as one would wish: a wrong HADAL_CPU, more than the processor has, one core by
# affinity or by control group, more threads than cores. Clear errors, the threads that fit, the same
# bits, and no great loss of time.
set -u
[ -x "$HADAL_COMMAND" ] || { echo "skip: no hadal command was built"; exit 77; }
[ -z "${HADAL_INSTRUMENTED:-}" ] || { echo "skip: tested as delivered"; exit 77; }
unset HADAL_CPU
work=$(mktemp -d) || exit 1
group=
trap 'rm -rf "$work"; [ -z "$group" ] || rmdir "$group" 2>/dev/null' EXIT
bad=0
say() { echo "FAILED: $1"; bad=1; }
train() { "$HADAL_COMMAND" train "$HADAL_SOURCE/recipes/digits.yaml" --set train.epochs=2 --quiet "$@"; }
threads_are() {  # threads_are RUN COUNT
  grep -q "\"threads\": $2," "$work/$1/manifest.json" ||
    say "$1: not $2 threads: $(grep threads "$work/$1/manifest.json")"
  cmp -s "$work/one/model.safetensors" "$work/$1/model.safetensors" || say "$1: other bits"
}
train --run "$work/one" --threads 1 || exit 1

# ---- HADAL_CPU
refused() {  # refused VALUE WORDS...: status 2, no run, and every word in the message
  value=$1
  shift
  HADAL_CPU=$value train --run "$work/refused" >"$work/out" 2>&1
  status=$?
  [ $status = 2 ] || say "HADAL_CPU=$value: status $status, not 2"
  [ ! -e "$work/refused" ] || { say "HADAL_CPU=$value: left a run"; rm -rf "$work/refused"; }
  for word in "$@"; do
    grep -qF -- "$word" "$work/out" || say "HADAL_CPU=$value: no $word in: $(head -c 300 "$work/out")"
  done
  [ "$(wc -c <"$work/out")" -lt 400 ] || say "HADAL_CPU=$value: a message of $(wc -c <"$work/out") bytes"
}
endless=$(head -c 20000 /dev/zero | tr '\0' x)
for value in AVX2 sse avx1024 'avx2 ' ' ' avx512bf17 "$endless"; do
  refused "$value" 'is not known' '"baseline"' '"avx2"' '"avx512"' '"avx512bf16"' '"amx"'
done
best=baseline missing=
for cpu in baseline avx2 avx512 avx512bf16 amx; do
  if HADAL_CPU=$cpu train --run "$work/$cpu" 2>"$work/out"; then
    [ -z "$missing" ] || say "HADAL_CPU=$cpu works, $missing does not"
    best=$cpu
    [ $cpu = baseline ] || threads_are $cpu "$(nproc)"  # the bits of all but the baseline
    grep -q "\"cpu\": \"$cpu\"" "$work/$cpu/manifest.json" || say "HADAL_CPU=$cpu: another one ran"
  else
    missing=$cpu
    refused $cpu "cpu \"$cpu\""
  fi
done
[ -n "$missing" ] || echo "skip: this processor lacks nothing that could be refused"
HADAL_CPU='' train --run "$work/empty" || say "an empty HADAL_CPU is not none"
grep -q "\"cpu\": \"$best\"" "$work/empty/manifest.json" || say "an empty HADAL_CPU is not the best"

# ---- One core
if command -v taskset >/dev/null 2>&1; then
  core=$(taskset -cp $$ | sed 's/.*: *//; s/[,-].*//')
  taskset -c "$core" "$HADAL_COMMAND" train "$HADAL_SOURCE/recipes/digits.yaml" \
    --set train.epochs=2 --quiet --run "$work/affinity" || say "no training on one core"
  threads_are affinity 1
else
  echo "skip: no taskset (apt install util-linux)"
fi

# in_group FILE LIMIT...: makes a control group with that limit, and trains in it
in_group() {
  name=$1
  mkdir "$group" 2>/dev/null || return 1
  case $name in
    v2) echo "100000 100000" >"$group/cpu.max" ;;
    v1) echo 100000 >"$group/cpu.cfs_quota_us" ;;
  esac 2>/dev/null || { rmdir "$group"; return 1; }
  # shellcheck disable=SC2016
  sh -c 'echo $$ >"$0/cgroup.procs" || exit 9; shift 0; exec "$@"' "$group" "$HADAL_COMMAND" train \
    "$HADAL_SOURCE/recipes/digits.yaml" --set train.epochs=2 --quiet --run "$work/group-$name" \
    2>"$work/out"
  status=$?
  sleep 0.05
  rmdir "$group"
  [ $status != 9 ] || return 1
  [ $status = 0 ] || say "in a control group: $(cat "$work/out")"
  threads_are "group-$name" 1
}
tried=
if [ -f /sys/fs/cgroup/cgroup.controllers ]; then
  own=$(sed -n 's/^0:://p' /proc/self/cgroup)
  group=/sys/fs/cgroup${own%/}/hadal-test-$$
  in_group v2 && tried=$group
else
  own=$(sed -nE 's/^[0-9]+:([^:]*,)?cpu(,[^:]*)?:(.*)/\3/p' /proc/self/cgroup)
  group=/sys/fs/cgroup/cpu${own%/}/hadal-test-$$
  in_group v1 && tried=$group
fi
group=
[ -n "$tried" ] || echo "skip: this process may not make a control group with a limit"

# ---- More threads than cores: the same bits, and not much slower
seconds() { sed -n 's/^{"final".*"seconds":\([0-9.]*\).*/\1/p' "$work/$1/metrics.jsonl"; }
train --run "$work/many" --threads 64 || say "no training on 64 threads"
threads_are many 64
for round in 1 2 3; do  # by turns; the best of each: others use the machine, too
  train --run "$work/few$round" --threads "$(nproc)" --set train.epochs=5 || exit 1
  train --run "$work/lots$round" --threads 64 --set train.epochs=5 || exit 1
  seconds few$round >>"$work/few"
  seconds lots$round >>"$work/lots"
done
few=$(sort -n "$work/few" | head -n 1) lots=$(sort -n "$work/lots" | head -n 1)
echo "digits, 5 epochs: $few s with $(nproc) threads, $lots s with 64"
[ "${HADAL_SLOW:-0}" != 0 ] || { echo "not judged: times need HADAL_SLOW=1"; exit $bad; }
awk -v few="$few" -v lots="$lots" 'BEGIN { exit !(few > 0 && lots > 0 && lots < 3 * few) }' ||
  say "64 threads take more than three times as long"
exit $bad
