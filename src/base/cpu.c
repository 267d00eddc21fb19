// What the processor can do, and how many cores the host leaves to this process.
#define _GNU_SOURCE
#include "cpu.h"

#include "file.h"

#include <sched.h>
#include <unistd.h>
#if defined(__linux__) && defined(__x86_64__)
#include <sys/syscall.h>
#endif
#if defined(__x86_64__)
#include <cpuid.h>
#endif

static const char *const names[HD_ISAS] = {"baseline", "avx2", "avx512", "avx512bf16", "amx"};

const char *hd_isa_name(hd_isa isa) { return (unsigned)isa < HD_ISAS ? names[isa] : "?"; }

#if defined(__x86_64__)
// AMX-TILE and AMX-BF16; not every compiler's __builtin_cpu_supports knows them.
static bool has_amx(void) {
  unsigned a, b, c, d;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d >> 24 & 1) && (d >> 22 & 1);
}
static hd_isa best_isa(void) {
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
  return bf16 && has_amx() ? HD_ISA_AMX
         : bf16            ? HD_ISA_AVX512BF16
         : avx512          ? HD_ISA_AVX512
         : avx2            ? HD_ISA_AVX2
                           : HD_ISA_BASELINE;
}
#else
static hd_isa best_isa(void) { return HD_ISA_BASELINE; }
#endif

// The tiles are eight kilobytes of state, which Linux makes room for when asked.
static bool permit_amx(void) {
#if defined(__linux__) && defined(__x86_64__)
  enum { REQUEST_PERMISSION = 0x1023, TILE_DATA = 18 };
  return syscall(SYS_arch_prctl, REQUEST_PERMISSION, TILE_DATA) == 0;
#else
  return false;
#endif
}

hd_status hd_cpu_choose(hd_isa best, bool (*permit)(void), const char *wanted, hd_isa *to,
                        hd_error *err) {
  if (!wanted) {
    *to = best == HD_ISA_AMX && !permit() ? HD_ISA_AVX512BF16 : best;
    return HD_OK;
  }
  for (int isa = 0; isa < HD_ISAS; isa++) {
    if (strcmp(wanted, names[isa]) != 0) continue;
    if (isa > (int)best)
      return hd_fail(err, HD_E_UNSUPPORTED, "cpu \"%s\": this processor offers \"%s\" at best",
                     wanted, names[best]);
    if (isa == HD_ISA_AMX && !permit())
      return hd_fail(err, HD_E_UNSUPPORTED,
                     "cpu \"amx\": the operating system does not let this process use it (Linux "
                     "does from 5.16 on); use \"%s\"",
                     names[HD_ISA_AVX512BF16]);
    return *to = (hd_isa)isa, HD_OK;
  }
  return hd_fail(err, HD_E_ARGUMENT,
                 "cpu \"%.40s%s\" is not known: use \"baseline\", \"avx2\", \"avx512\", "
                 "\"avx512bf16\" or \"amx\"",
                 wanted, strlen(wanted) > 40 ? "..." : "");
}

hd_status hd_cpu_isa(const hd_env *env, hd_isa *to, hd_error *err) {
  return hd_cpu_choose(best_isa(), permit_amx, env ? env->cpu : NULL, to, err);
}

// The start of a system file as text; false where it is absent.
static bool read_text(const hd_io *io, const char *path, char *to, size_t size) {
  int handle = io->open_read(io->user, path);
  if (handle < 0) return false;
  int64_t got = io->read(io->user, handle, to, size - 1);
  io->close(io->user, handle);
  to[got > 0 ? got : 0] = 0;
  return got > 0;
}

// Cores that "quota period" (in microseconds) amounts to, rounded up; 0: no limit ("max", -1).
static int64_t quota_cores(const char *text) {
  const char *end = text + strcspn(text, " \n"), *more = *end ? end + 1 : end;
  int64_t quota, period;
  if (!hd_parse_int(text, end, &quota) || quota <= 0) return 0;
  if (!hd_parse_int(more, more + strcspn(more, " \n"), &period) || period <= 0) return 0;
  return (quota - 1) / period + 1;
}

// The limit of one group, of version 2 or 1; 0: none.
static int64_t group_limit(const hd_io *io, bool second, const char *group, int length) {
  char path[4200], text[128];
  if (second) {
    hd_print(path, sizeof path, "/sys/fs/cgroup%.*s/cpu.max", length, group);
    return read_text(io, path, text, sizeof text) ? quota_cores(text) : 0;
  }
  hd_print(path, sizeof path, "/sys/fs/cgroup/cpu%.*s/cpu.cfs_quota_us", length, group);
  if (!read_text(io, path, text, sizeof text / 2)) return 0;
  size_t size = strcspn(text, "\n");
  text[size++] = ' ';
  hd_print(path, sizeof path, "/sys/fs/cgroup/cpu%.*s/cpu.cfs_period_us", length, group);
  return read_text(io, path, text + size, sizeof text / 2 - 1) ? quota_cores(text) : 0;
}

// Where the process is, from lines "number:controllers:/path"; version 2 has no controllers.
static const char *group_of(const char *lines, bool second, int *length) {
  for (const char *line = lines; *line; line += *line == '\n') {
    const char *end = line + strcspn(line, "\n"), *list = line + strcspn(line, ":\n");
    const char *path = list < end ? list + 1 + strcspn(list + 1, ":\n") : end;
    bool found = second && path == list + 1;
    for (const char *word = list; word < path && !second; word += strcspn(word, ",:\n"))
      if (strncmp(++word, "cpu", 3) == 0 && word[3] && strchr(",:", word[3])) found = true;
    if (found && path < end) return *length = (int)(end - path - 1), path + 1;
    line = end;
  }
  return *length = 0, "";
}

int64_t hd_cpu_group_cores(const hd_io *io, int64_t cores) {
  char lines[4096];
  if (!read_text(io, "/proc/self/cgroup", lines, sizeof lines)) lines[0] = 0;
  for (int version = 1; version <= 2; version++) {
    int length;
    const char *group = group_of(lines, version == 2, &length);
    for (int whole = length; length >= 0; length--) {  // the group and those above it
      if (length > 0 && length < whole && group[length] != '/') continue;
      int64_t limit = group_limit(io, version == 2, group, length);
      if (limit > 0) cores = HD_MIN(cores, limit);
    }
  }
  return cores;
}

int hd_cpu_cores(void) {
  int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  cores = hd_cpu_group_cores(hd_env_io(NULL), HD_MAX(cores, 1));
#endif
  return (int)HD_MAX(HD_MIN(cores, 1024), 1);
}
