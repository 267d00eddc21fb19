// The fields of a schedule, and its defaults. What the words mean: op/schedule.c.
#include "optimizer.h"

#include "../op/schedule.h"

#define S hd_schedule
static const char *const kinds[] = {"constant",  "step",         "multi_step", "exponential",
                                    "linear",    "polynomial",   "cosine",     "restarts",
                                    "one_cycle", "inverse_sqrt", "plateau",    NULL};
_Static_assert(HD_COUNT(kinds) == HD_SCHEDULE_PLATEAU + 2 &&
                   (int)HD_SCHEDULE_PLATEAU == (int)HD_SCHEDULE_PLATEAU_ATTR,
               "one list, three times");
static const hd_field field[] = {
    HD_FIELD(S, kind, CHOICE, .standard = "constant", .choices = kinds, .main = true,
             .help = "how the learning rate changes"),
    HD_FIELD(S, every, REAL, .standard = "1", .high = 1e9,
             .help = "epochs between drops; of the first period (restarts)"),
    HD_FIELD(S, factor, REAL, .standard = "0.1", .high = 1e3,
             .help = "step, multi_step, exponential, plateau: of each drop"),
    HD_FIELD_ARRAY(S, at, REAL, 8, .standard = "none", .high = 1e9,
                   .help = "multi_step: the epochs of the drops"),
    HD_FIELD(S, total, REAL, .standard = "all epochs", .high = 1e9, .help = "epochs to the floor"),
    HD_FIELD(S, floor, REAL, .standard = "0", .high = 1, .help = "the last factor"),
    HD_FIELD(S, power, REAL, .standard = "1", .high = 100,
             .help = "polynomial: (1 - epoch / total)^power"),
    HD_FIELD(S, growth, REAL, .standard = "1", .low = 1, .high = 100,
             .help = "restarts: of each period over the one before"),
    HD_FIELD(S, start, REAL, .standard = "0.04", .high = 1, .help = "one_cycle: the first factor"),
    HD_FIELD(S, peak, REAL, .standard = "0.3", .high = 0.99,
             .help = "one_cycle: the part of total that rises"),
    HD_FIELD(S, patience, INT, .standard = "10", .high = 1e9,
             .help = "plateau: epochs without improvement before a drop"),
    HD_FIELD(S, warmup, REAL, .standard = "0", .high = 1e9,
             .help = "epochs of linear rise from 0")};
const hd_fields hd_schedule_fields = HD_FIELDS("schedule", S, field);

static hd_schedule_attr filled(const hd_schedule *s, double steps, double epochs) {
  hd_schedule_attr a = {.kind = (int)s->kind,
                        .every = hd_or(s->every, 1),
                        .factor = hd_or(s->factor, 0.1f),
                        .total = hd_or(s->total, epochs > 0 ? (float)epochs : 1),
                        .floor = s->floor,
                        .power = hd_or(s->power, 1),
                        .growth = hd_or(s->growth, 1),
                        .start = hd_or(s->start, 0.04f),
                        .peak = hd_or(s->peak, 0.3f),
                        .steps = steps > 0 ? (float)steps : 1,
                        .warmup = hd_or(s->warmup, s->kind == HD_SCHEDULE_INVERSE_SQRT ? 1 : 0)};
  _Static_assert(sizeof a.at == sizeof s->at, "the same drops");
  memcpy(a.at, s->at, sizeof a.at);
  return a;
}

double hd_schedule_factor(const hd_schedule *s, double steps_per_epoch, double epochs,
                          int64_t step) {
  hd_schedule_attr a = filled(s, steps_per_epoch, epochs);
  return hd_schedule_at(&a, step);
}

hd_val hd_schedule_of(const hd_schedule *s, double steps_per_epoch, double epochs, hd_val step,
                      bool f64) {
  hd_schedule_attr a = filled(s, steps_per_epoch, epochs);
  a.f64 = f64;
  return hd_schedule_node(step, &a);
}
