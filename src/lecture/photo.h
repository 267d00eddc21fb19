// A photograph where one is installed, for lectures and filters, else the drawn test card.
#ifndef LECTURE_PHOTO_H
#define LECTURE_PHOTO_H

#include "../../include/hadal/extra.h"

// RGB; about (char[300]): what it is, in words. root: HADAL_DATA, where photos/NAME is looked for
// first; NULL: nowhere. size: of the longer side; 0: as it is, a test card 640 wide.
hd_status lecture_photo(const hd_env *env, const char *root, int size, hd_tensor *to, char *about,
                        hd_error *err);

#endif
