// Cross-validation: every sample is tested on once, by a network that has not seen it.
#include "train.h"

#include <stdlib.h>

hd_status cli_cross_validate(cli_training *t, cli_folds *f) {
  int count = t->recipe->data.folds;
  double samples = 0, loss = 0, accuracy = 0;
  f->each = calloc((size_t)count, sizeof *f->each);
  f->samples = calloc((size_t)count, sizeof *f->samples);
  if (!f->each || !f->samples)
    return hd_fail(&t->err, HD_E_MEMORY, "memory is out for %d folds", count);
  t->in_fold = true;
  hd_status status = HD_OK;
  for (int i = 0; i < count && !status; i++) {
    status = cli_parts_open(t, i + 1);
    if (!status) status = cli_network_open(t);
    if (!status) status = cli_fit(t, NULL);
    if (!status) status = cli_evaluate(t, &f->each[i]);
    cli_network_close(t);
    if (status) break;
    double n = (double)(f->samples[i] = t->parts.test.samples);
    samples += n, loss += n * f->each[i].loss, accuracy += n * f->each[i].accuracy;
    if (!t->quiet)
      printf("fold %2d of %d  loss %.4f  accuracy %6.2f %%\n", i + 1, count, f->each[i].loss,
             100 * f->each[i].accuracy);
    f->count++;
  }
  t->in_fold = false;
  f->mean = (hd_metrics){loss / samples, accuracy / samples};
  return status ? status : cli_parts_open(t, 0);
}
