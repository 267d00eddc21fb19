// What the processor can do, and what the host allows.
#ifndef BASE_CPU_H
#define BASE_CPU_H

#include "base.h"

typedef enum hd_isa { HD_ISA_BASELINE = 0, HD_ISA_AVX2, HD_ISA_AVX512, HD_ISAS } hd_isa;

// The best instruction set that the processor and operating system support and env->cpu allows.
// HD_E_ARGUMENT for an unknown env->cpu (lists the known), HD_E_UNSUPPORTED for one not present.
HD_NODISCARD hd_status hd_cpu_isa(const hd_env *env, hd_isa *to, hd_error *err);
const char *hd_isa_name(hd_isa isa);  // "baseline", "avx2", "avx512"
int hd_cpu_cores(void);               // cores this process may use: affinity and cgroup quota

#endif
