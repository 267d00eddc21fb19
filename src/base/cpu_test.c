// The instruction set is the best that is there and allowed; the core count is at least one.
#define _GNU_SOURCE
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <sched.h>

#include "cpu.h"

static void the_best_allowed_set_is_chosen(void **state) {
  (void)state;
  hd_isa best = HD_ISAS, isa = HD_ISAS;
  assert_int_equal(hd_cpu_isa(NULL, &best, NULL), HD_OK);
  assert_in_range(best, HD_ISA_BASELINE, HD_ISA_AMX);
  for (int i = 0; i < HD_ISAS; i++) {
    hd_env env = {.cpu = hd_isa_name((hd_isa)i)};
    hd_error err = {.status = HD_OK};
    hd_status status = hd_cpu_isa(&env, &isa, &err);
    assert_int_equal(status, i <= (int)best ? HD_OK : HD_E_UNSUPPORTED);
    if (status == HD_OK) assert_int_equal(isa, i);
    if (status != HD_OK) assert_non_null(strstr(err.text, env.cpu));
  }
}

static void an_unknown_set_names_the_known(void **state) {
  (void)state;
  hd_env env = {.cpu = "neon"};
  hd_isa isa;
  hd_error err;
  assert_int_equal(hd_cpu_isa(&env, &isa, &err), HD_E_ARGUMENT);
  for (int i = 0; i < HD_ISAS; i++) assert_non_null(strstr(err.text, hd_isa_name((hd_isa)i)));
  assert_non_null(strstr(err.text, "neon"));
  assert_string_equal(hd_isa_name(HD_ISAS), "?");
  static char endless[5000];
  memset(endless, 'a', sizeof endless - 1);
  static const char *const others[] = {"AVX2", "avx", "avx1024", "avx512 ", "sse", "", endless};
  for (size_t k = 0; k < HD_COUNT(others); k++) {
    env.cpu = others[k];
    assert_int_equal(hd_cpu_isa(&env, &isa, &err), HD_E_ARGUMENT);
    for (int i = 0; i < HD_ISAS; i++) assert_non_null(strstr(err.text, hd_isa_name((hd_isa)i)));
  }
}

static int asked;
static bool granted(void) { return asked++, true; }
static bool denied(void) { return asked++, false; }

// AMX is asked for when it would be used, and only then; without it the next best serves, unless it
// was demanded.
static void amx_needs_permission(void **state) {
  (void)state;
  hd_isa isa = HD_ISAS;
  hd_error err = {.status = HD_OK};
  assert_int_equal(hd_cpu_choose(HD_ISA_AMX, granted, NULL, &isa, &err), HD_OK);
  assert_int_equal(isa, HD_ISA_AMX);
  assert_int_equal(hd_cpu_choose(HD_ISA_AMX, denied, NULL, &isa, &err), HD_OK);
  assert_int_equal(isa, HD_ISA_AVX512BF16);
  assert_int_equal(hd_cpu_choose(HD_ISA_AMX, granted, "amx", &isa, &err), HD_OK);
  assert_int_equal(isa, HD_ISA_AMX);
  assert_int_equal(asked, 3);
  assert_int_equal(hd_cpu_choose(HD_ISA_AMX, denied, "amx", &isa, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "operating system"));
  assert_non_null(strstr(err.text, "avx512bf16"));
  assert_int_equal(isa, HD_ISA_AMX);
  asked = 0;
  assert_int_equal(hd_cpu_choose(HD_ISA_AMX, denied, "avx2", &isa, &err), HD_OK);
  assert_int_equal(isa, HD_ISA_AVX2);
  assert_int_equal(hd_cpu_choose(HD_ISA_AVX512, denied, NULL, &isa, &err), HD_OK);
  assert_int_equal(isa, HD_ISA_AVX512);
  assert_int_equal(hd_cpu_choose(HD_ISA_AVX512, denied, "amx", &isa, &err), HD_E_UNSUPPORTED);
  assert_non_null(strstr(err.text, "\"avx512\" at best"));
  assert_int_equal(asked, 0);
}

static void cores_follow_the_affinity(void **state) {
  (void)state;
  int cores = hd_cpu_cores();
  assert_in_range(cores, 1, 1024);
  cpu_set_t before, one;
  assert_int_equal(sched_getaffinity(0, sizeof before, &before), 0);
  int first = 0;
  while (!CPU_ISSET(first, &before)) first++;
  CPU_ZERO(&one);
  CPU_SET(first, &one);
  assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
  int limited = hd_cpu_cores();
  sched_setaffinity(0, sizeof before, &before);
  assert_int_equal(limited, 1);
  assert_int_equal(hd_cpu_cores(), cores);
}

