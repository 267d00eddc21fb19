// docs/ops.md is what the op table says. With --write it is written anew; without, it is compared.
#include <stdio.h>
#include <string.h>

#include "../include/hadal/op.h"

static const char head[] =
    "# Ops\n\n"
    "Made from the records in `src/op`, one file each. *Gradient*: \"any order\" means that the "
    "gradient is made\n"
    "of nodes that have gradients themselves, and second derivatives are tested; \"none\" that no "
    "gradient\n"
    "flows. A kink is where the derivative jumps, with the convention there.\n\n"
    "| op | what it does | ONNX | gradient | kink |\n|---|---|---|---|---|\n";

static void escaped(FILE *to, const char *text) {
  for (; text && *text; text++) {
    if (*text == '|') fputc('\\', to);
    fputc(*text, to);
  }
}

static void write_page(FILE *to) {
  fputs(head, to);
  for (const hd_op *const *op = hd_ops(); *op; op++) {
    fprintf(to, "| `%s` | ", (*op)->name);
    escaped(to, (*op)->math);
    fprintf(to, " | %s | %s | ", (*op)->onnx ? (*op)->onnx : "",
            !(*op)->grad       ? "none"
            : (*op)->no_second ? "first order"
                               : "any order");
    escaped(to, (*op)->kink ? (*op)->kink : "");
    fputs(" |\n", to);
  }
}

int main(int argc, char **argv) {
  static char want[65536], have[65536];
  if (argc > 1 && !strcmp(argv[1], "--write")) {
    FILE *to = fopen("docs/ops.md", "w");
    if (!to) return perror("docs/ops.md"), 1;
    write_page(to);
    return fclose(to) != 0;
  }
  FILE *page = tmpfile(), *file = fopen("docs/ops.md", "r");
  if (!page || !file) return perror("docs/ops.md"), 1;
  write_page(page);
  rewind(page);
  size_t n = fread(want, 1, sizeof want, page), m = fread(have, 1, sizeof have, file);
  fclose(page);
  fclose(file);
  if (n == m && !memcmp(want, have, n)) return 0;
  puts("docs/ops.md is not what the op table says: run this program with --write");
  return 1;
}
