#!/bin/sh
# The command end to end: each command, its exit statuses and messages, and a run that is interrupted
# and goes on to the same bits.
H=$HADAL_COMMAND
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ln -s "$HADAL_SOURCE/recipes" recipes
ln -s "$HADAL_SOURCE/data" data
unset HADAL_CPU
HADAL_DATA=$dir/nothing  # sets are found in the second place
export HADAL_DATA
bad=0
# The recipes as this build reads them.
if "$H" summary xor >/dev/null 2>err; then :; elif grep -q libyaml-dev err; then
  echo "skip: this build reads no YAML"
  exit 77
fi

# check STATUS WORDS COMMAND...: the command must exit so and say WORDS, on stdout or stderr
check() {
  want=$1 words=$2
  shift 2
  "$@" >out 2>err
  got=$?
  if [ $got -ne "$want" ] || { [ -n "$words" ] && ! cat out err | grep -qF -- "$words"; }; then
    echo "FAILED: $*"
    echo "  status $got, wanted $want with: $words"
    sed 's/^/  /' err | head -n 5
    bad=1
  fi
}
same() {  # same FILE FILE
  cmp -s "$1" "$2" || { echo "FAILED: $1 and $2 differ"; bad=1; }
}

# ---- Help and mistakes in the call
check 0 'hadal train' "$H" --help
check 0 'hadal 0.' "$H" --version
for command in train sweep eval predict report summary filter list lecture check bench; do
  check 0 "hadal $command" "$H" $command --help
done
check 2 'unknown command "trian"; did you mean "train"?' "$H" trian
check 2 'unknown option "--sed"' "$H" train xor --sed 3
check 2 '--seed needs a value' "$H" train xor --seed
check 2 'must be a whole number' "$H" train xor --seed x
check 2 'something is missing' "$H" train
check 2 'too many words' "$H" train xor iris
check 2 'did you mean "xor"?' "$H" train xo
check 2 'there is no such recipe' "$H" train ./nothing.yaml
check 2 '--set train.epoch=3: train: unknown field "epoch"; did you mean "epochs"?' "$H" train xor --set train.epoch=3
check 2 'xor.yaml: train: batch is 5, larger than the 4 training samples' "$H" train xor --set train.batch=5
check 2 'xor.yaml: train: a batch of 4 does not divide into 3 shards' "$H" train xor --set train.shards=3
check 2 'larger than the 120 training samples' "$H" train iris --set data.folds=5 --set train.batch=130
check 2 'no data set "nosuch"' "$H" train xor --set data=nosuch
check 2 'neither a run directory nor a model' "$H" eval nothing
check 2 'no lecture "xorr"; did you mean xor' "$H" lecture xorr
check 2 'list: unknown "recipe"; did you mean recipes' "$H" list recipe
check 2 'n is missing' "$H" bench matmul:m3k4
check 2 'known are .ta, .tb, .bf16 and .bf16x3' "$H" check matmul:m3n3k4.dw
check 0 'k50.ta.bf16 ' "$H" check matmul:m33n40k50.ta.bf16 matmul:m33n40k50.bf16x3
check 0 'right' "$H" check conv2d:n2h8w8c16,k3p1f16.dx.bf16
check 2 'did you mean "matmul"?' "$H" check matmull
HADAL_CPU=none check 2 'cpu "none" is not known' "$H" train xor
test ! -e runs || { echo 'FAILED: a wrong call left a run directory'; bad=1; }

cat >misfit.yaml <<'END'
data: digits
model:
  - conv2d: {filters: 4, kernel: 3}
  - max_pool2d: 9
  - flatten
  - dense: 10
END
check 2 'misfit.yaml:4: layer 2, max_pool2d: ' "$H" train misfit.yaml
check 2 '(N, 6, 6, 4)' "$H" train misfit.yaml
printf 'data: xor\nmodel: [dense: 3]\n' >ends.yaml
check 2 'end with `- dense: 2`' "$H" train ends.yaml
printf 'data: {name: mnist}\nmodel: [flatten, dense: 10]\n' >absent.yaml
HADAL_DATA=/nonexistent HOME=/nonexistent check 1 'mnist' "$H" train absent.yaml
printf 'data: {name: bad.csv}\nmodel: [dense: 2]\n' >csv.yaml
printf '1,2,a\n3,x,b\n' >bad.csv
check 1 'bad.csv:2' "$H" train csv.yaml

# ---- XOR: train, evaluate, predict
check 0 'accuracy 100.00 %' "$H" train xor
check 0 '' "$H" train xor --quiet --run again
test ! -s out || { echo 'FAILED: --quiet is not quiet'; bad=1; }
same runs/xor-1/model.safetensors again/model.safetensors
check 0 '' "$H" train xor --quiet --threads 1
same runs/xor-1/model.safetensors runs/xor-2/model.safetensors
check 2 'exists already' "$H" train xor --run again
check 0 '"accuracy":1}' "$H" eval runs/xor-1 --json
tail -n 1 runs/xor-1/metrics.jsonl | grep -q '^{"final":true,"test":{"loss":[0-9.e-]*,"accuracy":1},"seconds":[0-9.]*,"peak_bytes_planned":[0-9]*,"peak_bytes_used":[0-9]*,"step_allocations":0}$' ||
  { echo 'FAILED: the final line'; tail -n 1 runs/xor-1/metrics.jsonl; bad=1; }
