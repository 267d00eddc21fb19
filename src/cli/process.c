// What the process lends to the library: memory, messages, places, signals.
#define _GNU_SOURCE
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

// Memory is refused beyond what the machine has: a clean error instead of the kernel's killer.
static void *take(void *user, size_t align, size_t bytes) {
  const cli_process *p = user;
  int64_t held = __atomic_load_n(&p->memory.bytes, __ATOMIC_RELAXED) +
                 __atomic_load_n(&p->data_memory.bytes, __ATOMIC_RELAXED);
  if (bytes > (uint64_t)INT64_MAX / 2 || (p->limit && (int64_t)bytes > p->limit - held))
    return NULL;
  return aligned_alloc(align, (bytes + align - 1) / align * align);
}

static void give(void *user, void *block) {
  (void)user;
  free(block);
}

static void say(void *user, hd_log_level level, const char *text) {
  (void)user;
  fprintf(stderr, "hadal: %s%s\n", level == HD_LOG_WARNING ? "warning: " : "", text);
}

static bool is_dir(const char *path) {
  struct stat about;
  return !stat(path, &about) && S_ISDIR(about.st_mode);
}

#ifndef HD_RECIPE_DIR
#define HD_RECIPE_DIR "/usr/local/share/hadal/recipes"
#endif

// The folder `name` of the sources, of the build's parent, or of the installation.
void cli_shared_dir(int place, const char *name, char *to, size_t size) {
  char exe[1024];
  ssize_t length = readlink("/proc/self/exe", exe, sizeof exe - 1);
  exe[length > 0 ? length : 0] = 0;
  for (int i = 0; i < 2; i++) {  // .../build/hadal -> ...
    char *slash = strrchr(exe, '/');
    if (slash) *slash = 0;
  }
  if (place == 0) snprintf(to, size, "%s", name);
  if (place == 1) snprintf(to, size, "%s/%s", exe, name);
  if (place == 2) snprintf(to, size, "%s/share/hadal/%s", exe, name);
  if (place == 3) snprintf(to, size, "%s/../%s", HD_RECIPE_DIR, name);
}

void cli_process_start(cli_process *p, int threads) {
  *p = (cli_process){0};
  int64_t pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
  if (pages > 0 && page > 0) hd_mul_size(pages, page, &p->limit);
  p->data = (hd_env){.user = p,
                     .memory = &p->data_memory,
                     .alloc = take,
                     .free = give,
                     .log = say,
                     .threads = threads,
                     .cpu = getenv("HADAL_CPU")};
  if (p->data.cpu && !*p->data.cpu) p->data.cpu = NULL;
  p->env = p->data;
  p->env.memory = &p->memory;
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME"),
             *root = getenv("HADAL_DATA");
  if (cache && *cache) snprintf(p->cache, sizeof p->cache, "%s/hadal", cache);
  else if (home && *home) snprintf(p->cache, sizeof p->cache, "%s/.cache/hadal", home);
  for (int place = 0; place < 4; place++) {
    char digits[1100];
    cli_shared_dir(place, "data", p->shared, sizeof p->shared);
    snprintf(digits, sizeof digits, "%s/digits", p->shared);
    if (is_dir(digits)) break;
  }
  p->sets = (hd_data_options){.root = root && *root ? root : NULL,
                              .cache = *p->cache ? p->cache : NULL,
                              .shared = p->shared,
                              .inflate = hd_gunzip,
                              .images.read = (hd_read_image)};
}

// ---- Signals ------------------------------------------------------------------------------------

volatile int cli_interrupted;

static void interrupt(int signal) {
  (void)signal;
  if (cli_interrupted) _exit(CLI_INTERRUPTED);
  cli_interrupted = 1;
}

void cli_catch_interrupts(void) {
  struct sigaction action = {.sa_handler = interrupt, .sa_flags = SA_RESTART};
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, NULL);
  sigaction(SIGTERM, &action, NULL);
  signal(SIGXFSZ, SIG_IGN);  // a full disk or a closed pipe is an error like any other
  signal(SIGPIPE, SIG_IGN);
}
