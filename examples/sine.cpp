// A network in C++ that learns the sine from samples made on the fly.
//   c++ -std=c++20 sine.cpp $(pkg-config --cflags --libs hadal) -o sine && ./sine
// Expected: an error below 0.02 everywhere, in well under a second.
#include <hadal/hadal.h>

#include <cmath>
#include <cstdio>
#include <memory>
#include <vector>

int main() {
  std::unique_ptr<hd_graph, void (*)(hd_graph *)> g(hd_graph_new(nullptr), hd_graph_free);
  std::unique_ptr<hd_store, void (*)(hd_store *)> p(hd_store_new(nullptr), hd_store_free);
  hd_val x = hd_input(g.get(), "x", HD_F32, HD_SHAPE(HD_BATCH, 1));
  hd_val t = hd_input(g.get(), "y", HD_F32, HD_SHAPE(HD_BATCH, 1));
  hd_val h = hd_tanh(hd_dense(hd_tanh(hd_dense(x, .units = 32)), .units = 32));
  hd_val y = hd_dense(h, .units = 1);

  // A source of our own: sample i is (x, sin x) for x in [-pi, pi].
  hd_data data{};
  data.samples = 1024;
  data.columns = 2;
  data.column[0] = {"x", {HD_F32, HD_SHAPE(1)}};
  data.column[1] = {"y", {HD_F32, HD_SHAPE(1)}};
  data.read = [](void *, int column, const int64_t *index, int64_t count, void *to, hd_error *) {
    for (int64_t i = 0; i < count; i++) {
      float at = (float)(index[i] - 512) / 512 * 3.14159265f;
      static_cast<float *>(to)[i] = column == 0 ? at : std::sin(at);
    }
    return HD_OK;
  };

  hd_error err;
  if (hd_fit(p.get(), hd_mse(y, t), &data, &err, .optimizer = hd_adam(.lr = 0.01f),
             .schedule = {.kind = HD_SCHEDULE_COSINE}, .batch = 64, .epochs = 200)) {
    std::fprintf(stderr, "sine: %s\n", err.text);
    return 1;
  }
  std::vector<float> at{-3, -2, -1, 0, 1, 2, 3};
  hd_tensor in{};
  in.dtype = HD_F32;
  in.shape = HD_SHAPE(7, 1);
  in.data = at.data();
  hd_tensor out = hd_predict(p.get(), y, in, &err);
  if (!out.data) return 1;
  double worst = 0;
  for (size_t i = 0; i < at.size(); i++) {
    float got = static_cast<float *>(out.data)[i];
    worst = std::fmax(worst, std::fabs(got - std::sin(at[i])));
    std::printf("sin(%+.0f) = %+.3f, the network says %+.3f\n", at[i], std::sin(at[i]), got);
  }
  hd_tensor_free(&out);
  return worst < 0.02 ? 0 : 1;
}
