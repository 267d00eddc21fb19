# Medians and quartiles of what bench/run measured: a table to standard output, records to the file
# `json`. Lines: threads|case|program|round|mode|wall|cpu, and load|threads|round|load. One thread
# is judged by CPU time, which other processes disturb less; several by wall time.

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
# A series has a value a round. Sets median, q1 and q3; false when it has none.
function spread(series,   n, r) {
  n = 0
  for (r = 1; r <= rounds; r++) if ((series, r) in value) list[++n] = value[series, r]
  if (!n) return 0
  sort(list, n)
  median = at(list, n, 0.5); q1 = at(list, n, 0.25); q3 = at(list, n, 0.75)
  return n
}
# The series to = a / b * factor.
function divide(to, a, b, factor,   r) {
  for (r = 1; r <= rounds; r++)
    if (((a, r) in value) && ((b, r) in value))
      value[to, r] = value[a, r] / value[b, r] * factor
  return spread(to)
}
function best(k, program) { return "best" SUBSEP k SUBSEP program }
# Their best time over our best time, round by round.
function ratio(k, peer) {
  return divide("ratio" SUBSEP k SUBSEP peer, best(k, peer), best(k, "hadal"), 1)
}
function share(k, program) {  # of the FMA peak of the same round
  return divide("share" SUBSEP k SUBSEP program, best(1 SUBSEP "peak", "hadal"), best(k, program),
    operations(case_of[k]) / 1e9)
}
# Floating-point operations of a case. Taps outside the image are no operations.
function operations(text,   f, o, taps, i, j, place) {
  split(text, f, " ")
  if (f[1] == "product") return 2 * f[2] * f[3] * f[4]
  if (f[1] != "conv") return 0
  o = int((f[3] + 2 * f[8] - f[6]) / f[7]) + 1
  for (i = 0; i < o; i++)
    for (j = 0; j < f[6]; j++) {
      place = i * f[7] + j - f[8]
      taps += place >= 0 && place < f[3]
    }
  return 2 * f[2] * taps * taps * f[5] * f[4]
}
function title(text,   f) {
  split(text, f, " ")
  if (f[1] == "product") return f[2] " x " f[3] " x " f[4] " " f[5]
  if (f[1] != "conv") return text
  return sprintf("conv %d of %dx%dx%d, %d %dx%d%s, %s", f[2], f[3], f[3], f[4], f[5], f[6], f[6],
    f[7] > 1 ? "/" f[7] : "", f[9])
}
function duration(x) {
  if (x < 1e-3) return sprintf("%.4g us", x * 1e6)
  return x < 1 ? sprintf("%.4g ms", x * 1e3) : sprintf("%.4g s", x)
}

$1 == "load" { load[++loads] = $4 + 0; next }
{
  program = $3 == "step" || $3 == "kernel" ? "hadal" : $3
  k = $1 SUBSEP $2; who = k SUBSEP program
  if ($4 > rounds) rounds = $4 + 0
  if (!(k in case_of)) { case_of[k] = $2; threads_of[k] = $1 + 0; key[++keys] = k }
  if (!((who, $5) in seen)) { seen[who, $5] = 1; modes[who] = modes[who] " " $5 }
  if (program != "hadal" && !(program in known)) { known[program] = 1; peer[++peers] = program }
  if (!($1 in told)) { told[$1] = 1; sweep[++sweeps] = $1 + 0 }
  value["wall", who, $5, $4] = $6 + 0
  value["cpu", who, $5, $4] = $7 + 0
  x = ($1 == 1 ? $7 : $6) + 0
  if (!((best(k, program), $4) in value) || x < value[best(k, program), $4]) {
    value[best(k, program), $4] = x
    taken[who, $4] = $5
  }
}

