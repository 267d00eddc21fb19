// Checkpoints: `keep` files in turn, checkpoint-0, checkpoint-1, ..., each whole on its own, with
// the counters of the run in its metadata. The newest whole one is where a run resumes.
#include "../../include/hadal/io.h"
#include "../base/file.h"
#include "../store/store.h"
#include "fit.h"

enum { MOST = 16 };

static void slot_path(char *to, size_t size, const char *folder, int slot) {
  hd_print(to, size, "%s/checkpoint-%d.safetensors", folder, slot);
}

hd_status hd_checkpoint_save(const hd_store *store, const char *folder, int keep,
                             const hd_counters *c, hd_error *err) {
  char path[4096], text[600];
  keep = keep < 1 ? 2 : HD_MIN(keep, MOST);
  hd_status status = hd_dir_make(&store->env, folder, err);
  if (status) return status;
  slot_path(path, sizeof path, folder, (int)(c->saves % keep));
  hd_print(text, sizeof text, "%lld %lld %lld %lld %lld %lld %lld %.17g %.17g %.17g %llu %llu",
           (long long)c->saves, (long long)c->epoch, (long long)c->step, (long long)c->global_step,
           (long long)c->best_epoch, (long long)c->wait, (long long)c->samples, c->best_loss,
           c->loss_sum, c->accuracy_sum, (unsigned long long)store->step,
           (unsigned long long)store->seed);
  return hd_save(store, path, err, .all = true,
                 .meta = (const char *const[]){"hadal.checkpoint", text, NULL});
}

// Twelve numbers, or it is no checkpoint of ours.
static bool read_counters(const char *text, hd_counters *c, uint64_t *step, uint64_t *seed) {
  int64_t integer[9];
  double real[3];
  int n = 0;
  for (const char *p = text; *p && n < 12; n++) {
    const char *end = strchr(p, ' ');
    if (!end) end = p + strlen(p);
    bool ok = n >= 7 && n < 10 ? hd_parse_real(p, end, &real[n - 7])
                               : hd_parse_int(p, end, &integer[n < 7 ? n : n - 3]);
    if (!ok) return false;
    p = *end ? end + 1 : end;
  }
  if (n != 12) return false;
  *c = (hd_counters){.saves = integer[0],
                     .epoch = integer[1],
                     .step = integer[2],
                     .global_step = integer[3],
                     .best_epoch = integer[4],
                     .wait = integer[5],
                     .samples = integer[6],
                     .best_loss = real[0],
                     .loss_sum = real[1],
                     .accuracy_sum = real[2]};
  *step = (uint64_t)integer[7];
  *seed = (uint64_t)integer[8];
  return true;
}

// What a checkpoint is besides its tensors.
typedef struct header {
  hd_counters counters;
  uint64_t step, seed;
} header;

// Opens the newest whole checkpoint: *to is NULL when there is none. A damaged one is passed over;
// one that cannot be read now may be whole, so that without another the run must not start afresh.
static hd_status newest(const hd_env *env, const char *folder, hd_tensors **to, header *best,
                        hd_error *err) {
  hd_error refused = {0};
  *to = NULL;
  for (int i = 0; i < MOST; i++) {
    char path[4096];
    slot_path(path, sizeof path, folder, i);
    hd_error why = {0};
    header h;
    hd_tensors *t = hd_tensors_open(env, path, &why);
    const char *text = t ? hd_tensors_meta(t, "hadal.checkpoint") : NULL;
    if (text && read_counters(text, &h.counters, &h.step, &h.seed)) {
      bool newer = !*to || h.counters.saves > best->counters.saves;
      if (newer) *best = h;
      hd_tensors_free(newer ? *to : t);
      if (newer) *to = t;
      continue;
    }
    hd_tensors_free(t);
    if (why.status == HD_E_NOT_FOUND) continue;
    if (why.status == HD_E_MEMORY) {
      hd_tensors_free(*to);
      *to = NULL;
      return hd_fail(err, HD_E_MEMORY, "%s", why.text);
    }
    if (why.status == HD_E_IO) refused = why;
    hd_note(env, HD_LOG_WARNING, "%s is damaged (%s): passed over", path,
            why.status ? why.text : "no counters");
  }
  return *to || !refused.status ? HD_OK : hd_fail(err, refused.status, "%s", refused.text);
}

hd_status hd_checkpoint_load(hd_store *store, const char *folder, hd_counters *to, hd_error *err) {
  header h;
  hd_tensors *t;
  hd_status status = newest(&store->env, folder, &t, &h, err);
  if (status) return status;
  if (!t) return hd_fail(err, HD_E_NOT_FOUND, "%s: holds no whole checkpoint", folder);
  status = hd_load_tensors(store, t, err);
  hd_tensors_free(t);
  if (status) return status;
  store->step = h.step;
  store->seed = h.seed;
  *to = h.counters;
  return HD_OK;
}

// What a killed run left behind. A run that does not resume counts on from the checkpoints that are
// there, so that its own are the newest.
hd_status hd_checkpoint_begin(const hd_env *env, const char *folder, bool resume, int64_t *saves,
                              hd_error *err) {
  const hd_io *io = hd_env_io(env);
  for (int i = 0; i < MOST; i++) {
    char path[4104];
    slot_path(path, sizeof path - 8, folder, i);
    hd_print(path + strlen(path), 8, ".tmp");
    io->remove(io->user, path);
  }
  if (resume) return HD_OK;
  header h;
  hd_tensors *t;
  hd_status status = newest(env, folder, &t, &h, err);
  if (t) *saves = h.counters.saves;
  hd_tensors_free(t);
  return status;
}
