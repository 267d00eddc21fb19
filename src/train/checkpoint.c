// Checkpoints: `keep` files in turn, checkpoint-0, checkpoint-1, ..., each whole on its own, with
// the counters of the run in its metadata. The newest whole one is where a run resumes.
#include "../../include/hadal/io.h"
#include "../../include/hadal/train.h"
#include "../base/file.h"
#include "../store/store.h"

enum { MOST = 16 };

static void slot_path(char *to, size_t size, const char *folder, int slot) {
  hd_print(to, size, "%s/checkpoint-%d.safetensors", folder, slot);
}

hd_status hd_checkpoint_save(const hd_store *store, const char *folder, int keep, const hd_counters *c, hd_error *err) {
  char path[4096], text[600];
  keep = keep < 1 ? 2 : HD_MIN(keep, MOST);
  hd_status status = hd_dir_make(&store->env, folder, err);
  if (status) return status;
  slot_path(path, sizeof path, folder, (int)(c->saves % keep));
  hd_print(text, sizeof text, "%lld %lld %lld %lld %lld %lld %lld %.17g %.17g %.17g %llu %llu", (long long)c->saves, (long long)c->epoch,
           (long long)c->step, (long long)c->global_step, (long long)c->best_epoch, (long long)c->wait, (long long)c->samples,
           c->best_loss, c->loss_sum, c->accuracy_sum, (unsigned long long)store->step, (unsigned long long)store->seed);
  return hd_save(store, path, err, .all = true, .meta = (const char *const[]){"hadal.checkpoint", text, NULL});
}

// Twelve numbers, or it is no checkpoint of ours.
static bool read_counters(const char *text, hd_counters *c, uint64_t *step, uint64_t *seed) {
  int64_t integer[9];
  double real[3];
  int n = 0;
  for (const char *p = text; *p && n < 12; n++) {
    const char *end = strchr(p, ' ');
    if (!end) end = p + strlen(p);
    bool ok = n >= 7 && n < 10 ? hd_parse_real(p, end, &real[n - 7]) : hd_parse_int(p, end, &integer[n < 7 ? n : n - 3]);
    if (!ok) return false;
    p = *end ? end + 1 : end;
  }
  if (n != 12) return false;
  *c = (hd_counters){.saves = integer[0], .epoch = integer[1], .step = integer[2], .global_step = integer[3], .best_epoch = integer[4],
                     .wait = integer[5], .samples = integer[6], .best_loss = real[0], .loss_sum = real[1], .accuracy_sum = real[2]};
  *step = (uint64_t)integer[7];
  *seed = (uint64_t)integer[8];
  return true;
}

// Opens the newest whole checkpoint that is older than `below` saves.
static hd_tensors *newest(const hd_env *env, const char *folder, int64_t below, hd_counters *best, uint64_t *step, uint64_t *seed) {
  hd_tensors *found = NULL;
  for (int i = 0; i < MOST; i++) {
    char path[4096];
    slot_path(path, sizeof path, folder, i);
    if (!hd_file_exists(env, path)) continue;
    hd_error why = {0};
    hd_counters c;
    uint64_t at, from;
    hd_tensors *t = hd_tensors_open(env, path, &why);
    const char *text = t ? hd_tensors_meta(t, "hadal.checkpoint") : NULL;
    if (text && read_counters(text, &c, &at, &from) && c.saves < below && (!found || c.saves > best->saves)) {
      hd_tensors_free(found);
      found = t;
      *best = c;
      *step = at;
      *seed = from;
      continue;
    }
    if (!text) hd_note(env, HD_LOG_WARNING, "%s is damaged (%s): passed over", path, why.status ? why.text : "no counters");
    hd_tensors_free(t);
  }
  return found;
}

hd_status hd_checkpoint_load(hd_store *store, const char *folder, hd_counters *to, hd_error *err) {
  uint64_t step, seed;
  hd_counters c = {0};
  hd_tensors *t = newest(&store->env, folder, INT64_MAX, &c, &step, &seed);
  if (!t) return hd_fail(err, HD_E_NOT_FOUND, "%s: holds no whole checkpoint", folder);
  hd_status status = hd_load_tensors(store, t, err);
  hd_tensors_free(t);
  if (status) return status;
  store->step = step;
  store->seed = seed;
  *to = c;
  return HD_OK;
}
