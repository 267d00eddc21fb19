// Numbers from text, correctly rounded and free of the locale.
#include "base.h"

#include <math.h>

// ---- Large integers -----------------------------------------------------------------------------
// Little endian words. The longest is 800 digits or 10^1190, below 2^4000, and a few bits of room.
enum { WORDS = 140, DIGITS = 800 };
typedef struct large {
  int count;
  uint32_t word[WORDS];
} large;

static void large_multiply_add(large *x, uint32_t by, uint32_t plus) {
  uint64_t carry = plus;
  for (int i = 0; i < x->count; i++) {
    carry += (uint64_t)x->word[i] * by;
    x->word[i] = (uint32_t)carry;
    carry >>= 32;
  }
  if (carry && x->count < WORDS) x->word[x->count++] = (uint32_t)carry;
}

static void large_scale_ten(large *x, int64_t power) {
  for (; power >= 9; power -= 9) large_multiply_add(x, 1000000000, 0);
  for (; power > 0; power--) large_multiply_add(x, 10, 0);
}

static int large_bits(const large *x) {
  return x->count ? 32 * x->count - __builtin_clz(x->word[x->count - 1]) : 0;
}

static void large_shift(large *x, int bits) {
  int words = bits / 32;
  if (words > 0 && x->count + words <= WORDS) {
    memmove(x->word + words, x->word, (size_t)x->count * sizeof *x->word);
    memset(x->word, 0, (size_t)words * sizeof *x->word);
    x->count += words;
  }
  if (bits % 32) large_multiply_add(x, (uint32_t)1 << bits % 32, 0);
}

static int large_compare(const large *a, const large *b) {
  if (a->count != b->count) return a->count < b->count ? -1 : 1;
  for (int i = a->count - 1; i >= 0; i--)
    if (a->word[i] != b->word[i]) return a->word[i] < b->word[i] ? -1 : 1;
  return 0;
}

static void large_subtract(large *a, const large *b) {  // a >= b
  int64_t borrow = 0;
  for (int i = 0; i < a->count; i++) {
    borrow += (int64_t)a->word[i] - (i < b->count ? b->word[i] : 0);
    a->word[i] = (uint32_t)borrow;
    borrow >>= 32;
  }
  while (a->count && a->word[a->count - 1] == 0) a->count--;
}

// ---- Rounding -----------------------------------------------------------------------------------

// The double nearest to q * 2^exponent (more: a bit beyond q is set); q has 63 or 64 bits. Ties go
// to even; below the normal range fewer bits are kept.
static double round_to_double(uint64_t q, bool more, int exponent) {
  int bits = 64 - __builtin_clzll(q), top = exponent + bits - 1;  // 2^top <= value < 2^(top+1)
  if (top > 1023) return INFINITY;
  int keep = top >= -1022 ? 53 : 53 + 1022 + top;
  if (keep < 0) return 0;
  int drop = bits - keep;
  uint64_t kept = drop < 64 ? q >> drop : 0;
  uint64_t rest = drop < 64 ? q - (kept << drop) : q, half = (uint64_t)1 << (drop - 1);
  kept += rest > half || (rest == half && (more || (kept & 1)));
  // A carry out of the 53 bits moves into the exponent by itself.
  uint64_t pattern = kept + (top >= -1022 ? (uint64_t)(top + 1022) << 52 : 0);
  double value;
  memcpy(&value, &pattern, sizeof value);
  return value;
}

// digits * 10^power by long division in binary: 64 bits of the quotient and whether any remain.
static double divide(large *top, int64_t power) {
  large bottom = {.count = 1, .word = {1}};
  large_scale_ten(power >= 0 ? top : &bottom, power >= 0 ? power : -power);
  int shift = large_bits(&bottom) - large_bits(top);
  large_shift(shift > 0 ? top : &bottom, shift > 0 ? shift : -shift);
  uint64_t q = 0;
  for (int i = 0; i < 64; i++) {  // top / bottom is in (1/2, 2)
    q *= 2;
    if (large_compare(top, &bottom) >= 0) {
      large_subtract(top, &bottom);
      q++;
    }
    large_multiply_add(top, 2, 0);
  }
  return round_to_double(q, top->count > 0, -63 - shift);
}

