// What the processor can do, and how many cores the host leaves to this process.
#define _GNU_SOURCE
#include "cpu.h"

#include "file.h"

#include <sched.h>
#include <unistd.h>

static const char *const names[HD_ISAS] = {"baseline", "avx2", "avx512"};

const char *hd_isa_name(hd_isa isa) { return (unsigned)isa < HD_ISAS ? names[isa] : "?"; }

static hd_isa best_isa(void) {
#if defined(__x86_64__)
  __builtin_cpu_init();
  bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi2");
  bool avx512 = avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
                __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
  return avx512 ? HD_ISA_AVX512 : avx2 ? HD_ISA_AVX2 : HD_ISA_BASELINE;
#else
  return HD_ISA_BASELINE;
#endif
}

hd_status hd_cpu_isa(const hd_env *env, hd_isa *to, hd_error *err) {
  hd_isa best = best_isa();
  const char *wanted = env ? env->cpu : NULL;
  if (!wanted) return *to = best, HD_OK;
  for (int isa = 0; isa < HD_ISAS; isa++) {
    if (strcmp(wanted, names[isa]) != 0) continue;
    if (isa > (int)best)
      return hd_fail(err, HD_E_UNSUPPORTED, "cpu \"%s\": this processor offers \"%s\" at best",
                     wanted, names[best]);
    return *to = (hd_isa)isa, HD_OK;
  }
  return hd_fail(err, HD_E_ARGUMENT,
                 "cpu \"%s\" is not known: use \"baseline\", \"avx2\" or \"avx512\"", wanted);
}

#if defined(__linux__)
// The start of a system file as text; false where it is absent.
static bool read_text(const char *path, char *to, size_t size) {
  const hd_io *io = hd_env_io(NULL);
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

// The least limit of the process' control group (version 2) and those above it.
static int64_t group_cores(int64_t cores) {
  char groups[4096], path[4200], text[128];
  const char *group = "";
  if (read_text("/proc/self/cgroup", groups, sizeof groups)) {
    char *line = strncmp(groups, "0::/", 4) == 0 ? groups : strstr(groups, "\n0::/");
    if (line) {
      line += line == groups ? 3 : 4;
      line[strcspn(line, "\n")] = 0;
      group = line;
    }
  }
  for (size_t length = strlen(group);; length--) {
    if (length > 0 && group[length] != '/' && group[length] != 0) continue;
    hd_print(path, sizeof path, "/sys/fs/cgroup%.*s/cpu.max", (int)length, group);
    int64_t limit = read_text(path, text, sizeof text) ? quota_cores(text) : 0;
    if (limit > 0) cores = HD_MIN(cores, limit);
    if (length == 0) return cores;
  }
}

static int64_t group_cores_v1(int64_t cores) {
  char text[128];
  if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", text, sizeof text / 2)) return cores;
  size_t length = strcspn(text, "\n");
  text[length] = ' ';
  if (!read_text("/sys/fs/cgroup/cpu/cpu.cfs_period_us", text + length + 1, sizeof text / 2 - 1))
    return cores;
  int64_t limit = quota_cores(text);
  return limit > 0 ? HD_MIN(cores, limit) : cores;
}
#endif

int hd_cpu_cores(void) {
  int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0) cores = CPU_COUNT(&set);
  cores = group_cores_v1(group_cores(HD_MAX(cores, 1)));
#endif
  return (int)HD_MAX(HD_MIN(cores, 1024), 1);
}
