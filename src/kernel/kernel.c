// The tables, chosen at run time.
#include "kernel.h"

extern const hd_kernels hd_kernels_baseline, hd_kernels_avx2, hd_kernels_avx512,
    hd_kernels_avx512bf16, hd_kernels_amx;

const hd_kernels *hd_kernels_of(hd_isa isa) {
#if defined(__x86_64__) && defined(__GNUC__)
  if (isa == HD_ISA_AMX) return &hd_kernels_amx;
  if (isa == HD_ISA_AVX512BF16) return &hd_kernels_avx512bf16;
  if (isa == HD_ISA_AVX512) return &hd_kernels_avx512;
  if (isa == HD_ISA_AVX2) return &hd_kernels_avx2;
#endif
  (void)isa;
  return &hd_kernels_baseline;
}
