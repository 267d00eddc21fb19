#!/bin/sh
# What a model takes for another class: `hadal eval --errors`, --sheet, --json; and LeNet-5 as of
# 1998 by its count of parameters.
set -u
. "$HADAL_SOURCE/test/command.sh"
ln -s "$HADAL_SOURCE/recipes" recipes
ln -s "$HADAL_SOURCE/data" data

# A model that always says "b", of what is a, b, "c d": wrong wherever the class is another.
printf '1,a\n2,b\n3,c d\n4,a\n' >rows.csv
cat >r.json <<'END'
{"data": "rows.csv", "model": [{"dense": {"units": 3, "init": "zeros", "name": "end"}}],
 "train": {"epochs": 1, "batch": 4, "optimizer": {"sgd": 0.000001}}}
END
check 0 'on 4 samples' "$H" train r.json --run rows
check 0 'taken for another class, true->predicted:' "$H" eval rows --errors
said=$(sed -n 's/^\([0-9]*\) taken.*/\1/p' out)
is 'the list' "$(tail -n 1 out)" 'b->a, c d->a'
is 'their number' "$said" 2
check 0 '"errors":[{"sample":1,"true":1,"predicted":0},{"sample":2,"true":2,"predicted":0}]}' \
  "$H" eval rows --errors --json
check 1 'the samples are no images' "$H" eval rows --sheet rows.png
[ ! -e rows.png ] || { echo 'FAILED: a sheet without images'; bad=1; }
printf 'y,x\n1,2\n2,3\n3,4\n' >line.csv
cat >line.json <<'END'
{"data": {"name": "line.csv", "label": "y", "regression": true}, "model": [{"dense": 1}],
 "train": {"epochs": 1, "batch": 3}}
END
check 0 'on 3 samples' "$H" train line.json --run line
check 1 'errors: the data has no classes' "$H" eval line --errors

# As many as the accuracy says; lines of at most 100 characters; a sheet of them.
if "$H" summary digits >/dev/null 2>err; then
  "$H" train digits --run digits --quiet --set train.epochs=1 || bad=1
  check 0 'test samples: loss' "$H" eval digits --errors
  right=$(sed -n 's/.*accuracy \([0-9.]*\) %.*/\1/p' out)
  samples=$(sed -n 's/^digits, \([0-9]*\) test.*/\1/p' out)
  wrong=$(sed -n 's/^\([0-9]*\) taken for.*/\1/p' out)
  is 'accuracy' "$(awk -v w="$wrong" -v n="$samples" 'BEGIN { printf "%.2f", 100 - 100 * w / n }')" "$right"
  is 'pairs' "$(sed -n '3,$p' out | tr ' ' '\n' | grep -c '^[0-9]->[0-9]$')" "$wrong"
  is 'longest line' "$(awk 'length > 100' out)" ''
  "$H" eval digits --sheet errors.svg >out 2>err
  if grep -q 'cairo' err; then echo "not checked: this build draws no pictures"; else
    grep -q '</svg>' errors.svg || { echo 'FAILED: no sheet'; bad=1; }
    check 1 "name ends in .svg or .png" "$H" eval digits --sheet errors.gif
  fi
  check 0 '60,000          415,680' "$H" summary lenet5-1998
  check 0 '"parameters":60000,"trainable":60000,' "$H" summary lenet5-1998 --json
  check 0 '61,706          416,520' "$H" summary lenet5-distorted
else
  echo "not checked: this build reads no YAML"
fi
exit $bad
