#!/bin/sh
# hadal sweep: every combination once, draws that come again, survivors that go on to the bits of a
# straight run, a kill at any moment, and what is refused.
H=$HADAL_COMMAND
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ln -s "$HADAL_SOURCE/recipes" recipes
ln -s "$HADAL_SOURCE/data" data
HADAL_DATA=$dir/nothing  # sets are found in the second place
export HADAL_DATA
bad=0
fail() { echo "FAILED: $*"; bad=1; }
# check STATUS WORDS COMMAND...: the command must exit so and say WORDS, on stdout or stderr
check() {
  want=$1 words=$2
  shift 2
  "$@" >out 2>err
  got=$?
  if [ $got -ne "$want" ] || { [ -n "$words" ] && ! cat out err | grep -qF -- "$words"; }; then
    fail "$*: status $got, wanted $want with: $words"
    head -n 5 err
  fi
}
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }

# A table that trains in a blink, the same for every build.
awk 'BEGIN { for (i = 0; i < 90; i++) printf "%d,%d,%s\n", i % 3, (i * 7) % 5, substr("abc", (i + (i * 7) % 5) % 3 + 1, 1) }' >abc.csv
cat >small.json <<'END'
{"data": {"name": "./abc.csv", "valid": 0.3, "scale": "standard"},
 "model": [{"dense": 8}, "tanh", {"dense": 3}],
 "train": {"optimizer": {"adam": {"lr": 0.05}}, "batch": 16, "epochs": 8, "seed": 1}}
END
sweep() { printf '%s\n' "$2" >"$1.json"; }  # sweep NAME TEXT

# ---- A grid: all combinations, each an ordinary run
sweep grid '{"recipe": "./small.json", "measure": "valid.accuracy",
 "vary": {"train.batch": [8, 16], "model.0.dense": [4, 8], "train.optimizer": ["adam", {"sgd": {"lr": 0.1}}]}}'
check 0 'The best is trial' "$H" sweep grid.json --run grid
[ "$(wc -l <grid/sweep.jsonl)" = 8 ] || fail 'not eight trials'
sed 's/.*"set":{\([^}]*\)}.*/\1/' grid/sweep.jsonl | sort -u | wc -l | grep -q '^ *8$' || fail 'a combination is missing'
sed -n 2p grid/sweep.jsonl | grep -q '^{"trial":2,"set":{"train.batch":8,"model.0.dense":4,"train.optimizer":{"sgd":{"lr":0.1}}},"epochs":8,"best_epoch":[0-9]*,"valid":{"loss":[0-9.]*,"accuracy":[0-9.]*}}$' ||
  { fail 'the second line'; sed -n 2p grid/sweep.jsonl; }
check 0 '' "$H" train small.json --set train.batch=8 --set model.0.dense=4 --set 'train.optimizer={"sgd":{"lr":0.1}}' --run straight --quiet
same straight/model.safetensors grid/trials/002/model.safetensors
same straight/best.safetensors grid/trials/002/best.safetensors
check 0 '"accuracy":' "$H" eval grid/trials/002 --json
for file in sweep.yaml recipe.yaml sweep.html trials/008/manifest.json; do [ -s grid/$file ] || fail "no $file"; done
# The order of the table is that of the measure, and of validation alone.
check 0 '' "$H" sweep grid.json --run grid --resume --json
sed 's/.*"accuracy":\([0-9.e-]*\)}.*/\1/' out >order
sort -rg order | cmp -s - order || fail 'the best is not first'
grep -q test grid/sweep.jsonl && fail 'a test had its say'

# ---- Draws: the same again, with any number of threads; others from another seed
draw='"recipe": "./small.json", "trials": 4, "vary": {"train.optimizer.adam.lr": {"low": 1e-4, "high": 0.3, "log": true}, "model.0.dense": {"low": 2, "high": 9, "whole": true}}'
sweep draw "{$draw, \"method\": \"random\"}"
sweep other "{$draw, \"method\": \"random\", \"seed\": 2}"
check 0 '' "$H" sweep draw.json --run draw --quiet --set train.epochs=2
[ -s out ] && fail '--quiet is not quiet'
check 0 '' "$H" sweep draw.json --run again --quiet --set train.epochs=2 --threads 1
check 0 '' "$H" sweep other.json --run other --quiet --set train.epochs=2 --no-report
same draw/sweep.jsonl again/sweep.jsonl
same draw/sweep.html again/sweep.html
cmp -s draw/sweep.jsonl other/sweep.jsonl && fail 'another seed, the same draws'
[ -e other/sweep.html ] && fail '--no-report'

