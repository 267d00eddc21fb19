# Medians and quartiles of what bench/run measured: a table to standard output, records to the file
# `json`. Lines: threads|case|program|round|mode|wall|cpu, and load|threads|round|load. One thread is
# judged by CPU time, which other processes hardly disturb; several by wall time.

function sort(list, n,   i, j, x) {
  for (i = 2; i <= n; i++) {
    x = list[i]
    for (j = i; j > 1 && list[j - 1] > x; j--) list[j] = list[j - 1]
    list[j] = x
  }
}
function at(list, n, share,   place, low) {
  place = 1 + (n - 1) * share; low = int(place)
  return low >= n ? list[n] : list[low] + (place - low) * (list[low + 1] - list[low])
}
# Of the values of a series over all rounds: median, q1, q3.
function spread(series,   n, r) {
  n = 0
  for (r = 1; r <= rounds; r++) if ((series, r) in value) list[++n] = value[series, r]
  if (!n) return 0
  sort(list, n)
  median = at(list, n, 0.5); q1 = at(list, n, 0.25); q3 = at(list, n, 0.75)
  return n
}
function note(series, round, x) { value[series, round] = x + 0 }
# Floating-point operations of a case as the formula has them, taps outside the image included.
function operations(text,   f, o) {
  split(text, f, " ")
  if (f[1] == "product") return 2 * f[2] * f[3] * f[4]
  if (f[1] != "conv") return 0
  o = int((f[3] + 2 * f[8] - f[6]) / f[7]) + 1
  return 2 * f[2] * o * o * f[5] * f[4] * f[6] * f[6]
}
function time(x) { return x < 1e-3 ? sprintf("%.4g us", x * 1e6) : sprintf("%.4g ms", x * 1e3) }

$1 == "load" { load[++loads] = $4 + 0; next }
{
  program = $3 == "step" || $3 == "kernel" ? "hadal" : $3
  who = $1 SUBSEP $2 SUBSEP program
  if ($4 > rounds) rounds = $4 + 0
  if (!(($1, $2) in seen)) { seen[$1, $2] = 1; key[++keys] = $1 SUBSEP $2 }
  if (!((who, $5) in seen)) { seen[who, $5] = 1; modes[who] = modes[who] " " $5 }
  if (program != "hadal" && !(program in known)) { known[program] = 1; peer[++peers] = program }
  note("wall" SUBSEP who SUBSEP $5, $4, $6)
  note("cpu" SUBSEP who SUBSEP $5, $4, $7)
  x = $1 == 1 ? $7 : $6
  best = "best" SUBSEP who
  if (!((best, $4) in value) || x < value[best, $4]) { note(best, $4, x); taken[who, $4] = $5 }
}