# The mode of a program that was its fastest in most rounds.
function usual(who,   r, m, mode, n, i, most, found) {
  n = split(modes[who], mode, " ")
  for (i = 1; i <= n; i++) {
    m = 0
    for (r = 1; r <= rounds; r++) m += taken[who, r] == mode[i]
    if (m > most) { most = m; found = mode[i] }
  }
  return found
}
function clock(name, series) {
  spread(name SUBSEP series)
  return sprintf("\"%s\": %.4g, \"%s_q1\": %.4g, \"%s_q3\": %.4g", name, median, name, q1, name, q3)
}
function records(k, program,   n, i, who, mode, text) {
  who = k SUBSEP program
  text = sprintf("{\"threads\": %d, \"case\": \"%s\", \"program\": \"%s\"",
    threads_of[k], case_of[k], program)
  n = split(modes[who], mode, " ")
  for (i = 1; i <= n; i++)
    print text ", \"mode\": \"" mode[i] "\", " clock("wall", who SUBSEP mode[i]) ", " \
      clock("cpu", who SUBSEP mode[i]) "}" >json
  if (program != "hadal" && ratio(k, program))
    printf "%s, \"ratio\": %.4g, \"q1\": %.4g, \"q3\": %.4g}\n", text, median, q1, q3 >json
}
function training(t,   i, k, row) {
  printf "\n## Training, %d thread%s (%s time)\n\n", t, t == 1 ? "" : "s", t == 1 ? "CPU" : "wall"
  print "| case | Hadal | PyTorch, its best | which | PyTorch / Hadal (quartiles) |"
  print "|---|---:|---:|---|---:|"
  for (i = 1; i <= keys; i++) {
    k = key[i]
    if (threads_of[k] != t || case_of[k] !~ /^(step|epoch|train) /) continue
    if (!spread(best(k, "hadal"))) continue
    row = "| " case_of[k] " | " duration(median) " | "
    if (spread(best(k, "torch"))) {
      row = row duration(median) " | " usual(k SUBSEP "torch") " | "
      ratio(k, "torch")
      row = row sprintf("**%.2f** (%.2f, %.2f) |", median, q1, q3)
    } else row = row " | | |"
    print row
  }
}
function kernels(   i, j, k, row, most, fastest) {
  print "\n## Kernels, one thread: % of the FMA peak of the same round\n"
  row = "| case | Mflop | Hadal | "
  for (j = 1; j <= peers; j++) row = row peer[j] " | "
  print row "fastest peer's time / Hadal's (quartiles) |"
  row = "|---|---:|---:|"
  for (j = 1; j <= peers; j++) row = row "---:|"
  print row "---:|"
  for (i = 1; i <= keys; i++) {
    k = key[i]
    if (threads_of[k] != 1 || !operations(case_of[k]) || !share(k, "hadal")) continue
    row = sprintf("| %s | %.3g | %.0f | ", title(case_of[k]), operations(case_of[k]) / 1e6,
      100 * median)
    most = 0; fastest = ""
    for (j = 1; j <= peers; j++) {
      if (!share(k, peer[j])) { row = row " | "; continue }
      row = row sprintf("%.0f | ", 100 * median)
      if (median > most) { most = median; fastest = peer[j] }
    }
    if (fastest != "" && ratio(k, fastest))
      row = row sprintf("**%.2f** (%.2f, %.2f) %s", median, q1, q3, fastest)
    print row " |"
  }
}

END {
  sort(load, loads)
  gsub(/"/, "'", about)
  print "# What was measured\n\nWritten by bench/run; docs/performance.md has the method."
  print "A ratio above 1: Hadal is faster. " about ".\n"
  if (spread(best(1 SUBSEP "peak", "hadal")))
    printf "FMA peak of one core: %.0f GFLOP/s (quartiles %.0f, %.0f). ", 1 / median, 1 / q3, 1 / q1
  printf "%d rounds; load average %.1f to %.1f, median %.1f.\n", rounds, load[1], load[loads],
    at(load, loads, 0.5)
  printf "{\"about\": \"%s\", \"rounds\": %d, \"load\": %.2f}\n", about, rounds,
    at(load, loads, 0.5) >json
  for (i = 1; i <= keys; i++) {
    records(key[i], "hadal")
    for (j = 1; j <= peers; j++) records(key[i], peer[j])
  }
  for (i = 1; i <= sweeps; i++) training(sweep[i])
  kernels()
}
