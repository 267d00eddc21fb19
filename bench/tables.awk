# The tables of bench/run, from what summary.awk has summed up.

function duration(x) {
  if (x < 1e-3) return sprintf("%.4g us", x * 1e6)
  return x < 1 ? sprintf("%.4g ms", x * 1e3) : sprintf("%.4g s", x)
}
# What the rows of a group are like; a case is named without what all of them have in common.
function words(text,   f, tail) {
  split(text, f, " ")
  if (f[1] == "product") return f[2] " x " f[3] " x " f[4] " " f[5]
  if (f[1] != "conv") { sub(/^(step|epoch|infer) /, "", text); return text }
  tail = groups_of(text) > 1 ? ", " groups_of(text) " groups" : ""
  return sprintf("%d of %dx%dx%d, %d %dx%d%s%s, %s", f[2], f[3], f[3], f[4], f[5], f[6], f[6],
    f[7] > 1 ? "/" f[7] : "", tail, f[9])
}
# Rows of a group and a number of threads: fills row[1 ..] with their keys.
function rows(g, t, row,   i, n) {
  for (i = 1; i <= keys; i++)
    if (group_of[case_of[key[i]]] == g && threads_of[key[i]] == t && \
        spread(best(key[i], "hadal"))) row[++n] = key[i]
  return n + 0
}
function has(row, n, program,   i) {
  for (i = 1; i <= n; i++) if (spread(best(row[i], program))) return 1
  return 0
}
# The geometric mean of the median ratios to a peer.
function mean(row, n, program,   i, sum, count) {
  for (i = 1; i <= n; i++) if (ratio(row[i], program)) { sum += log(median); count++ }
  return count ? sprintf("**%.2f**", exp(sum / count)) : ""
}
function cell(k, program) {
  return ratio(k, program) ? sprintf("**%.2f** (%.2f, %.2f)", median, q1, q3) : ""
}
function header(names,   n, list, i, line) {
  n = split(names, list, "|")
  line = "|---|"
  for (i = 2; i <= n; i++) line = line "---:|"
  gsub(/\|/, " | ", names)
  print "| " names " |\n" line
}
function called(program) {
  return program == "torch" ? "PyTorch" : program == "onednn" ? "oneDNN" : \
    program == "filtering" ? "oneDNN F(4x4, 3x3)" : program == "openblas" ? "OpenBLAS" : \
    program == "onnx" ? "ONNX Runtime" : program
}

# Steps, epochs, inference: times, and how much faster than each peer.
function times(g, t,   row, n, i, j, k, line, foot, plain, mixed, single) {
  n = rows(g, t, row)
  if (!n) return
  printf "\n## %s, %d thread%s\n\n", title[g], t, t == 1 ? "" : "s"
  for (i = 1; i <= n; i++) mixed = mixed || case_of[row[i]] ~ / bf16$/
  line = "case|Hadal"; foot = "| geometric mean | |"
  if (mixed) { line = line "|our f32 / bf16"; foot = foot " |" }
  if (t > 1) { line = line "|our 1 thread / " t; foot = foot " |" }
  for (j = 1; j <= peers; j++)
    if (has(row, n, peer[j])) {
      line = line "|" called(peer[j]) "|its best way|" called(peer[j]) " / Hadal (quartiles)"
      foot = foot " | | " mean(row, n, peer[j]) " |"
    }
  header(line)
  for (i = 1; i <= n; i++) {
    k = row[i]
    spread(best(k, "hadal"))
    line = "| " words(case_of[k]) " | " duration(median) " |"
    plain = k; sub(/ bf16$/, "", plain)
    if (mixed)
      line = line (divide("mixed" SUBSEP k, best(plain, "hadal"), best(k, "hadal"), 1) \
        ? sprintf(" %.2f |", median) : " |")
    single = 1 SUBSEP case_of[k]
    if (t > 1)
      line = line quotient(best(single, "hadal"), best(k, "hadal"), " %.2f |")
    for (j = 1; j <= peers; j++)
      if (has(row, n, peer[j]))
        line = line (spread(best(k, peer[j])) ? " " duration(median) " | " \
          usual(k SUBSEP peer[j]) " | " cell(k, peer[j]) " |" : " | | |")
    print line
  }
  print foot
}