head -n 1 runs/xor-1/metrics.jsonl | grep -q '^{"epoch":1,"step":1,"seconds":[0-9.]*,"train":{"loss":[0-9.]*,"accuracy":[0-9.]*},"lr":[0-9.]*,"norms":{.*}}$' ||
  { echo 'FAILED: the epoch line'; head -n 1 runs/xor-1/metrics.jsonl; bad=1; }
test "$("$H" eval runs/xor-1 --json)" = "$(tail -n 1 runs/xor-1/metrics.jsonl | sed 's/.*"test":\({[^}]*}\).*/\1/')" ||
  { echo 'FAILED: eval differs from the final line'; bad=1; }
printf '0,1\n1,1\n' >rows.csv
check 0 'rows.csv:1  1 9' "$H" predict runs/xor-1 rows.csv
check 0 '[{"file":"rows.csv","row":1,"top":[{"class":"1","p":0.9' "$H" predict runs/xor-1 rows.csv --json --top 1
printf '0,1,1\n' >wide.csv
check 1 'a sample is (3), the model wants (2)' "$H" predict runs/xor-1 wide.csv
check 1 'known are .csv' "$H" predict runs/xor-1 rows.txt
check 2 'no data set "nosuch"' "$H" eval runs/xor-1 --data nosuch
printf 'x' >broken.safetensors
check 1 'broken.safetensors' "$H" eval broken.safetensors
check 0 'Training accuracy' "$H" train xor --set loss=mse --set 'model.2.dense=1' --run mse
check 0 '"value":' "$H" predict mse rows.csv --json

# ---- CSV files: the classes of the model, whatever a file holds of them
awk 'BEGIN { for (i = 0; i < 60; i++) printf "%d,%d,%s\n", i % 3, (i * 7) % 5, substr("abc", i % 3 + 1, 1) }' >abc.csv
grep -v a abc.csv >'some "bc\.csv'
sed 's/c$/d/' abc.csv >abd.csv
printf 'data: abc.csv\nmodel: [{dense: 8}, relu, {dense: 3}]\ntrain: {batch: 20, epochs: 60, optimizer: {adam: {lr: 0.05}}}\n' >abc.yaml
check 0 'accuracy 100.00 %' "$H" train abc.yaml --run abc
check 0 '40 training samples: loss 0.' "$H" eval abc --data 'some "bc\.csv'
check 0 'accuracy 100.00 %' "$H" eval abc/model.safetensors --data 'some "bc\.csv'
check 1 '"d" is none of the 3 classes' "$H" eval abc --data abd.csv
check 2 'the model does not know its data; give --data' "$H" eval abc/model.safetensors
awk 'BEGIN { print "y,x"; for (i = 0; i < 40; i++) print 2 * i / 40 + 1 "," i / 40 }' >line.csv
printf 'data: {name: line.csv, label: y, regression: true}\nmodel: [dense: 1]\ntrain: {batch: 8, epochs: 3}\n' >line.yaml
check 0 'loss' "$H" train line.yaml --run line
cp line.csv other.csv
check 0 "$(tail -n 1 line/metrics.jsonl | sed 's/.*"test":\({[^}]*}\).*/\1/')" "$H" eval line --data other.csv --json
check 0 '"model":"abc"' "$H" summary abc --json
check 0 '"batch":20,' "$H" summary abc --json

# ---- Memory: what is planned is what is used, and what summary says
for batch in 1 64; do
  check 0 '' "$H" train digits --set train.batch=$batch --set train.epochs=1 --quiet --run batch$batch
  peaks=$(tail -n 1 batch$batch/metrics.jsonl | sed 's/.*"peak_bytes_planned":\([0-9]*\),"peak_bytes_used":\([0-9]*\),.*/\1 \2/')
  test "${peaks% *}" = "${peaks#* }" || { echo "FAILED: batch $batch: planned and used bytes differ: $peaks"; bad=1; }
  check 0 "\"peak_bytes_train\":${peaks% *}," "$H" summary digits --set train.batch=$batch --json
  check 0 "\"peak_bytes_train\":${peaks% *}," "$H" summary batch$batch --json
done

# ---- Digits: interrupted, gone on with
digits="digits --set train.epochs=6 --set train.checkpoint_steps=20 --quiet"
check 0 '' "$H" train $digits --run whole
"$H" train $digits --run parts 2>err &
pid=$!
tries=0
while [ ! -s parts/metrics.jsonl ] && [ $tries -lt 300 ]; do sleep 0.02; tries=$((tries + 1)); done
kill -INT $pid
wait $pid
status=$?
if [ $status -eq 130 ]; then
  grep -qF 'hadal train digits --run parts --resume' err || { echo 'FAILED: no way to go on is told'; cat err; bad=1; }
  check 2 'cannot go on as iris' "$H" train iris --run parts --resume
  cp parts/recipe.yaml recipe.before
  check 1 'the file holds' "$H" train digits --run parts --resume --quiet --set model.7.dense=32
  cmp -s recipe.before parts/recipe.yaml || { echo 'FAILED: a wrong --set stays in the run'; bad=1; }
  check 0 '' "$H" train digits --run parts --resume --quiet
