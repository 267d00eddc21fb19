#!/bin/sh
# Every lecture in its short form, on whatever data is there: it must end, hold what must hold, and
# leave a picture where figures can be drawn. HADAL_LECTURES=N runs N of them in full as well, others
# every day.
set -u
hadal=${HADAL_COMMAND:-build/hadal}
[ -x "$hadal" ] || { echo "no $hadal"; exit 77; }
dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
bad=0
wrong() { echo "FAILED: $*"; bad=1; }

"$hadal" list lectures --json >"$dir/list" || wrong "list lectures --json"
ids=$(sed -n 's/.*"id": "\([^"]*\)".*/\1/p' "$dir/list")
[ -n "$ids" ] || wrong "no lectures"
# What the list promises: nothing is blank, and two minutes are enough.
grep -q '""' "$dir/list" && wrong "something in the list is blank"
sed -n 's/.*"seconds": \([0-9]*\).*/\1/p' "$dir/list" | while read -r s; do
  [ "$s" -ge 1 ] && [ "$s" -le 120 ] || echo "$s"
done | grep -q . && wrong "seconds outside 1 ... 120"
for id in $ids; do
  [ -f "src/lecture/$(echo "$id" | tr - _).c" ] || wrong "$id: not in its own file"
done

draws=1
for id in $ids; do
  if ! "$hadal" lecture "$id" --short --json --out "$dir/out" >"$dir/$id" 2>"$dir/err"; then
    wrong "lecture $id --short: $(cat "$dir/err" "$dir/$id")"
    continue
  fi
  grep -q '"finding":""' "$dir/$id" && wrong "$id: no finding"
  grep -q '"here":""\|"slide":""\|"numbers":\[\]' "$dir/$id" && wrong "$id: a blank number"
  if grep -q '"pictures":\[\]' "$dir/$id"; then draws=0; echo "$id: no picture"; fi
done
# Without cairo none has a picture; with it every one.
if ls "$dir"/out/* >/dev/null 2>&1 && [ $draws = 0 ]; then wrong "a lecture without a picture"; fi

"$hadal" lecture learnin-rate >/dev/null 2>"$dir/err" && wrong "an unknown lecture passes"
grep -q 'did you mean learning-rate' "$dir/err" || wrong "unknown lecture: $(cat "$dir/err")"
"$hadal" lecture --course ljubljanna >/dev/null 2>"$dir/err" && wrong "an unknown course passes"
grep -q 'did you mean ljubljana' "$dir/err" || wrong "unknown course: $(cat "$dir/err")"

# The rotating sample, in full: every count-th from a start that moves with the day.
n=${HADAL_LECTURES:-0}
count=$(echo "$ids" | wc -l)
day=$(($(date +%s) / 86400))
i=0
while [ "$i" -lt "$n" ] && [ "$i" -lt "$count" ]; do
  at=$(((day * n + i) % count + 1))
  id=$(echo "$ids" | sed -n "${at}p")
  echo "in full: $id"
  timeout 600 "$hadal" lecture "$id" --out "$dir/full" >"$dir/$id" 2>&1 ||
    wrong "lecture $id: $(cat "$dir/$id")"
  i=$((i + 1))
done
exit $bad