// ---- Control groups, from files that a host could have ------------------------------------------
typedef struct fake_file {
  const char *path, *text;
} fake_file;

static int fake_open(void *user, const char *path) {
  const fake_file *files = user;
  for (int i = 0; files[i].path; i++)
    if (!strcmp(files[i].path, path)) return i;
  return -2;
}
static int64_t fake_read(void *user, int handle, void *to, size_t bytes) {
  const char *text = ((const fake_file *)user)[handle].text;
  size_t size = HD_MIN(strlen(text), bytes);
  memcpy(to, text, size);
  return (int64_t)size;
}
static int fake_close(void *user, int handle) { return (void)user, (void)handle, 0; }

#define SELF "/proc/self/cgroup"
#define V2 "/sys/fs/cgroup"
#define V1 "/sys/fs/cgroup/cpu"
static const struct {
  int cores;  // of 8
  fake_file file[6];
} hosts[] = {
    {8, {{0}}},
    // Version 2: the root, a container's own root, a slice, the tightest of several.
    {8, {{SELF, "0::/\n"}, {V2 "/cpu.max", "max 100000\n"}}},
    {1, {{SELF, "0::/\n"}, {V2 "/cpu.max", "100000 100000\n"}}},
    {2, {{SELF, "0::/a.slice/b"}, {V2 "/a.slice/b/cpu.max", "150000 100000\n"}}},
    {3, {{SELF, "0::/a/b\n"}, {V2 "/a/b/cpu.max", "max 100000\n"}, {V2 "/a/cpu.max", "30 10\n"}}},
    {2,
     {{SELF, "0::/a/b\n"},
      {V2 "/a/b/cpu.max", "60 10"},
      {V2 "/a/cpu.max", "20 10"},
      {V2 "/cpu.max", "40 10"}}},
    {1, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "1000 100000\n"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/ab/cpu.max", "1000 100000\n"}}},
    // Version 1: a container's own root, a group that is named, both versions at once.
    {2, {{V1 "/cpu.cfs_quota_us", "200000\n"}, {V1 "/cpu.cfs_period_us", "100000\n"}}},
    {8, {{V1 "/cpu.cfs_quota_us", "-1\n"}, {V1 "/cpu.cfs_period_us", "100000\n"}}},
    {8, {{V1 "/cpu.cfs_quota_us", "200000\n"}}},
    {1,
     {{SELF, "9:name=systemd:/\n2:cpuacct:/x\n1:cpu:/job/one\n0::/\n"},
      {V1 "/job/one/cpu.cfs_quota_us", "100000\n"},
      {V1 "/job/one/cpu.cfs_period_us", "100000\n"}}},
    {4,
     {{SELF, "3:cpuset:/c\n1:cpuacct,cpu:/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "400000"},
      {V1 "/job/cpu.cfs_period_us", "100000"},
      {V1 "/c/cpu.cfs_quota_us", "100000"},
      {V1 "/c/cpu.cfs_period_us", "100000"}}},
    {3,
     {{SELF, "1:cpu:/job\n0::/job\n"},
      {V1 "/job/cpu.cfs_quota_us", "400000"},
      {V1 "/job/cpu.cfs_period_us", "100000"},
      {V2 "/job/cpu.max", "300000 100000"}}},
    // What no host should say.
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "0 100000"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "100000 0"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "100000"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "-5 -5"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", "99999999999999999999 1"}}},
    {8, {{SELF, "0::/a\n"}, {V2 "/a/cpu.max", ""}}},
    {8, {{SELF, "\n\n0:\n:\n::\nnothing"}}},
    {5, {{SELF, "::cpu\n0::"}, {V2 "/cpu.max", "5 1"}}},
};

static void cores_follow_the_control_group(void **state) {
  (void)state;
  for (size_t i = 0; i < HD_COUNT(hosts); i++) {
    hd_io io = {.user = (void *)hosts[i].file,
                .open_read = fake_open,
                .read = fake_read,
                .close = fake_close};
    int64_t got = hd_cpu_group_cores(&io, 8);
    if (got != hosts[i].cores)
      fail_msg("host %d: %d cores, not %d", (int)i, (int)got, hosts[i].cores);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(the_best_allowed_set_is_chosen),
      cmocka_unit_test(an_unknown_set_names_the_known),
      cmocka_unit_test(amx_needs_permission),
      cmocka_unit_test(cores_follow_the_affinity),
      cmocka_unit_test(cores_follow_the_control_group),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
