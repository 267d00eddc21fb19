// Progress: a bar on a terminal, a line per epoch elsewhere, nothing with --quiet.
#define _POSIX_C_SOURCE 200809L
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cli.h"

const char *cli_count(int64_t n, char *to) {
  char plain[32];
  int length = snprintf(plain, sizeof plain, "%lld", (long long)n), used = 0;
  for (int i = 0; i < length; i++) {
    if (i > 0 && (length - i) % 3 == 0 && plain[i - 1] != '-') to[used++] = ',';
    to[used++] = plain[i];
  }
  to[used] = 0;
  return to;
}

const char *cli_bytes(double bytes, char *to) {
  static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
  int u = 0;
  while (bytes >= 1000 && u < 4) bytes /= 1000, u++;
  snprintf(to, 32, u && bytes < 100 ? "%.1f %s" : "%.0f %s", bytes, units[u]);
  return to;
}

// "41 s", "3:07", "1:02:11"
static const char *duration(double seconds, char *to) {
  long long s = seconds < 0 || seconds > 1e9 ? 0 : (long long)(seconds + 0.5);
  if (s < 60) snprintf(to, 32, "%lld s", s);
  else if (s < 3600) snprintf(to, 32, "%lld:%02lld", s / 60, s % 60);
  else snprintf(to, 32, "%lld:%02lld:%02lld", s / 3600, s / 60 % 60, s % 60);
  return to;
}

// Whether the terminal shows UTF-8, as the locale says.
static bool utf8(void) {
  static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
  for (size_t i = 0; i < HD_COUNT(names); i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return strstr(value, "UTF-8") || strstr(value, "utf8");
  }
  return false;
}

void cli_progress_start(cli_progress *p, bool quiet) {
  *p = (cli_progress){.quiet = quiet, .terminal = !quiet && isatty(STDOUT_FILENO)};
  p->cell = utf8() ? "\xE2\x94\x81" : "=";
}

static int digits(int n) {
  int d = 1;
  while (n >= 10) n /= 10, d++;
  return d;
}

static int columns(void) {
  struct winsize size = {0};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_col < 20 ? 80 : size.ws_col;
}

static const char *rate_text(double rate, char *to) {
  if (rate >= 1e6) snprintf(to, 32, "%.1fM/s", rate / 1e6);
  else if (rate >= 1e4) snprintf(to, 32, "%.0fk/s", rate / 1e3);
  else if (rate >= 1e3) snprintf(to, 32, "%.1fk/s", rate / 1e3);
  else snprintf(to, 32, "%.0f/s", rate);
  return to;
}

// epoch  3/10 ━━━━━━━━━━━      loss 0.0512  accuracy 98.4 %  41k/s  12 s left
void cli_progress_step(cli_progress *p, const hd_progress *at) {
  if (!p->terminal) return;
  double now = hd_seconds();
  if (now - p->shown < 0.1 && at->step != at->steps) return;
  if (p->started == 0) p->started = now;
  p->shown = now;
  enum { BAR = 16 };
  char bar[BAR * 3 + 1], line[400], left[32], rate[32], accuracy[40] = "";
  int full = at->steps > 0 ? (int)(BAR * at->step / at->steps) : BAR, used = 0;
  for (int i = 0; i < BAR; i++)
    used += snprintf(bar + used, sizeof bar - (size_t)used, "%s", i < full ? p->cell : " ");
  if (at->train.accuracy == at->train.accuracy)
    snprintf(accuracy, sizeof accuracy, "  accuracy %.2f %%", 100 * at->train.accuracy);
  double epoch = at->step > 0 ? at->seconds / (double)at->step * (double)at->steps : 0;
  double rest = epoch * (at->epochs - at->epoch) + epoch - at->seconds;
  int length = snprintf(line, sizeof line, "epoch %*d/%d %s  loss %.4f%s  %s  %s left",
                        digits(at->epochs), at->epoch, at->epochs, bar, at->train.loss, accuracy,
                        rate_text(at->rate, rate), duration(rest, left));
  int shown = length - full * ((int)strlen(p->cell) - 1), room = columns() - 1;
  if (shown > room) length -= shown - room;
  printf("\r%.*s\x1b[K", length, line);
  fflush(stdout);
  p->open = true;
}

void cli_progress_epoch(cli_progress *p, const hd_progress *at) {
  if (p->quiet) return;
  // Very short epochs are not worth a line each: the terminal keeps one line a tenth of a second.
  double now = hd_seconds();
  bool last = at->epoch == at->epochs, often = at->epochs > 30;
  if (often && !last && now - p->shown < (p->terminal ? 0.1 : 0) && at->epoch != 1) return;
  if (often && !last && !p->terminal && at->epoch % ((at->epochs + 19) / 20) != 0 && at->epoch != 1)
    return;
  char time[32];
  p->shown = now;
  if (p->terminal) printf("\r");
  printf("epoch %*d/%d  loss %.4f", digits(at->epochs), at->epoch, at->epochs, at->train.loss);
  if (at->train.accuracy == at->train.accuracy)
    printf("  accuracy %6.2f %%", 100 * at->train.accuracy);
  if (at->has_valid) {
    printf("   validation loss %.4f", at->valid.loss);
    if (at->valid.accuracy == at->valid.accuracy)
      printf("  accuracy %6.2f %%", 100 * at->valid.accuracy);
    printf(at->best ? "  best" : "      ");
  }
  if (at->seconds >= 0.05)
    printf("  %s", at->seconds < 10 ? (snprintf(time, sizeof time, "%.1f s", at->seconds), time)
                                    : duration(at->seconds, time));
  p->open = p->terminal && often && !last;
  printf(p->terminal ? p->open ? "\x1b[K" : "\x1b[K\n" : "\n");
  fflush(stdout);
}

void cli_progress_end(cli_progress *p) {
  if (p->open) printf("\r\x1b[K");
  fflush(stdout);
  p->open = false;
}