// ---- Parsing ------------------------------------------------------------------------------------

static bool digit(char c) { return c >= '0' && c <= '9'; }

static bool word(const char *text, const char *end, const char *name) {
  for (; *name; name++, text++)
    if (text == end || (*text | 32) != *name) return false;
  return text == end;
}

// Clinger's fast path: an integer below 2^53 and a power up to 10^22 are exact, one operation
// rounds.
static bool fast(uint64_t digits, int64_t power, double *to) {
  static const double ten[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                               1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                               1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
  if (digits >> 53 || power < -22 || power > 22) return false;
  *to = power < 0 ? (double)digits / ten[-power] : (double)digits * ten[power];
  return true;
}

// 0.<the digits from first to last> * 10^power. Past 800 digits all that matters is whether the
// rest is zero: no double, and no point halfway between two, has more than 767.
static double exact(const char *first, const char *last, int64_t power) {
  large digits = {.count = 0};
  int used = 0;
  while (last[-1] == '0' || last[-1] == '.') last--;
  for (const char *c = first; c < last; c++) {
    if (*c == '.') continue;
    bool rest = used++ == DIGITS;
    large_multiply_add(&digits, 10, rest ? 1 : (uint32_t)(*c - '0'));
    if (rest) break;
  }
  return divide(&digits, power - used);
}

bool hd_parse_real(const char *text, const char *end, double *to) {
  if (!text || text >= end) return false;
  bool negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  if (word(text, end, "inf") || word(text, end, "infinity"))
    return *to = negative ? -INFINITY : INFINITY, true;
  if (word(text, end, "nan")) return *to = NAN, true;

  const char *first = NULL;               // the first digit that is not zero
  uint64_t small = 0;                     // the first 19 of them
  int64_t count = 0, power = 0, any = 0;  // digits from `first` on; value = digits * 10^power
  bool point = false;
  for (; text < end && (digit(*text) || (*text == '.' && !point)); text++) {
    if (*text == '.') {
      point = true;
      continue;
    }
    any++;
    power -= point;
    if (*text == '0' && !first) continue;
    if (!first) first = text;
    if (count++ < 19) small = small * 10 + (uint64_t)(*text - '0');
  }
  if (!any) return false;
  const char *last = text;
  if (text < end && (*text | 32) == 'e') {
    int64_t exponent = 0;
    bool minus = ++text < end && *text == '-';
    if (text < end && (*text == '-' || *text == '+')) text++;
    if (text == end) return false;
    for (; text < end && digit(*text); text++)
      if (exponent < (int64_t)1 << 50) exponent = exponent * 10 + (*text - '0');
    power += minus ? -exponent : exponent;
  }
  if (text != end) return false;

  double value = 0;
  if (!first || count + power < -330) {  // zero, or below half of the least subnormal
    value = 0;
  } else if (count + power > 310) {
    value = INFINITY;
  } else if (count > 19 || !fast(small, power, &value)) {
    value = exact(first, last, power + count);
  }
  *to = negative ? -value : value;
  return true;
}

bool hd_parse_int(const char *text, const char *end, int64_t *to) {
  if (!text || text >= end) return false;
  bool negative = *text == '-';
  if (*text == '-' || *text == '+') text++;
  if (text == end) return false;
  int64_t value = 0;
  for (; text < end; text++) {
    if (!digit(*text) || __builtin_mul_overflow(value, 10, &value)) return false;
    int d = *text - '0';
    if (__builtin_add_overflow(value, negative ? -d : d, &value)) return false;
  }
  *to = value;
  return true;
}
