#!/bin/sh
# The programs in the documents compile as they are printed, and the files that these name exist.
cd "$HADAL_SOURCE" || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
first() { awk '/^```/ { if (on) exit; on = $0 == "```c"; next } on' "$1"; }  # the first block of C
compiles() {  # compiles FILE FLAG...
  file=$1
  shift
  "${CC:-cc}" -std=c11 -fsyntax-only -Iinclude -Wall -Wextra -Wpedantic -Werror "$@" "$dir/$file" ||
    { echo "FAILED: $file $*"; bad=1; }
}
first README.md >"$dir/program.c"
{
  printf '#include "op.h"\nextern const hd_op hd_def_cube;\nhd_val hd_cube(hd_val x);\n'
  first docs/add-an-op.md
} >"$dir/cube.c"
grep -q main "$dir/program.c" && grep -q hd_def_cube "$dir/cube.c" || { echo 'FAILED: no block'; bad=1; }
compiles program.c
compiles cube.c -Isrc/op
compiles cube.c -Isrc/op -DHD_REF64

# Words that look like one of our files. A plain name may be a test's; NAME, MACHINE and x stand for any.
named() {
  grep -oE '[A-Za-z0-9_./-]+\.(c|h|sh|md|inc|cpp|py)\b|\b(examples|recipes|docs)/[a-z0-9_./-]+' "$@" |
    sed 's/[.,]*$//' | grep -E '/|_test\.(c|sh)$' | grep -Ev 'NAME|MACHINE|^x_test|^/|\.\.|/$' | sort -u
}
missing() {
  named "$@" | while read -r word; do
    for place in . src include test docs examples; do
      [ -e "$place/$word" ] && continue 2
    done
    echo "$word"
  done
}
printf 'see `test/nothing_test.c` and `src/op/relu.c`\n' >"$dir/seen.md"
[ "$(missing "$dir/seen.md")" = test/nothing_test.c ] || { echo 'FAILED: a lost file is not seen'; bad=1; }
for file in README.md ARCHITECTURE.md docs/*.md; do
  for word in $(missing "$file"); do
    echo "FAILED: $file names $word, which is not there"
    bad=1
  done
done
exit $bad
