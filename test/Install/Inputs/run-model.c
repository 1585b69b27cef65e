// Lists the functions of the model that is linked into this program.
#include "sparse-quant-c/runtime.h"
#include <stdio.h>

int main(void) {
  const sq_api *api = sq_get_api(SQ_ABI_VERSION);
  sq_model *model;
  char message[512];
  if (!api || api->open(NULL, &model, message, sizeof message) != SQ_OK) {
    fprintf(stderr, "%s\n", api ? message : "another ABI version");
    return 1;
  }
  for (uint32_t i = 0; i < api->num_functions(model); ++i)
    printf("function %s\n", api->function(model, i)->name);
  api->close(model);
  return 0;
}
