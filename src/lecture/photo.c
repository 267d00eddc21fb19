// Where photographs may be: those that come with Debian's packages, freely licensed.
#include "photo.h"

#include <stdio.h>
#include <unistd.h>

static const struct {
  const char *name, *path, *about;
} photos[] = {
    {"china.jpg", "/usr/lib/python3/dist-packages/sklearn/datasets/images/china.jpg",
     "china.jpg of Debian's python3-sklearn (the Summer Palace, by danielbuechele, CC BY 2.0)"},
    {"chelsea.png", "/usr/lib/python3/dist-packages/skimage/data/chelsea.png",
     "chelsea.png of Debian's python3-skimage (a cat, CC0)"},
    {"astronaut.png", "/usr/lib/python3/dist-packages/skimage/data/astronaut.png",
     "astronaut.png of Debian's python3-skimage (Eileen Collins, NASA)"},
    {"coffee.png", "/usr/lib/python3/dist-packages/skimage/data/coffee.png",
     "coffee.png of Debian's python3-skimage (CC0)"},
    {"flower.jpg", "/usr/lib/python3/dist-packages/sklearn/datasets/images/flower.jpg",
     "flower.jpg of Debian's python3-sklearn (CC BY 2.0)"}};
enum { PHOTOS = sizeof photos / sizeof *photos };

static bool find(const char *root, char *path, size_t size, char *about) {
  for (int i = 0; i < 2 * PHOTOS; i++) {
    int k = i % PHOTOS;
    if (i < PHOTOS && !root) continue;
    int used = i < PHOTOS ? snprintf(path, size, "%s/photos/%s", root, photos[k].name)
                          : snprintf(path, size, "%s", photos[k].path);
    if (used < 0 || (size_t)used >= size || access(path, R_OK)) continue;
    snprintf(about, 300, "%s", photos[k].about);
    return true;
  }
  return false;
}

hd_status lecture_photo(const hd_env *env, const char *root, int size, hd_tensor *to, char *about,
                        hd_error *err) {
  char path[4096];
  hd_status status = HD_E_NOT_FOUND;
  *to = (hd_tensor){0};
  if (find(root, path, sizeof path, about))
    status = hd_read_image(env, path, to, err, .channels = 3);
  if (status) {  // also where its reader is not built in
    snprintf(about, 300,
             "a drawn test card; no photograph is installed (%s brings one, 2 MB: china.jpg, "
             "also as HADAL_DATA/photos/china.jpg)",
             "apt install python3-sklearn");
    int wide = size ? size : 640;
    return hd_test_card(env, wide * 3 / 4, wide, to, err);
  }
  int64_t h = to->shape.d[0], w = to->shape.d[1], longer = h > w ? h : w;
  if (!size || longer == size) return HD_OK;
  hd_tensor whole = *to;
  int64_t short_h = h * size / longer, short_w = w * size / longer;
  status =
      hd_image_resize(env, &whole, short_h < 1 ? 1 : short_h, short_w < 1 ? 1 : short_w, to, err);
  hd_tensor_free(&whole);
  return status;
}
