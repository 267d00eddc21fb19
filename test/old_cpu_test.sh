#!/bin/sh
# A processor of 2008 (qemu, Nehalem: SSE4.2, no AVX) trains a small network: no instruction that it
# lacks, and losses close to those of this machine. A program with AVX2 in it must die there, and
# cpu "avx2" be refused: else the test would see nothing.
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

echo 'int main(void) { __asm__ volatile("vpaddd %%ymm0, %%ymm0, %%ymm0" ::: "xmm0"); return 0; }' \
  >"$work/avx2.c"
"${CC:-cc}" "$work/avx2.c" -o "$work/avx2" || fail "no compiler"
sh -c 'ulimit -c 0; qemu-x86_64 -cpu Nehalem "$1"; exit $?' - "$work/avx2" >/dev/null 2>&1 &&
  fail "qemu runs AVX2 on a Nehalem: this test is blind"

"$program" train "$work/here" >"$work/here.txt" || fail "no training on this machine"
qemu-x86_64 -cpu Nehalem "$program" train "$work/there" >"$work/there.txt" ||
  fail "training on a Nehalem ended with status $?"
qemu-x86_64 -cpu Nehalem "$program" train "$work/refused" avx2 >/dev/null 2>&1 && fail "avx2 was not refused"

paste "$work/here.txt" "$work/there.txt" | awk '
  { off = $4 - $8; if (off < 0) off = -off; print "epoch " $2 ": loss here " $4 ", on a Nehalem " $8
    if (!($4 > 0) || off > 1e-3 * $4) bad = 1 }
  END { if (NR != 2) bad = 1; exit bad }' || fail "the losses are not close"
