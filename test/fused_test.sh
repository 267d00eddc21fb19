#!/bin/sh
# The kernels are made of fused multiply-adds: some tunings and flags split them into a product and a
# sum, which halves the speed and changes the bits. Counted in the machine code.
cd "$HADAL_BUILD" || exit 1
[ "$(uname -m)" = x86_64 ] || { echo "skip: not an x86-64"; exit 77; }
command -v objdump >/dev/null 2>&1 || {
  echo "skip: objdump is missing (apt install binutils)"; exit 77; }
[ -z "$HADAL_INSTRUMENTED" ] || { echo "skip: an instrumented build is not what runs"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
for isa in avx2 avx512 baseline; do
  ar p libhadal.a $isa.c.o >"$dir/$isa.o" 2>/dev/null
  [ -s "$dir/$isa.o" ] || { echo "libhadal.a has no $isa.c.o"; bad=1; continue; }
  # Split: a packed product whose result is added within the next four instructions. Chains of
  # elementwise tiles never fuse, so a few are right.
  objdump -d --no-show-raw-insn "$dir/$isa.o" | awk -v isa=$isa '
    $2 ~ /^v?fn?m(add|sub)[0-9]*(ps|ss)$/ { fused++ }
    /%zmm/ { zmm++ }
    $2 ~ /^v?mulps$/ { n = split($0, r, /[ ,]+/); product = r[n]; at = NR }
    $2 ~ /^v?(add|sub)ps$/ && NR - at <= 4 && product != "" && index($0 ",", product) { split_++; product = "" }
    END {
      printf "%s: %d fused, %d split\n", isa, fused, split_
      if (isa == "baseline") { if (fused) { print "baseline must run anywhere: no fused multiply-add"; exit 1 } }
      else if (fused < 200) { print isa ": too few fused multiply-adds"; exit 1 }
      else if (split_ * 20 > fused) { print isa ": multiply-adds are split"; exit 1 }
      if (isa != "avx512" && zmm) { print isa ": 64-byte registers do not exist there"; exit 1 }
      if (isa == "avx512" && !zmm) { print isa ": vectors are not at their native width"; exit 1 }
    }' || bad=1
done
exit $bad
