#!/bin/sh
# The core with nothing but cc and make: it builds, its tests pass, and it trains from JSON.
[ "${HADAL_SLOW:-0}" != 0 ] || { echo "skip: the core's own build takes minutes (HADAL_SLOW=1)"; exit 77; }
[ -z "$HADAL_INSTRUMENTED" ] || { echo "skip: the core is built without instruments"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$HADAL_SOURCE" || exit 1
unset MAKEFLAGS MFLAGS MAKELEVEL
make -f tools/core.mk -j 2 B="$dir/core" >"$dir/log" 2>&1 || {
  echo "the core does not build"
  tail -n 20 "$dir/log"
  exit 1
}
tail -n 1 "$dir/log"
if grep -q 'warning:' "$dir/log"; then
  grep 'warning:' "$dir/log" | head -n 10
  exit 1
fi
bad=0
for recipe in xor digits; do
  "$dir/core/hadal" train recipes/$recipe.json --run "$dir/$recipe" >"$dir/out" 2>&1 || bad=1
  grep accuracy "$dir/out" | tail -n 1
  grep -Eq 'accuracy (9[78]|99|100)\.' "$dir/out" || bad=1
  [ $bad = 0 ] || { cat "$dir/out"; exit 1; }
done
# The two forms of a recipe are one recipe.
"$HADAL_COMMAND" summary recipes/xor.yaml 2>&1 | grep -q libyaml-dev && exit 0
for recipe in xor digits; do
  for form in json yaml; do
    "$HADAL_COMMAND" summary recipes/$recipe.$form >"$dir/$form" 2>&1 || { cat "$dir/$form"; exit 1; }
  done
  cmp "$dir/json" "$dir/yaml" || exit 1
done
