#!/bin/sh
# Tables with words: an input for each word, saved with the model, which reads other tables by it;
# and splits that keep the shares of the classes.
set -u
. "$HADAL_SOURCE/test/command.sh"

# The class is the kind alone, and the number is noise.
awk 'BEGIN { print "size,kind,place,is"; split("red green blue", k); split("in out", p)
  for (i = 0; i < 60; i++)
    print i * 7 % 10 "," k[i % 3 + 1] "," p[i % 2 + 1] "," (i % 3 ? "no" : "yes") }' >rows.csv
cat >kind.json <<'END'
{"data": {"name": "rows.csv", "one_hot": true, "scale": "standard", "valid": 0.1, "stratify": true},
 "model": [{"dense": 4}, "relu", {"dense": 2}],
 "train": {"epochs": 60, "batch": 18, "optimizer": {"adam": {"lr": 0.05}}}}
END
check 0 'accuracy 100.00 %' "$H" train kind.json --run kind
check 1 'rows.csv:2: column 2: "red" is not a number (such as 1.5 or -2e3); if the column holds words, read them with `one_hot: true`' \
  "$H" train kind.json --run no --set data.one_hot=false
check 0 '"parameters":38,' "$H" summary kind.json --json
check 0 '"parameters":38,' "$H" summary kind --json
check 0 '"parameters":38,' "$H" summary kind/model.safetensors --json

# Other tables are read by the words of training: in another order, some of them, with a header or not.
{ head -n 1 rows.csv; tail -n +2 rows.csv | sort -r -t , -k 2; } >sorted.csv
grep -v green rows.csv >some.csv
check 0 'accuracy 100.00 %' "$H" eval kind --data sorted.csv
check 0 '40 training samples: loss' "$H" eval kind --data some.csv
check 0 'accuracy 100.00 %' "$H" eval kind/model.safetensors --data some.csv
printf '3,red,out\n3,blue,in\n8,green,in\n9,red,in\n' >new.csv
check 0 'new.csv:4  yes' "$H" predict kind new.csv --top 1
is 'what is said' "$(cut -d ' ' -f 3 out | tr '\n' ' ')" 'yes no no yes '
check 0 'new.csv:4  yes' "$H" predict kind/model.safetensors new.csv --top 1
mv out first
{ echo size,kind,place; cat new.csv; } >headed.csv
check 0 'headed.csv:4  yes' "$H" predict kind headed.csv --top 1
sed 's/headed/new/' out | cmp -s - first || { echo 'FAILED: a header changes what is said'; bad=1; }
printf '3,red,out\n3,pink,in\n' >pink.csv
check 1 'pink.csv:2: column 2: "pink" is none of its 3 words; known are "blue", "green", "red"' \
  "$H" predict kind pink.csv
sed 's/green/pink/' rows.csv >pinks.csv
check 1 'pinks.csv:3: column 2: "pink" is none of its 3 words' "$H" eval kind --data pinks.csv
printf 'big,red,out\n' >big.csv
check 1 'column 1: "big" is not a number' "$H" predict kind big.csv
printf '1,red\n' >short.csv
check 1 'short.csv: 2 columns of features; there must be 3' "$H" predict kind short.csv

# A table of words alone: its first row is no header where the words are known.
cut -d , -f 2- rows.csv >words.csv
check 0 'accuracy 100.00 %' "$H" train kind.json --run words --set data.name=words.csv
printf 'red,in\nblue,in\n' >bare.csv
check 0 'bare.csv:2  no' "$H" predict words bare.csv --top 1

# The shares of what are no classes cannot be kept.
check 2 'kind.json: data: stratify: split: to stratify, the label must be a class' "$H" train kind.json \
  --run no --set data.regression=true --set data.label=size --set model.2.dense=1

# A real one: sex is M, F or I, and the rings of a shell are to be told.
abalone=${HADAL_DATA:-}/uci/abalone.csv
if [ -f "$abalone" ]; then
  cat >abalone.json <<END
{"data": {"name": "$abalone", "one_hot": true, "regression": true, "scale": "standard", "test": 0.2},
 "model": [{"dense": 16}, "relu", {"dense": 1}],
 "train": {"epochs": 5, "batch": 64, "optimizer": {"adam": {"lr": 0.01}}}}
END
  check 0 'on 835 samples' "$H" train abalone.json --run abalone
  loss=$(sed -n 's/.*est loss \([0-9.]*\),.*/\1/p' out)
  is 'a loss below 5.5' "$(awk -v l="$loss" 'BEGIN { print (l > 3 && l < 5.5) }')" 1
  check 0 '"parameters":193,' "$H" summary abalone --json  # 10 inputs
  head -n 20 "$abalone" | cut -d , -f 1-8 >few.csv
  check 0 'few.csv:20' "$H" predict abalone few.csv
  sed 's/^F/X/' few.csv >odd.csv
  check 1 'odd.csv:3: column 1: "X" is none of its 3 words; known are "F", "I", "M"' \
    "$H" predict abalone odd.csv
else
  echo "not checked: uci/abalone.csv is not there"
fi
exit $bad
