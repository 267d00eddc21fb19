#!/bin/sh
# The page of a run and its TensorBoard events, as hadal train and hadal report write them: after a
# run that finished, one that diverged and one that was interrupted.
H=$HADAL_COMMAND
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
cd "$dir" || exit 1
ln -s "$HADAL_SOURCE/recipes" recipes
ln -s "$HADAL_SOURCE/data" data
bad=0
fail() { echo "FAILED: $*"; bad=1; }
holds() {  # holds FILE WORDS...
  file=$1
  shift
  for words in "$@"; do grep -qF -- "$words" "$file" || fail "$file lacks: $words"; done
}

"$H" train recipes/xor.json --run xor >out 2>err || { cat err; exit 1; }
if grep -q libcairo2-dev out; then
  echo "skip: this build has no cairo"
  exit 77
fi
holds out 'What it did: xor/report.html'
holds xor/report.html finished 'Training accuracy' 'The plane of the inputs' 'Confusion matrix' dense_1 \
  tanh_1 'var(--blue,#0072b2)' 'Learning rate' 'Gradients'
head -n 1 xor/metrics.jsonl | grep -q '"lr":0.05,"norms":{"dense_1":{"activation":0\.[0-9]*,"gradient":0\.[0-9]*,"weight":[0-9.]*},"dense_2":{' ||
  fail 'no norms in the epoch line'
cp xor/report.html before.html
"$H" report xor >out || fail 'hadal report'
holds out xor/report.html
cmp -s before.html xor/report.html || fail 'hadal report draws another page than hadal train'

"$H" train recipes/digits.json --set train.epochs=2 --run digits --quiet || fail 'digits'
holds digits/report.html 'Filters of conv2d_1, 3 x 3' 'Taken for another class' 'data:image/png;base64,' \
  '<h2>Test</h2>' validation
rm digits/model.safetensors
"$H" report digits >out || fail 'a run without a final model'
holds digits/report.html 'There is no model.safetensors; the weights are those of best.safetensors.'
rm digits/best.safetensors digits/manifest.json
"$H" report digits 2>err && fail 'a folder that is no run'
holds err 'no run directory'

"$H" train recipes/digits.json --set train.optimizer.sgd.lr=80 --run wild --quiet 2>err && fail 'it did not diverge'
holds wild/report.html diverged 'the loss is not finite'
tail -n 1 wild/metrics.jsonl | grep -q '^{"stopped":"diverged","message":"' || fail 'how the run ended'

"$H" train recipes/digits.json --set train.checkpoint_steps=20 --run parts --quiet 2>err &
pid=$!
tries=0
while [ ! -s parts/metrics.jsonl ] && [ $tries -lt 300 ]; do sleep 0.02; tries=$((tries + 1)); done
kill -INT $pid
wait $pid
if [ $? -eq 130 ]; then
  holds parts/report.html interrupted
  "$H" train recipes/digits.json --set train.epochs=3 --run parts --resume --quiet || fail 'resuming'
  grep -q stopped parts/metrics.jsonl && fail 'a resumed run still looks interrupted'
  holds parts/report.html finished
fi

"$H" train recipes/xor.json --run none --no-report --quiet
[ ! -e none/report.html ] || fail '--no-report'

if command -v xmllint >/dev/null 2>&1; then
  xmllint --noout --nonet xor/report.html digits/report.html wild/report.html parts/report.html || bad=1
else
  echo "skip: well-formedness by a second parser (apt install libxml2-utils)"
fi
grep -lE '<script|(src|href)="https?:' xor/report.html digits/report.html && fail 'the page needs something else'
for run in xor digits parts; do
  size=$(wc -c <$run/events.out.tfevents.hadal)
  [ "$size" -gt 500 ] || fail "$run has $size bytes of events"
done
[ $bad -eq 0 ] && echo "pages and events are there"
exit $bad
