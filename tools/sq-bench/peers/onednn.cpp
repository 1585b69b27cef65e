// oneDNN's int8 matrix product, for peers.py: a program of its own, because the
// library in Debian is older than the one in PyTorch.
//
// Usage: onednn N K M COPIES SECONDS {u8|s8}
// Prints the median seconds of a product of quantized activations [M, K] with
// weights [N, K] to f32, with a scale an output; or "version".
#include <dnnl.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <vector>

using namespace dnnl;
using Clock = std::chrono::steady_clock;

int main(int argc, char **argv) {
  if (argc == 2) {
    const dnnl_version_t *version = dnnl_version();
    std::printf("%d.%d.%d\n", version->major, version->minor, version->patch);
    return 0;
  }
  if (argc != 7) {
    std::fprintf(stderr, "usage: onednn N K M COPIES SECONDS {u8|s8}\n");
    return 1;
  }
  memory::dim n = std::atol(argv[1]), k = std::atol(argv[2]),
              m = std::atol(argv[3]), copies = std::atol(argv[4]);
  double limit = std::atof(argv[5]);
  using type = memory::data_type;
  type source = std::strcmp(argv[6], "u8") ? type::s8 : type::u8;

  engine cpu(engine::kind::cpu, 0);
  stream queue(cpu);
  memory::desc x({m, k}, source, memory::format_tag::ab);
  memory::desc any({k, n}, type::s8, memory::format_tag::any);
  memory::desc plain({k, n}, type::s8, memory::format_tag::ba);
  memory::desc y({m, n}, type::f32, memory::format_tag::ab);
  primitive_attr scales;
  scales.set_output_scales(1 << 1, std::vector<float>(n, 0.001f));
  matmul::primitive_desc desc(matmul::desc(x, any, y), scales, cpu);
  matmul product(desc);

  memory activations(x, cpu), result(y, cpu), codes(plain, cpu);
  auto *in = static_cast<int8_t *>(activations.get_data_handle());
  for (memory::dim i = 0; i < m * k; ++i)
    in[i] = static_cast<int8_t>(i * 37 % 127);
  auto *weight = static_cast<int8_t *>(codes.get_data_handle());
  for (memory::dim i = 0; i < n * k; ++i)
    weight[i] = static_cast<int8_t>(i * 53 % 251 - 125);
  std::vector<memory> weights;
  for (memory::dim i = 0; i < copies; ++i) {
    weights.emplace_back(desc.weights_desc(), cpu);
    reorder(codes, weights.back()).execute(queue, codes, weights.back());
  }
  queue.wait();

  std::vector<double> times;
  memory::dim copy = 0;
  auto call = [&] {
    product.execute(queue, {{DNNL_ARG_SRC, activations},
                            {DNNL_ARG_WEIGHTS, weights[copy++ % copies]},
                            {DNNL_ARG_DST, result}});
    queue.wait();
  };
  for (memory::dim i = 0; i < copies; ++i)
    call();
  auto begin = Clock::now();
  auto since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  while (times.size() < 3 || since(begin) < limit) {
    auto start = Clock::now();
    call();
    times.push_back(since(start));
  }
  std::nth_element(times.begin(), times.begin() + times.size() / 2,
                   times.end());
  std::printf("%.9f\n", times[times.size() / 2]);
  return 0;
}
