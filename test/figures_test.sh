#!/bin/sh
# The accuracies that the recipes and README.md promise, measured through the command.
[ -z "$HADAL_INSTRUMENTED" ] || { echo "skip: figures are those of a plain build"; exit 77; }
H=$HADAL_COMMAND slow=${HADAL_SLOW:-0}
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ln -s "$HADAL_SOURCE/recipes" recipes
ln -s "$HADAL_SOURCE/data" data
bad=0 runs=0
if "$H" summary xor >/dev/null 2>err; then :; elif grep -q libyaml-dev err; then
  echo "skip: this build reads no YAML"
  exit 77
fi

# Trains a recipe and prints its accuracy in percent; nothing when that fails.
accuracy() {
  runs=$((runs + 1))
  "$H" train "$@" --run "run$runs" >out 2>err || cat out err >&2
  sed -n 's/^[A-Z][A-Za-z-]* accuracy \([0-9.]*\) %.*/\1/p' out
  rm -rf "run$runs"
}
reaches() { awk -v is="${1:--1}" -v least="$2" 'BEGIN { exit !(is + 0 >= least + 0) }'; }
# holds RECIPE LEAST ARGUMENT...
holds() {
  recipe=$1 least=$2
  shift 2
  is=$(accuracy "$recipe" "$@")
  echo "$recipe $*: ${is:-no figure} % (at least $least %)"
  reaches "$is" "$least" || { echo "FAILED: $recipe"; bad=1; }
}

! reaches 94.9 95 && ! reaches '' 95 && reaches 95.00 95 || { echo 'FAILED: the comparison'; bad=1; }

[ "$slow" = 0 ] && seeds=20 wanted=19 || { seeds=100 wanted=95; }
right=0 seed=1
while [ $seed -le $seeds ]; do
  reaches "$(accuracy xor --seed $seed)" 100 && right=$((right + 1))
  seed=$((seed + 1))
done
echo "xor: no error from $right of $seeds seeds (at least $wanted)"
[ $right -ge $wanted ] || { echo 'FAILED: xor'; bad=1; }
holds iris 95
holds digits 97

if [ "$slow" = 0 ]; then
  exit $bad
fi
there() {  # a set's training images, plain or compressed, where the command looks for them
  for place in "${HADAL_DATA:-/nonexistent}" /usr/share/datasets; do
    for file in "$place/$1"/train-images-idx3-ubyte*; do
      [ -f "$file" ] && return 0
    done
  done
  return 1
}
if there fashion-mnist; then
  holds lenet5-fashion 89
else
  echo "skip: no fashion-mnist for lenet5-fashion (apt install dataset-fashion-mnist)"
fi
if there mnist; then
  holds mnist-mlp 98
  for seed in 1 2 3; do holds lenet5 98.9 --seed $seed; done
  for seed in 1 2 3; do holds lenet5-distorted 99.2 --seed $seed; done  # 80 errors
  holds lenet5-1998 98.8
else
  echo "skip: no mnist for mnist-mlp and the lenet5s (HADAL_DATA must name the folder that holds mnist)"
fi
exit $bad