# Products and convolutions on one thread.
function kernels(g,   row, n, i, j, k, line, foot) {
  n = rows(g, 1, row)
  if (!n) return
  printf "\n## %s, 1 thread\n\n", title[g]
  line = "case; % of the FMA peak|Mflop|Hadal|% of its limit|bound by"
  foot = "| geometric mean | | | | |"
  for (j = 1; j <= peers; j++)
    if (has(row, n, peer[j])) { line = line "|" called(peer[j]); foot = foot " |" }
  for (j = 1; j <= peers; j++)
    if (has(row, n, peer[j])) {
      line = line "|" called(peer[j]) " / Hadal"
      foot = foot " " mean(row, n, peer[j]) " |"
    }
  header(line)
  for (i = 1; i <= n; i++) {
    k = row[i]
    share(k, "hadal")
    line = sprintf("| %s | %.3g | %.0f |", words(case_of[k]), operations(case_of[k]) / 1e6,
      100 * median)
    line = line (limit(k, "hadal") ? sprintf(" %.0f | %s |", 100 * median, binds) : " | |")
    for (j = 1; j <= peers; j++)
      if (has(row, n, peer[j]))
        line = line (share(k, peer[j]) ? sprintf(" %.0f |", 100 * median) : " |")
    for (j = 1; j <= peers; j++)
      if (has(row, n, peer[j])) line = line " " cell(k, peer[j]) " |"
    print line
  }
  print foot
}

# Products and convolutions on several threads, ours alone.
function scaling(t,   i, k, one, any) {
  for (i = 1; i <= keys; i++) {
    k = key[i]; one = 1 SUBSEP case_of[k]
    if (threads_of[k] != t || !operations(case_of[k])) continue
    if (!any++) {
      printf "\n## Kernels, %d threads\n\n", t
      header("case|1 thread|" t " threads|times as fast")
    }
    printf "| %s%s | %s |", words(case_of[k]), case_of[k] ~ / bf16$/ ? " bf16" : "",
      spread(best(one, "hadal")) ? duration(median) : ""
    spread(best(k, "hadal"))
    printf " %s |", duration(median)
    print quotient(best(one, "hadal"), best(k, "hadal"), " **%.2f** |")
  }
}

# Of medians: numbers of threads are measured one after the other, not in the same round.
function quotient(a, b, form,   x) {
  x = spread(a) ? median : 0
  return x && spread(b) ? sprintf(form, x / median) : " |"
}
function peak_line(name, text, unit) {
  if (spread(peak(name)))
    printf "- %s: %.0f %s (quartiles %.0f, %.0f)\n", text, 1 / median, unit, 1 / q3, 1 / q1
}
function tables(   i, j) {
  print "# What was measured\n\nWritten by bench/run; docs/performance.md has the method."
  print "A ratio above 1: Hadal is faster. " about ".\n"
  printf "%d rounds; load average %.1f to %.1f, median %.1f. The limits of one core:\n\n", rounds,
    load[1], load[loads], at(load, loads, 0.5)
  peak_line("", "f32 multiply-adds", "GFLOP/s")
  peak_line(" bf16", "bf16 dot products, AVX-512", "GFLOP/s")
  peak_line(" amx", "bf16 tiles, AMX", "GFLOP/s")
  peak_line(" read 0.5", "reading 0.5 MB again and again", "GB/s")
  peak_line(" read 8", "reading 8 MB", "GB/s")
  peak_line(" read 24", "reading 24 MB", "GB/s")
  peak_line(" read 250", "reading 250 MB", "GB/s")
  peak_line(" copy", "copying 250 MB, bytes read and written", "GB/s")
  if (spread(best(2 SUBSEP "peak line", "hadal")))
    printf "- a cache line from one core to another and back: %.0f ns (quartiles %.0f, %.0f)\n",
      median * 1e6, q1 * 1e6, q3 * 1e6
  print "\nAn answer lies between two looks at what the host gives: multiply-adds alone, on each thread"
  printf "at once, came within 20 %% of the fastest such look%s.\n",
    poor ? sprintf(" (but for %d answers, when the time to wait for that was over)", poor) : ""
  print "\n\"% of its limit\": the time that arithmetic or memory alone would take, whichever is"
  print "longer, over the time taken. Each operand is read or written once, as f32, at the speed of"
  print "the smallest size above that holds them all. \"bf16\": % of the f32 peak too."
  for (i = 1; i <= groups; i++)
    for (j = 1; j <= sweeps; j++)
      if (group_kind(group[i]) == "times") times(group[i], sweep[j])
  for (i = 1; i <= groups; i++) if (group_kind(group[i]) == "kernels") kernels(group[i])
  for (j = 1; j <= sweeps; j++) if (sweep[j] > 1) scaling(sweep[j])
}
function group_kind(g,   text) {
  for (text in group_of)
    if (group_of[text] == g) return operations(text) ? "kernels" : "times"
}