# ---- Halving: 9 trials for 1 epoch, 3 for 3, 1 to the end, from its checkpoint
sweep halve "{$(echo "$draw" | sed 's/"trials": 4/"trials": 9/'), \"method\": \"halving\", \"halving\": {\"eta\": 3, \"least\": 1}}"
check 0 'rung 3: 1 trial, 8 epochs' "$H" sweep halve.json --run halve
cut -d , -f 2 halve/sweep.jsonl | sort | uniq -c | tr -d ' \n' | grep -q '^9"rung":13"rung":21"rung":3$' || fail 'rungs'
pick() { sed -n "s/^{\"trial\":\([0-9]*\),\"rung\":$1,.*\"valid\":{\"loss\":\([0-9.e-]*\).*/\2 \1/p" halve/sweep.jsonl; }
pick 1 | sort -g | head -n 3 | cut -d ' ' -f 2 | sort -n >one
pick 2 | cut -d ' ' -f 2 >two
same one two
last=$(tail -n 1 halve/sweep.jsonl)
best=$(echo "$last" | sed 's/.*"trial":\([0-9]*\),.*/\1/')
sets=$(echo "$last" | sed 's/.*"set":{"\([^}]*\)}.*/\1/; s/":/=/g; s/,"/ --set /g; s/^/--set /')
check 0 '' "$H" train small.json $sets --run alone --quiet
same alone/model.safetensors halve/trials/00$best/model.safetensors
same alone/best.safetensors halve/trials/00$best/best.safetensors
strip() { sed 's/"seconds":[0-9.]*,//; s/,"peak_.*//' "$1/metrics.jsonl"; }
strip alone >one
strip halve/trials/00$best >two
same one two
# A trial that was left behind can be trained to its end like any run.
for other in halve/trials/*; do [ -e "$other/model.safetensors" ] || break; done
check 0 '' "$H" train small.json --run "$other" --resume --quiet
[ -e "$other/model.safetensors" ] || fail 'a trial left behind cannot go on'

# They go on from their checkpoints: what their first epoch left behind stays.
long="--set train.epochs=200 --no-report"
"$H" sweep halve.json $long --run marked --quiet 2>/dev/null &
pid=$!
while [ "$(cat marked/sweep.jsonl 2>/dev/null | wc -l)" -lt 9 ] && kill -0 $pid 2>/dev/null; do :; done
kill -KILL $pid || fail 'no time to kill it'
wait $pid 2>/dev/null
sed -i '1s/"seconds":[0-9.]*/"seconds":4242/' marked/trials/*/metrics.jsonl
head -n 9 marked/sweep.jsonl >one
head -n 1 marked/sweep.jsonl >two
cp two marked/sweep.jsonl  # as after a power cut: the trials know more than the sweep
check 0 '' "$H" sweep halve.json $long --run marked --resume --quiet
[ "$(head -qn 1 marked/trials/*/metrics.jsonl | grep -c '"seconds":4242,')" = 9 ] || fail 'a survivor began anew'
head -n 9 marked/sweep.jsonl >two
same one two
ls marked/trials/*/model.safetensors | wc -l | grep -q '^ *1$' || fail 'more than one trained to its end'

# ---- Killed and interrupted at many moments, gone on with: the same table
check 0 '' "$H" sweep halve.json --run halve --resume
sed -n '/^trial  *valid/,/^The best/p' out | sed 's/halve/DIR/' >wanted
[ -s wanted ] || fail 'no table'
tries=0
for signal in KILL INT KILL KILL INT KILL; do
  "$H" sweep halve.json --run parts --resume --quiet 2>err &
  pid=$!
  lines=$(cat parts/sweep.jsonl parts/trials/*/metrics.jsonl 2>/dev/null | wc -l)
  while [ "$(cat parts/sweep.jsonl parts/trials/*/metrics.jsonl 2>/dev/null | wc -l)" -lt $((lines + 4)) ] &&
    kill -0 $pid 2>/dev/null && [ $tries -lt 3000 ]; do tries=$((tries + 1)); done
  kill -$signal $pid 2>/dev/null
  wait $pid 2>/dev/null
  status=$?
  case $signal$status in
    KILL137 | *0) ;;
    INT130) grep -qE 'hadal sweep halve.json --run parts --resume|before the first trial' err || { fail 'no way to go on is told'; cat err; } ;;
    *) fail "$signal ended with $status"; cat err ;;
  esac
done
printf '{"trial":9,"rung"' >>parts/sweep.jsonl  # a line cut short
check 0 '' "$H" sweep halve.json --run parts --resume
sed -n '/^trial  *valid/,/^The best/p' out | sed 's/parts/DIR/' >got
same got wanted
same parts/sweep.jsonl halve/sweep.jsonl
same parts/trials/00$best/model.safetensors halve/trials/00$best/model.safetensors

awk 'BEGIN { for (i = 0; i < 40; i++) print i / 40 "," 2 * i / 40 + 1 }' >line.csv
printf '{"data": {"name": "./line.csv", "valid": 0.3, "regression": true}, "model": [{"dense": 1}]}' >line.json

# ---- What diverges is told, ranked last, and stops nobody
sweep wild '{"recipe": "./line.json", "vary": {"train.optimizer": [{"sgd": {"lr": 1e6}}, {"sgd": {"lr": 0.1}}]}}'
check 0 'trial  1/2  train.optimizer {"sgd":{"lr":1000000}}   diverged' "$H" sweep wild.json --run wild --set train.batch=4
head -n 1 wild/sweep.jsonl | grep -q '"diverged":"' || { fail 'no word of what diverged'; cat wild/sweep.jsonl; }
grep -q 'The best is trial 2' out || fail 'what diverged is the best'