# The mode of a program that was its fastest in most rounds.
function usual(who,   r, m, list_, n, i, most) {
  n = split(modes[who], list_, " ")
  for (i = 1; i <= n; i++) {
    m = 0
    for (r = 1; r <= rounds; r++) m += taken[who, r] == list_[i]
    if (m > most) { most = m; name = list_[i] }
  }
  return name
}
function write_records(who, text,   n, i, m, list_) {
  n = split(modes[who], list_, " ")
  for (i = 1; i <= n; i++) {
    m = who SUBSEP list_[i]
    printf "{%s, \"mode\": \"%s\"", text, list_[i] >json
    if (spread("wall" SUBSEP m)) printf ", \"wall\": %.6g, \"wall_q1\": %.6g, \"wall_q3\": %.6g", median, q1, q3 >json
    if (spread("cpu" SUBSEP m)) printf ", \"cpu\": %.6g, \"cpu_q1\": %.6g, \"cpu_q3\": %.6g", median, q1, q3 >json
    print "}" >json
  }
}
# Their best time over our time, round by round, into the series "ratio".
function compare(t, c, p,   r, ours, theirs) {
  for (r = 1; r <= rounds; r++) {
    ours = "best" SUBSEP t SUBSEP c SUBSEP "hadal" SUBSEP r
    theirs = "best" SUBSEP t SUBSEP c SUBSEP p SUBSEP r
    if ((ours in value) && (theirs in value)) note("ratio" SUBSEP t SUBSEP c SUBSEP p, r, value[theirs] / value[ours])
  }
  return spread("ratio" SUBSEP t SUBSEP c SUBSEP p)
}
function share(t, c, p,   r, one, limit) {  # of the FMA peak of the same round
  for (r = 1; r <= rounds; r++) {
    one = "best" SUBSEP t SUBSEP c SUBSEP p SUBSEP r
    limit = "best" SUBSEP t SUBSEP "peak" SUBSEP "hadal" SUBSEP r
    if ((one in value) && (limit in value))
      note("share" SUBSEP t SUBSEP c SUBSEP p, r, operations(c) / 1e9 * value[limit] / value[one])
  }
  return spread("share" SUBSEP t SUBSEP c SUBSEP p)
}
function steps(t,   i, f, c, row, who) {
  printf "\n## Training, %s thread%s (%s time)\n\n", t, t == 1 ? "" : "s", t == 1 ? "CPU" : "wall"
  print "| case | Hadal | PyTorch, its best | which | PyTorch / Hadal (quartiles) |"
  print "|---|---:|---:|---|---:|"
  for (i = 1; i <= keys; i++) {
    split(key[i], f, SUBSEP); c = f[2]
    if (f[1] != t || c !~ /^(step|epoch) /) continue
    who = key[i] SUBSEP
    if (!spread("best" SUBSEP who "hadal")) continue
    row = "| " c " | " time(median) " | "
    if (spread("best" SUBSEP who "torch")) {
      row = row time(median) " | " usual(who "torch") " | "
      compare(t, c, "torch")
      row = row sprintf("**%.2f** (%.2f, %.2f) |", median, q1, q3)
    } else row = row " | | |"
    print row
  }
}
function kernels(t,   i, j, f, c, row, best, p, times) {
  printf "\n## Kernels, one thread (%% of the FMA peak of the same round)\n\n"
  row = "| case | Gflop | Hadal | "
  for (j = 1; j <= peers; j++) row = row peer[j] " | "
  print row "fastest peer / Hadal, time (quartiles) |"
  row = "|---|---:|---:|"
  for (j = 1; j <= peers; j++) row = row "---:|"
  print row "---:|"
  for (i = 1; i <= keys; i++) {
    split(key[i], f, SUBSEP); c = f[2]
    if (f[1] != t || !operations(c) || !share(t, c, "hadal")) continue
    row = sprintf("| %s | %.3g | %.0f %% | ", c, operations(c) / 1e9, 100 * median)
    best = 0; p = ""
    for (j = 1; j <= peers; j++) {
      if (!share(t, c, peer[j])) { row = row " | "; continue }
      row = row sprintf("%.0f %% | ", 100 * median)
      if (median > best) { best = median; p = peer[j] }
    }
    if (p != "") { compare(t, c, p); row = row sprintf("**%.2f** (%.2f, %.2f) %s |", median, q1, q3, p) }
    else row = row " |"
    print row
  }
}

END {
  print "# What was measured"
  print "\nWritten by bench/run; the method is in docs/performance.md. A ratio above 1: Hadal is faster.\n\n" about "."
  if (spread("best" SUBSEP 1 SUBSEP "peak" SUBSEP "hadal"))
    printf "FMA peak of one core %.0f GFLOP/s (quartiles %.0f, %.0f). ", 1 / median, 1 / q3, 1 / q1
  sort(load, loads)
  printf "%d rounds; load average %.1f to %.1f, median %.1f.\n", rounds, load[1], load[loads], at(load, loads, 0.5)
  gsub(/"/, "'", about)
  printf "{\"about\": \"%s\", \"rounds\": %d, \"load\": %.2f}\n", about, rounds, at(load, loads, 0.5) >json
  for (i = 1; i <= keys; i++) {
    split(key[i], f, SUBSEP)
    write_records(key[i] SUBSEP "hadal", sprintf("\"threads\": %d, \"case\": \"%s\", \"program\": \"hadal\"", f[1], f[2]))
    for (j = 1; j <= peers; j++) {
      text = sprintf("\"threads\": %d, \"case\": \"%s\", \"program\": \"%s\"", f[1], f[2], peer[j])
      write_records(key[i] SUBSEP peer[j], text)
      if (compare(f[1], f[2], peer[j]))
        printf "{%s, \"ratio\": %.4g, \"q1\": %.4g, \"q3\": %.4g}\n", text, median, q1, q3 >json
    }
    if (!(f[1] in told)) { told[f[1]] = 1; thread[++counts] = f[1] }
  }
  for (i = 1; i <= counts; i++) steps(thread[i])
  kernels(1)
}
