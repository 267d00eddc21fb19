#!/bin/sh
# The sources keep the floor order and the house rules, and the lint sees each kind of breach.
cd "$HADAL_SOURCE" || exit 1
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/src/kernel" "$dir/src/extra" && cp -r tools "$dir" && : >"$dir/tools/lint.allow"
catches() {  # catches WORDS FILE TEXT: the lint must name WORDS for a file of that text
  printf '%b\n' "$3" >"$dir/$2"
  "$dir/tools/lint" "$2" >"$dir/out" && { echo "lint missed: $3"; exit 1; }
  grep -q "$1" "$dir/out" || { echo "lint said of $3:"; cat "$dir/out"; exit 1; }
  rm "$dir/$2"
}
passes() {
  printf '%b\n' "$2" >"$dir/$1"
  "$dir/tools/lint" "$1" || { echo "lint refused: $2"; exit 1; }
  rm "$dir/$1"
}
long=$(printf '%0101d' 0)
catches 'lies above' src/kernel/a.c '#include "../plan/plan.h"'
catches 'lies above' src/extra/a.c '#include "../cli/cli.h"'
catches 'no such floor' src/kernel/a.c '#include "../nowhere/plan.h"'
catches 'tab' src/kernel/a.c '\tint x;'
catches 'trailing blank' src/kernel/a.c 'int x; '
catches '101 columns' src/kernel/a.c "// $(echo "$long" | cut -c4-)"
catches '601 lines' src/kernel/a.c "$(yes 'int x;' | head -n 601)"
catches 'printf()' src/kernel/a.c 'void f(void) { printf("x"); }'
catches 'abort()' src/kernel/a.c 'void f(void) { if (1) abort (); }'
catches 'getenv()' src/kernel/a.c '/* a\n b */ char *f(void) { return getenv("X"); }'
catches 'strtod()' src/kernel/a.c 'double x = (strtod)("1", 0) + strtod("1", 0);'
passes src/kernel/a.c '#include "../base/base.h"\n#include "kernel.h"\n// printf() would be wrong\nint x = snprintf(0, 0, "abort()"); /* exit(1)\n assert(1) */ int y = hd_exit(1), z = p->exit(1);'
passes src/kernel/a_test.c '#include <assert.h>\nvoid f(void) { assert(1); }'

tools/lint
