// A locale that writes 1,5, made where the machine has none: localedef of libc-bin, and the sources
// of Debian's package locales. Needs _POSIX_C_SOURCE 200809L.
#ifndef TEST_COMMA_LOCALE_H
#define TEST_COMMA_LOCALE_H

#include <locale.h>
#include <stdbool.h>

#include "temp.h"

// False when there is none and none can be made. setlocale(LC_ALL, "C") ends it.
static inline bool comma_locale(void) {
  static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8",
                                      "nl_NL.UTF-8"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    if (setlocale(LC_ALL, names[i])) return true;
  char folder[TEMP_PATH], command[3 * TEMP_PATH];
  if (!mkdtemp(temp_template(folder, "locale", ""))) return false;
  snprintf(command, sizeof command, "localedef -i de_DE -f UTF-8 '%s/de_DE.UTF-8' >'%s/log' 2>&1",
           folder, folder);
  bool made = system(command) == 0;
  setenv("LOCPATH", folder, 1);
  made = made && setlocale(LC_ALL, "de_DE.UTF-8");
  unsetenv("LOCPATH");
  snprintf(command, sizeof command, "rm -rf '%s'", folder);
  return !system(command) && made;
}

#endif
