// Minus the squared distance from centres, which are learned or drawn
#include "layer.h"

enum { HIGH = 12, WIDE = 7, DIGITS = 10 };

// The ten digits, side by side, of seven by twelve points: our own drawing, in the spirit of LeCun
// et al. 1998, figure 3. Digits that look alike are near each other.
static const char digit[HIGH][DIGITS * (WIDE + 2) + 1] = {
    ".......  .......  .......  .......  .......  .......  .......  .......  .......  .......  ",
    "..###..  ...#...  ..###..  .#####.  ....##.  ######.  ..####.  #######  ..###..  ..###..  ",
    ".##.##.  ..##...  .#####.  .....##  ...###.  #......  .##....  #######  .##.##.  .##.##.  ",
    "##...##  .###...  ##...##  .....##  ..#.##.  #......  ##.....  .....##  ##...##  ##...##  ",
    "##...##  ...#...  .....##  ....##.  .##.##.  #......  ##.....  ....##.  ##...##  ##...##  ",
    "##...##  ...#...  ....##.  ..###..  .#..##.  #####..  #.###..  ....#..  .##.##.  ##...##  ",
    "##...##  ...#...  ...##..  .....##  ##..##.  ....##.  ###.##.  ...##..  ..###..  .##.###  ",
    "##...##  ...#...  ..##...  .....##  #######  .....##  ##...##  ...#...  .##.##.  ..###.#  ",
    "##...##  ...#...  .##....  .....##  ....##.  .....##  ##...##  ..##...  ##...##  .....##  ",
    ".##.##.  ...#...  ##.....  ##...##  ....##.  ##...##  .##.##.  ..#....  .##.##.  ....##.  ",
    "..###..  .#####.  #######  .#####.  ....##.  .#####.  ..###..  .##....  ..###..  .####..  ",
    ".......  .......  .......  .......  .......  .......  .......  .......  .......  .......  "};

// (10, 84) of 1, ink, and -1
static hd_val drawn(hd_graph *g, hd_dtype dtype) {
  float code[DIGITS * HIGH * WIDE];
  for (int k = 0; k < DIGITS * HIGH * WIDE; k++) {
    int of = k / (HIGH * WIDE), row = k / WIDE % HIGH, column = k % WIDE;
    code[k] = digit[row][of * (WIDE + 2) + column] == '#' ? 1 : -1;
  }
  hd_val v = hd_constant(g, HD_F32, HD_SHAPE(DIGITS, HIGH * WIDE), code);
  return dtype == HD_F32 ? v : hd_cast(v, dtype);
}

static hd_val rbf(hd_val x, const hd_rbf_options *o) {
  hd_shape s = hd_type_of(x)->shape;
  hd_dtype dtype = hd_type_of(x)->dtype;
  char text[96];
  int64_t in = s.rank ? s.d[s.rank - 1] : -1;
  bool digits = o->codes == HD_RBF_DIGITS;
  int units = digits && !o->units ? DIGITS : o->units;
  hd_shape_text(s, text, sizeof text);
  if (units < 1)
    return hd_layer_fail(x, "rbf", o->name, "units is %d; give how many, such as .units = 16",
                         o->units);
  if (s.rank < 2 || s.rank >= HD_MAX_RANK || in < 1)
    return hd_layer_fail(x, "rbf", o->name,
                         "x is %s, centres would be (%d, in): needs (N, ..., in) of at most %d "
                         "axes, with a known size of the last",
                         text, units, HD_MAX_RANK - 1);
  if (digits && (units != DIGITS || in != HIGH * WIDE))
    return hd_layer_fail(x, "rbf", o->name,
                         "x is %s, %d units: the codes of the digits are (10, 84), so x must be "
                         "(N, ..., 84), as of `dense: 84`, and units 10",
                         text, units);
  hd_init init = o->init.kind ? o->init : (hd_init){HD_UNIFORM, -1, 1};
  hd_val centre =
      digits ? drawn(x.graph, dtype)
             : hd_scope_variable(x.graph, "centre", dtype, HD_SHAPE(units, in), HD_WEIGHT, init);
  hd_shape each = {.rank = s.rank + 1};  // 0: x's own
  each.d[s.rank - 1] = 1, each.d[s.rank] = in;
  hd_val off = hd_sub(hd_reshape(x, each), centre);
  return hd_neg(hd_sum(hd_square(off), .axes = HD_LAST_AXIS));
}

hd_val(hd_rbf)(hd_val x, hd_rbf_options options) {
  if (!hd_ok(x)) return x;
  hd_scope *scope = hd_scope_begin(x.graph, "rbf", options.name);
  hd_val y = rbf(x, &options);
  hd_scope_end(x.graph, scope);
  return y;
}

static hd_val build(hd_val x, const void *o) {
  return (hd_rbf)(x, o ? *(const hd_rbf_options *)o : (hd_rbf_options){0});
}

static const char *const codes[] = {"learned", "digits", NULL};
#define S hd_rbf_options
static const hd_field field[] = {
    HD_FIELD(S, units, INT, .standard = "those of the codes", .low = 1, .high = INT32_MAX,
             .main = true, .help = "how many centres"),
    HD_FIELD(S, codes, CHOICE, .standard = "learned", .choices = codes,
             .help = "the centres: learned, or fixed drawings of the digits, 84 points each"),
    HD_FIELD(S, init, INIT, .standard = "{uniform: [-1, 1]}", .help = "first centres"),
    HD_FIELD(S, name, TEXT, .standard = "rbf_1 ...", .help = "of the layer and its centres")};
static const hd_fields fields = HD_FIELDS("rbf", S, field);

const hd_layer hd_layer_rbf = {.name = "rbf",
                               .help = "minus the squared distance from centres",
                               .fields = &fields,
                               .build = build};
