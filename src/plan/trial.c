// How many threads a short step deserves is measured, not guessed: where cores share no cache, or a
// host moves them apart, handing over some ten microseconds of work costs more than it saves. Now
// and then a few steps run with all threads and a few alone; the faster way stays until the next
// trial. The bits are the same either way.
#include "plan.h"

enum { EACH = 4, PERIOD = 256, BEFORE_FIRST = 64 };
static const double LONG = 2e-3;    // seconds: a longer step deserves its threads anyway
static const double WELL = 0.6;     // of the time alone, when last seen: threads do well, no trial
static const double AGEING = 0.97;  // of what was seen, for each trial left out
static const double CLEAR = 0.97;   // what is not faster by 3 % is not worth a change

static int place_of(const hd_trial *t) {
  return (int)((t->run + PERIOD - BEFORE_FIRST) % PERIOD) - (PERIOD - 2 * EACH);
}

bool hd_trial_alone(const hd_trial *t) { return t->alone != (place_of(t) >= EACH); }
bool hd_trial_timed(const hd_trial *t) { return place_of(t) >= 0; }

void hd_trial_ran(hd_trial *t, double seconds) {
  int place = place_of(t), way = place >= EACH;
  t->run++;
  if (place < 0) return;
  // The first of each way, which meets cold caches and threads that sleep, does not count.
  if (place % EACH == 1 || seconds < t->best[way]) t->best[way] = seconds;
  if (place == EACH - 1 && !t->alone && (t->best[0] > LONG || t->best[0] < WELL * t->single)) {
    t->run += EACH;
    t->single *= AGEING;
  }
  if (place < 2 * EACH - 1) return;
  t->single = t->best[!t->alone];
  if (t->best[1] < CLEAR * t->best[0]) t->alone = !t->alone;
}