# ---- What it says to type is one word for a shell
cp abc.csv "it's.csv"
sweep quoted '{"recipe": "./small.json", "vary": {"data.name": ["./it'"'"'s.csv"]}}'
check 0 'The best is trial' "$H" sweep quoted.json --run quoted --no-report --set train.epochs=1
eval "set -- $(sed -n 's/.*or hadal train //p' out)"
[ "$*" = './small.json --set train.epochs=1 --set data.name="./it'"'"'s.csv"' ] || fail "to be typed: $*"

# ---- Refused before the first trial, by the line where it stands
wrong() {  # wrong WORDS TEXT [OPTION...]
  words=$1
  printf '%b' "$2" >wrong.json
  shift 2
  check 2 "$words" "$H" sweep wrong.json --run wrong "$@"
  [ -e wrong ] && { fail "a wrong call left a directory: $words"; rm -r wrong; }
}
start='{"recipe": "./small.json",\n "vary": {'
wrong 'wrong.json:2: sweep: unknown field "mesure"; did you mean "measure"?' '{"recipe": "./small.json", "vary": {"train.batch": [4]},\n"mesure": 1}'
wrong 'wrong.json:1: sweep: unknown method "gird"; did you mean "grid"?' '{"recipe": "xor", "method": "gird"}'
wrong 'sweep: recipe is missing' '{"vary": {"train.batch": [4]}}'
wrong 'sweep: vary is missing' '{"recipe": "xor"}'
wrong 'wrong.json:2: recipe: no recipe "xo"; did you mean "xor"?' '{\n"recipe": "xo", "vary": {"train.batch": [4]}}'
wrong 'wrong.json:2: vary: train.optimizer.adam.lrr=1: adam: unknown field "lrr"; did you mean "lr"?' "$start\"train.optimizer.adam.lrr\": [1]}}"
wrong 'wrong.json:2: vary: trian.batch=1: unknown field "trian"; did you mean "train"?' "$start\"trian.batch\": [1]}}"
wrong 'wrong.json:3: vary: train.batch=0: train: batch is 0, must be at least 1' "$start\"train.batch\": [4,\n0]}}"
wrong 'wrong.json:2: vary: train.optimizer={"sgd":{"lr":-1}}: sgd: lr is -1, must be at least 0' "$start\"train.optimizer\": [{\"sgd\": {\"lr\": -1}}]}}"
wrong 'trial 2, train.batch=900: ./small.json: train: batch is 900, larger than the 63 training samples' "$start\"train.batch\": [4, 900]}}"
wrong 'a grid needs a list of values' "$start\"train.batch\": {\"low\": 1, \"high\": 9}}}"
wrong 'give the range `whole: true`' "$start\"train.batch\": {\"low\": 1, \"high\": 9}}, \"method\": \"random\"}"
wrong 'low is 9, must be below high, 1' "$start\"train.batch\": {\"low\": 9, \"high\": 1}}, \"method\": \"random\"}"
wrong 'must be above 0 with `log: true`' "$start\"train.batch\": {\"high\": 1, \"log\": true}}, \"method\": \"random\"}"
wrong 'epochs are what halving deals out' "$start\"train.epochs\": [1, 2]}, \"method\": \"halving\"}"
wrong 'least is 8, must be below train.epochs of the recipe, 8' "$start\"train.batch\": [4]}, \"method\": \"halving\", \"halving\": {\"least\": 8}}"
wrong 'a sweep chooses on validation samples' "$start\"data.valid\": [0.3, 0]}}"
wrong 'must not choose by tests' "$start\"data.folds\": [0, 3]}}"
wrong 'there is no accuracy' '{"recipe": "./line.json", "measure": "valid.accuracy", "vary": {"train.batch": [4]}}'
wrong '--set train.batch=4: wrong.json:2 varies it' "$start\"train.batch\": [4]}}" --set train.batch=4
check 2 'no sweep "digts"; did you mean "digits"?' "$H" sweep digts
check 2 'a sweep chooses on validation samples' "$H" sweep digits --set data.valid=0
check 2 'a sweep chooses on validation samples' "$H" sweep recipes/sweeps/digits.json --set data.valid=0
check 2 'draw: exists already' "$H" sweep draw.json --run draw

# ---- Another sweep, or another recipe, does not go on
check 2 'draw cannot go on by other.json: seed was 1, now 2' "$H" sweep other.json --run draw --resume --set train.epochs=2
check 2 'draw cannot go on with ./small.json: train.epochs was 2, now 8' "$H" sweep draw.json --run draw --resume
sed -i.bak 's/"tanh"/"relu"/' small.json
check 2 'draw cannot go on with ./small.json and --set: model.1 was "tanh", now "relu"' "$H" sweep draw.json --run draw --resume --set train.epochs=2
mv small.json.bak small.json
check 2 'is the run of a single training' "$H" sweep draw.json --run straight --resume
check 0 'hadal sweep' "$H" sweep --help

[ $bad -eq 0 ] && echo "a sweep is every trial once, whatever happens"
exit $bad
