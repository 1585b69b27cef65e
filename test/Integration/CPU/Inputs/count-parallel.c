// A tool of OpenMP (OMP_TOOL_LIBRARIES) that counts parallel regions and says
// how many threads they had.
#include <omp-tools.h>
#include <stdio.h>

static unsigned regions, fewest = ~0u, most;

static void begin(ompt_data_t *task, const ompt_frame_t *frame,
                  ompt_data_t *region, unsigned requested, int flags,
                  const void *address) {
  ++regions;
}

static void implicit_task(ompt_scope_endpoint_t endpoint, ompt_data_t *region,
                          ompt_data_t *task, unsigned threads, unsigned index,
                          int flags) {
  if (endpoint != ompt_scope_begin || index != 0 ||
      !(flags & ompt_task_implicit))
    return;
  fewest = threads < fewest ? threads : fewest;
  most = threads > most ? threads : most;
}

static int initialize(ompt_function_lookup_t lookup, int device,
                      ompt_data_t *data) {
  ompt_set_callback_t set = (ompt_set_callback_t)lookup("ompt_set_callback");
  set(ompt_callback_parallel_begin, (ompt_callback_t)begin);
  set(ompt_callback_implicit_task, (ompt_callback_t)implicit_task);
  return 1;
}

static void finalize(ompt_data_t *data) {
  printf("%u parallel regions of %u to %u threads\n", regions, fewest, most);
}

ompt_start_tool_result_t *ompt_start_tool(unsigned version,
                                          const char *runtime) {
  static ompt_start_tool_result_t result = {initialize, finalize, {0}};
  return &result;
}
