#!/bin/sh
# A processor of 2008 (qemu, Nehalem: SSE4.2, no AVX) and one of 2013 (Haswell: AVX2, no AVX-512)
# train small networks: no instruction that they lack, the bits of this machine's baseline and AVX2,
# and losses close to those of the best. A program with AVX2 in it must die on the first, and cpu
# "avx2" be refused: else the test would see nothing.
set -u
skip() { echo "skip: $1"; exit 77; }
[ "$(uname -m)" = x86_64 ] || skip "this is no x86-64 machine"
command -v qemu-x86_64 >/dev/null 2>&1 || skip "no qemu-x86_64 (apt install qemu-user)"
[ -z "${HADAL_INSTRUMENTED:-}" ] || skip "qemu does not run instrumented programs"
program=$HADAL_BUILD/test/test_same_bits_test
[ -x "$program" ] || skip "$program was not built"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
fail() { echo "$1" >&2; exit 1; }
unset HADAL_CPU
avx2=1
grep -q '^flags.* avx2' /proc/cpuinfo || avx2=

echo 'int main(void) { __asm__ volatile("vpaddd %%ymm0, %%ymm0, %%ymm0" ::: "xmm0"); return 0; }' \
  >"$work/avx2.c"
"${CC:-cc}" "$work/avx2.c" -o "$work/avx2" || fail "no compiler"
sh -c 'ulimit -c 0; qemu-x86_64 -cpu Nehalem "$1"; exit $?' - "$work/avx2" >/dev/null 2>&1 &&
  fail "qemu runs AVX2 on a Nehalem: this test is blind"
qemu-x86_64 -cpu Haswell "$work/avx2" >/dev/null 2>&1 || fail "qemu's Haswell has no AVX2"

# on PROCESSOR ...: qemu without its warnings about what it does not emulate
on() {
  processor=$1
  shift
  qemu-x86_64 -cpu "$processor" "$@" 2>"$work/err"
  status=$?
  grep -v "warning: TCG" "$work/err" >&2
  return $status
}

for net in small lenet; do
  "$program" train "$work/here" $net >"$work/here.txt" || fail "no training on this machine"
  "$program" train "$work/baseline" $net baseline >/dev/null || fail "no baseline"
  on Nehalem "$program" train "$work/there" $net >"$work/there.txt" ||
    fail "training $net on a Nehalem ended with status $?"
  cmp "$work/baseline" "$work/there" || fail "$net: a Nehalem gives other bits than the baseline here"
  cmp -s "$work/here" "$work/there" && [ -n "$avx2" ] &&
    fail "the baseline has the bits of AVX2: this test compares the wrong runs"
  paste "$work/here.txt" "$work/there.txt" | awk -v net=$net '
    { off = $4 - $8; if (off < 0) off = -off
      print net ", epoch " $2 ": loss here " $4 ", on a Nehalem " $8
      if (!($4 > 0) || off > 1e-3 * $4) bad = 1 }
    END { if (NR != 2) bad = 1; exit bad }' || fail "$net: the losses are not close"
  if [ -n "$avx2" ]; then
    "$program" train "$work/wide" $net avx2 >/dev/null || fail "no AVX2"
    on Haswell "$program" train "$work/there" $net >/dev/null ||
      fail "training $net on a Haswell ended with status $?"
    cmp "$work/wide" "$work/there" || fail "$net: a Haswell gives other bits than AVX2 here"
  else
    echo "skip: no AVX2 here to compare a Haswell with"
  fi
done
on Nehalem "$program" train "$work/refused" small avx2 >/dev/null 2>&1 && fail "avx2 was not refused"
on Haswell "$program" train "$work/refused" small avx512 >/dev/null 2>&1 && fail "avx512 was not refused"

# The command on real data, a whole epoch.
[ "${HADAL_SLOW:-0}" != 0 ] || { echo "not run: digits, which take a minute (HADAL_SLOW=1)"; exit 0; }
[ -x "$HADAL_COMMAND" ] || { echo "not run: no hadal command was built"; exit 0; }
digits() { "$@" "$HADAL_COMMAND" train "$HADAL_SOURCE/recipes/digits.yaml" --set train.epochs=1 --quiet --run "$work/$run"; }
run=nehalem
digits on Nehalem || fail "hadal train on a Nehalem ended with status $?"
run=baseline
digits env HADAL_CPU=baseline || fail "hadal train with HADAL_CPU=baseline failed"
cmp "$work/nehalem/model.safetensors" "$work/baseline/model.safetensors" || fail "digits: other bits on a Nehalem"
grep -q '"cpu": "baseline"' "$work/nehalem/manifest.json" || fail "a Nehalem is not the baseline"
[ -n "$avx2" ] || exit 0
run=haswell
digits on Haswell || fail "hadal train on a Haswell ended with status $?"
run=avx2
digits env HADAL_CPU=avx2 || fail "hadal train with HADAL_CPU=avx2 failed"
cmp "$work/haswell/model.safetensors" "$work/avx2/model.safetensors" || fail "digits: other bits on a Haswell"
