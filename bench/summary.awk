# What bench/run measured, as medians and quartiles: records to the file `json`, tables (tables.awk)
# to standard output. Lines: threads|case|program|round|mode|wall|cpu; load|threads|round|load;
# poor|threads|case|program: an answer that had to be taken when the machine was not well;
# group|case|group|title. One thread is judged by CPU time, which other processes disturb less;
# several by wall time.

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
# Their best time over our best time, round by round. Packing is counted alike: oneDNN's "any" has
# it outside, so it meets our time with b packed before, where there is such a form; the less
# favourable of its two modes counts.
function ratio(k, peer) {
  if (peer == "onednn") return like(k)
  if (peer == "filtering") return filtering(k)
  return divide("ratio" SUBSEP k SUBSEP peer, best(k, peer), best(k, "hadal"), 1)
}
function like(k,   r, clock, theirs, ours, any, plain) {
  clock = threads_of[k] == 1 ? "cpu" : "wall"
  for (r = 1; r <= rounds; r++) {
    if (!((best(k, "hadal"), r) in value)) continue
    ours = value[best(k, "hadal"), r]
    theirs = clock SUBSEP k SUBSEP "onednn" SUBSEP
    plain = ((theirs "plain", r) in value) ? value[theirs "plain", r] / ours : 0
    any = ((theirs "any", r) in value) ? value[theirs "any", r] : 0
    if ((clock, k, "hadal", "kept", r) in value) ours = value[clock, k, "hadal", "kept", r]
    any /= ours
    if (plain || any) value["like", k, r] = !plain || (any && any < plain) ? any : plain
  }
  return spread("like" SUBSEP k)
}
# oneDNN's minimal filtering by larger tiles, 4x4 outputs, with packing outside, counts apart: it is
# less accurate than the sum as it stands, which its other modes and PyTorch do.
function filtering(k,   ours) {
  ours = "cpu" SUBSEP k SUBSEP "hadal" SUBSEP "kept"
  return divide("ratio" SUBSEP k SUBSEP "filtering", best(k, "filtering"), \
    spread(ours) ? ours : best(k, "hadal"), 1)
}
function peak(name) { return best(1 SUBSEP ("peak" name), "hadal") }
function share(k, program) {  # of the FMA peak of the same round
  return divide("share" SUBSEP k SUBSEP program, peak(""), best(k, program),
    operations(case_of[k]) / 1e9)
}
# The least time that the arithmetic or the memory of the machine allows, over the time taken, round
# by round. Operands are read from the smallest cache that was measured and holds them all. Sets
# binds: "arithmetic" or "memory".
function limit(k, program,   r, n, i, flop, bytes, name, names, x, low, most) {
  flop = operations(case_of[k]) / 1e9; bytes = traffic(case_of[k]) / 1e9
  name = bytes < 0.5e-3 ? " read 0.5" : bytes < 8e-3 ? " read 8" : \
    bytes < 24e-3 ? " read 24" : " read 250"
  n = split(case_of[k] ~ / bf16$/ ? ", bf16, amx" : "", names, ",")
  if (!n) { n = 1; names[1] = "" }
  for (r = 1; r <= rounds; r++) {
    if (!((peak(name), r) in value && (best(k, program), r) in value)) continue
    low = 0
    for (i = 1; i <= n; i++) {
      x = value[peak(names[i]), r]
      if (x && (!low || x < low)) low = x
    }
    most = bytes * value[peak(name), r]
    binds = flop * low > most ? "arithmetic" : "memory"
    if (flop * low > most) most = flop * low
    value["limit", k, program, r] = most / value[best(k, program), r]
  }
  return spread("limit" SUBSEP k SUBSEP program)
}
# Floating-point operations of a case, per thread that does them. Taps outside the image are no
# operations.
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
  return 2 * f[2] * taps * taps * f[5] * f[4] / groups_of(text)
}
function groups_of(text) { return match(text, / g[0-9]+/) ? substr(text, RSTART + 2) + 0 : 1 }
# Bytes that a case has to read and write, all f32; pixels that a stride steps over are not read.
function traffic(text,   f, o, seen) {
  split(text, f, " ")
  if (f[1] == "product") return 4 * (f[2] * f[4] + f[4] * f[3] + f[2] * f[3])
  if (f[1] != "conv") return 0
  o = int((f[3] + 2 * f[8] - f[6]) / f[7]) + 1
  seen = f[7] > f[6] && f[9] != "input" ? o : f[3]
  return 4 * (f[2] * seen * seen * f[4] + f[6] * f[6] * f[4] / groups_of(text) * f[5] \
    + f[2] * o * o * f[5])
}

$1 == "load" { load[++loads] = $4 + 0; next }
$1 == "poor" { poor++; next }
$1 == "group" {
  group_of[$2] = $3
  if (!($3 in title)) { title[$3] = $4; group[++groups] = $3 }
  next
}
{
  program = $3 == "step" || $3 == "kernel" ? "hadal" : $5 == "winograd" ? "filtering" : $3
  k = $1 SUBSEP $2; who = k SUBSEP program
  if ($4 > rounds) rounds = $4 + 0
  if (!(k in case_of)) { case_of[k] = $2; threads_of[k] = $1 + 0; key[++keys] = k }
  if (!((who, $5) in seen)) { seen[who, $5] = 1; modes[who] = modes[who] " " $5 }
  if (program != "hadal" && !(program in known)) { known[program] = 1; peer[++peers] = program }
  if (!($1 in told)) { told[$1] = 1; sweep[++sweeps] = $1 + 0 }
  value["wall", who, $5, $4] = $6 + 0
  value["cpu", who, $5, $4] = $7 + 0
  x = ($1 == 1 ? $7 : $6) + 0
  if ($5 == "kept") next  # told apart: see like()
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
  if (case_of[k] in group_of) text = text ", \"group\": \"" group_of[case_of[k]] "\""
  if (operations(case_of[k]))
    text = text sprintf(", \"flop\": %.6g, \"bytes\": %.6g", operations(case_of[k]),
      traffic(case_of[k]))
  n = split(modes[who], mode, " ")
  for (i = 1; i <= n; i++)
    print text ", \"mode\": \"" mode[i] "\", " clock("wall", who SUBSEP mode[i]) ", " \
      clock("cpu", who SUBSEP mode[i]) "}" >json
  if (program != "hadal" && ratio(k, program))
    printf "%s, \"ratio\": %.4g, \"q1\": %.4g, \"q3\": %.4g}\n", text, median, q1, q3 >json
}
END {
  sort(load, loads)
  gsub(/"/, "'", about)
  printf "{\"about\": \"%s\", \"rounds\": %d, \"load\": %.2f}\n", about, rounds,
    at(load, loads, 0.5) >json
  for (i = 1; i <= keys; i++) {
    records(key[i], "hadal")
    for (j = 1; j <= peers; j++) records(key[i], peer[j])
  }
  tables()
}