elif [ $status -ne 0 ]; then
  echo "FAILED: interrupted with status $status"
  cat err
  bad=1
fi
same whole/model.safetensors parts/model.safetensors
same whole/best.safetensors parts/best.safetensors
strip() { sed 's/"seconds":[0-9.]*,//; s/,"peak_.*//' "$1/metrics.jsonl" >"$1.stripped"; }
strip whole
strip parts
same whole.stripped parts.stripped

# ---- Killed, gone on with
"$H" train $digits --run killed 2>/dev/null &
pid=$!
tries=0
while [ ! -s killed/metrics.jsonl ] && [ $tries -lt 300 ]; do sleep 0.02; tries=$((tries + 1)); done
kill -KILL $pid
wait $pid 2>/dev/null
check 0 '' "$H" train $digits --run killed --resume
same whole/model.safetensors killed/model.safetensors
strip killed
same whole.stripped killed.stripped
rm killed/model.safetensors
check 2 'the run is not finished' "$H" eval killed

# ---- Images
{ printf 'P5 8 8 16\n'; head -c 64 /dev/zero; } >zero.pgm
check 0 '"file":"zero.pgm","top":[{"class":"' "$H" predict whole zero.pgm --json
{ printf 'P5 9 8 16\n'; head -c 72 /dev/zero; } >wrong.pgm
check 1 'a sample is (8, 9, 1), the model wants (8, 8, 1)' "$H" predict whole wrong.pgm
head -n 3 data/digits/test.csv >digits.csv
cut -d , -f 1-64 digits.csv >pixels.csv
check 0 'digits.csv:3  ' "$H" predict whole digits.csv
sed 's/digits/pixels/' out >expected
check 0 'pixels.csv:3  ' "$H" predict whole pixels.csv
same expected out
cut -d , -f 1-9 digits.csv >few.csv
check 1 'the model wants the 64 pixels of an image (8, 8, 1)' "$H" predict whole few.csv
sed 's/^0,/17,/' pixels.csv >bright.csv
check 1 '17 is not a whole number in 0..16' "$H" predict whole bright.csv
mkdir idx && cp rows.csv idx/rows.txt
check 1 'known are .csv' "$H" predict runs/xor-1 idx/rows.txt
check 1 'digits: image u8 (8, 8, 1); the model was made for x' "$H" eval again --data digits

# ---- Iris: cross-validation
check 0 'Cross-validation accuracy 9' "$H" train iris --set train.epochs=20 --set data.folds=5
tail -n 1 runs/iris-1/metrics.jsonl | grep -q '"folds":\[{"loss"' || { echo 'FAILED: no folds in the final line'; bad=1; }
check 0 'Test accuracy' "$H" train iris --set train.epochs=5 --set data.folds=0 --set data.test=0.3
check 0 'Test accuracy' "$H" train iris --set train.epochs=5 --set data.fold=2

# ---- Run directories that cannot be made
if [ "$(id -u)" != 0 ]; then
  mkdir locked && chmod 500 locked
  check 1 'locked/x: the run directory cannot be made: Permission denied' "$H" train xor --run locked/x
fi
: >file
check 2 'file: is a file' "$H" train xor --run file
check 1 'Not a directory' "$H" train xor --run file/x

# ---- Summary, list, check, bench
check 0 '61,706          416,520' "$H" summary lenet5
check 0 '"parameters":61706,"trainable":61706,"multiply_adds":416520,' "$H" summary lenet5 --json --batch 1
check 0 '{"name":"conv2d_1","op":"conv2d","shape":[2,28,28,6],"parameters":156,"multiply_adds":117600}' "$H" summary lenet5 --json --batch 2
check 0 '"model":"xor"' "$H" summary runs/xor-1 --json
check 0 '"id": "lenet5"' "$H" list recipes --json
for what in recipes ops layers losses data optimizers schedules; do check 0 '", "about": "' "$H" list $what --json; done
check 0 '{"id": "backprop", "course": "oslo ffi ai ljubljana", "topic": "backpropagation"' "$H" list lectures --json
check 0 'Exclusive or, from a hundred seeds' "$H" lecture
check 0 '61 of 61' "$H" lecture backprop --short --out lectures
check 0 'right' "$H" check relu matmul:m7n9k11.ta conv2d:n2h9w8c3,k3s2p1f5.dw conv2d:n2h9w8c4,k3p1f6g2.dx
check 0 '"percent_of_peak":' "$H" bench matmul:m16n16k16 --json

[ $bad -eq 0 ] && echo "the command keeps its contract"
exit $bad
