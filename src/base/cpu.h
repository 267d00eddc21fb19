// What the processor can do, and what the host allows.
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base.h"

// Each includes those before it.
typedef enum hd_isa {
  HD_ISA_BASELINE = 0,
  HD_ISA_AVX2,
  HD_ISA_AVX512,
  HD_ISA_AVX512BF16,
  HD_ISA_AMX,  // bf16 on tiles; the operating system has to permit it
  HD_ISAS
} hd_isa;

// The best instruction set that the processor and operating system support and env->cpu allows.
// HD_E_ARGUMENT for an unknown env->cpu (lists the known), HD_E_UNSUPPORTED for one not present.
HD_NODISCARD hd_status hd_cpu_isa(const hd_env *env, hd_isa *to, hd_error *err);
const char *hd_isa_name(hd_isa isa);  // "baseline", "avx2", "avx512", "avx512bf16", "amx"
int hd_cpu_cores(void);               // cores this process may use: affinity and cgroup quota

// The same of a processor that has all sets up to `best`, where permit() says whether the operating
// system lets this process use AMX.
HD_NODISCARD hd_status hd_cpu_choose(hd_isa best, bool (*permit)(void), const char *wanted,
                                     hd_isa *to, hd_error *err);

// The least of `cores` and the quotas of the process' control group and those above it, version 1
// or 2, as the system's files say, read through io.
int64_t hd_cpu_group_cores(const hd_io *io, int64_t cores);

#endif
