//===- Check.c - Check the tensors of a call ------------------------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Everything that generated code takes for granted is established here, so that
// a caller's mistake is a message and not a wild access.
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <inttypes.h>
#include <string.h>

/// One tensor of the call and its description.
typedef struct operand {
  const sq_call *call;
  const sq_tensor_desc *desc;
  const sq_tensor *tensor;
} operand;

#define FAIL_AT(o, status, format, ...)                                        \
  sq_fail((o)->call->message, status, "function '%s', %s '%s': " format,       \
          (o)->call->function->name,                                           \
          (o)->desc->kind == SQ_TENSOR_RESULT ? "result" : "input",            \
          (o)->desc->name, __VA_ARGS__)

/// Call only for shapes that have passed check_shape.
static int64_t num_elements(const sq_tensor *tensor) {
  int64_t count = 1;
  // An empty tensor may have extents whose product overflows.
  for (int32_t i = 0; i < tensor->ndim; ++i)
    if (tensor->shape[i] == 0)
      return 0;
  for (int32_t i = 0; i < tensor->ndim; ++i)
    count *= tensor->shape[i];
  return count;
}

/// What the values of an input must be less than; 0 if nothing is asked.
static int64_t get_bound(const sq_tensor_desc *desc) {
  // A byte other than 0 and 1 isn't a value of i1 to generated code.
  if (desc->type_code == SQ_TYPE_BOOL && desc->bits == 8)
    return 2;
  return desc->bound;
}

/// Whether checks read the input's elements.
static bool is_read(const operand *o) {
  const sq_function_desc *f = o->call->function;
  return o->desc->kind == SQ_TENSOR_INPUT &&
         (get_bound(o->desc) ||
          (f->pos_arg >= 0 && o->desc == &f->args[f->pos_arg]));
}

static sq_status check_device(const operand *o) {
  sq_device device = o->tensor->device;
  if (device.type == SQ_DEVICE_CPU)
    return SQ_OK;
  if (device.type != SQ_DEVICE_CUDA || !o->call->context->gpu)
    return FAIL_AT(o, SQ_ERROR_DEVICE,
                   "its memory is on device type %d; copy it to CPU memory "
                   "(type 1)",
                   device.type);
  // A model is on the first device.
  if (device.id != 0)
    return FAIL_AT(o, SQ_ERROR_DEVICE,
                   "its memory is on GPU %d, and the model on GPU 0; copy it "
                   "there, or to CPU memory (type 1)",
                   device.id);
  if (is_read(o))
    return FAIL_AT(o, SQ_ERROR_DEVICE, "%s",
                   "its values are checked before the call; copy it to CPU "
                   "memory (type 1)");
  return SQ_OK;
}

static sq_status check_type(const operand *o) {
  const sq_tensor *t = o->tensor;
  const sq_tensor_desc *desc = o->desc;
  sq_status status = check_device(o);
  if (status != SQ_OK)
    return status;
  sq_dtype expected = {desc->type_code, desc->bits, desc->lanes};
  if (t->dtype.code != expected.code || t->dtype.bits != expected.bits ||
      t->dtype.lanes != expected.lanes) {
    char want[SQ_TYPE_NAME_SIZE], have[SQ_TYPE_NAME_SIZE];
    return FAIL_AT(o, SQ_ERROR_DTYPE, "expected elements of type %s, got %s",
                   sq_type_name(expected, want), sq_type_name(t->dtype, have));
  }
  if (t->ndim < 0 || (uint32_t)t->ndim != desc->rank)
    return FAIL_AT(o, SQ_ERROR_RANK, "expected rank %u, got %d", desc->rank,
                   t->ndim);
  if (t->ndim > 0 && !t->shape)
    return FAIL_AT(o, SQ_ERROR_NULL_DATA, "%s", "its shape is NULL");
  return SQ_OK;
}

/// Checks dimension `dim`, binding its symbol if it is the first to have it.
static sq_status check_extent(const operand *o, uint32_t dim) {
  int64_t extent = o->tensor->shape[dim], expected = o->desc->shape[dim];
  if (expected >= 0) {
    if (extent == expected)
      return SQ_OK;
    return FAIL_AT(o, SQ_ERROR_SHAPE,
                   "expected extent %" PRId64 " in dimension %u, got %" PRId64,
                   expected, dim, extent);
  }
  const sq_symbol_desc *symbol = &o->call->function->symbols[-1 - expected];
  int64_t *value = &o->call->context->symbols[-1 - expected];
  if (*value >= 0) {
    if (extent == *value)
      return SQ_OK;
    return FAIL_AT(o, SQ_ERROR_SYMBOL,
                   "dimension %u is %s, which an earlier tensor has fixed to "
                   "%" PRId64 ", but its extent is %" PRId64,
                   dim, symbol->name, *value, extent);
  }
  if (extent < 0 || extent < symbol->min ||
      (symbol->max > 0 && extent > symbol->max)) {
    if (symbol->max > 0)
      return FAIL_AT(o, SQ_ERROR_SHAPE,
                     "dimension %u, %s, must be %" PRId64 " to %" PRId64
                     ", got %" PRId64,
                     dim, symbol->name, symbol->min, symbol->max, extent);
    return FAIL_AT(o, SQ_ERROR_SHAPE,
                   "dimension %u, %s, must be at least %" PRId64
                   ", got %" PRId64,
                   dim, symbol->name, symbol->min, extent);
  }
  *value = extent;
  return SQ_OK;
}

static sq_status check_shape(const operand *o) {
  // In bytes, so that no later computation of an address can overflow.
  int64_t size = sq_element_size(o->desc->bits, o->desc->lanes);
  bool overflow = false, empty = false;
  for (uint32_t dim = 0; dim < o->desc->rank; ++dim) {
    sq_status status = check_extent(o, dim);
    if (status != SQ_OK)
      return status;
    empty |= o->tensor->shape[dim] == 0;
    overflow |= __builtin_mul_overflow(size, o->tensor->shape[dim], &size);
  }
  if (overflow && !empty)
    return FAIL_AT(o, SQ_ERROR_SHAPE, "%s",
                   "it would not fit into the address space");
  return SQ_OK;
}

static sq_status check_strides(const operand *o) {
  const sq_tensor *t = o->tensor;
  if (!t->strides || num_elements(t) == 0)
    return SQ_OK;
  int64_t expected = 1;
  for (int32_t dim = t->ndim - 1; dim >= 0; --dim) {
    if (t->shape[dim] != 1 && t->strides[dim] != expected)
      return FAIL_AT(o, SQ_ERROR_STRIDES,
                     "dimension %d has stride %" PRId64 " instead of %" PRId64
                     "; make a compact row-major copy",
                     dim, t->strides[dim], expected);
    expected *= t->shape[dim];
  }
  return SQ_OK;
}

static sq_status check_memory(const operand *o) {
  const sq_tensor *t = o->tensor;
  if (num_elements(t) == 0)
    return SQ_OK;
  if (!t->data)
    return FAIL_AT(o, SQ_ERROR_NULL_DATA, "%s", "its data is NULL");
  // The natural alignment of a scalar: the lowest set bit of its size.
  uintptr_t size = o->desc->bits / 8u, alignment = size & -size;
  if ((uintptr_t)sq_tensor_data(t) & (alignment - 1))
    return FAIL_AT(o, SQ_ERROR_ALIGNMENT,
                   "its data must be aligned to %u bytes", (unsigned)alignment);
  return SQ_OK;
}

static int64_t load_integer(const sq_tensor *tensor, int64_t index) {
  const uint8_t *data = sq_tensor_data(tensor);
  bool is_signed = tensor->dtype.code == SQ_TYPE_INT;
  switch (tensor->dtype.bits) {
  case 8:
    return is_signed ? ((const int8_t *)data)[index] : data[index];
  case 16:
    return is_signed ? ((const int16_t *)data)[index]
                     : ((const uint16_t *)data)[index];
  case 32:
    return is_signed ? ((const int32_t *)data)[index]
                     : (int64_t)((const uint32_t *)data)[index];
  default:
    // An unsigned value past INT64_MAX turns negative: outside either way.
    return ((const int64_t *)data)[index];
  }
}

static sq_status check_values(const operand *o) {
  int64_t bound = get_bound(o->desc);
  if (bound == 0)
    return SQ_OK;
  int64_t count = num_elements(o->tensor) * o->desc->lanes;
  for (int64_t i = 0; i < count; ++i) {
    int64_t value = load_integer(o->tensor, i);
    if (value < 0 || value >= bound)
      return FAIL_AT(o, SQ_ERROR_VALUE,
                     "element %" PRId64 " is %" PRId64
                     ", but must be 0 to %" PRId64,
                     i, value, bound - 1);
  }
  return SQ_OK;
}

static sq_status check_operand(const operand *o) {
  if (!o->tensor)
    return FAIL_AT(o, SQ_ERROR_NULL_DATA, "%s", "the tensor is NULL");
  sq_status status = check_type(o);
  if (status == SQ_OK)
    status = check_shape(o);
  if (status == SQ_OK)
    status = check_strides(o);
  if (status == SQ_OK)
    status = check_memory(o);
  if (status == SQ_OK && o->desc->kind == SQ_TENSOR_INPUT)
    status = check_values(o);
  return status;
}

/// Whether two pieces of memory share a byte.
static bool overlap(const void *a, size_t a_size, const void *b,
                    size_t b_size) {
  uintptr_t a_start = (uintptr_t)a, b_start = (uintptr_t)b;
  return a_size && b_size && a_start < b_start + b_size &&
         b_start < a_start + a_size;
}

static size_t tensor_size(const sq_tensor *tensor) {
  return (size_t)num_elements(tensor) *
         sq_element_size(tensor->dtype.bits, tensor->dtype.lanes);
}

static bool tensors_overlap(const sq_tensor *a, const sq_tensor *b) {
  return overlap(sq_tensor_data(a), tensor_size(a), sq_tensor_data(b),
                 tensor_size(b));
}

static bool overlaps_state(const sq_context *context, const sq_tensor *tensor) {
  const sq_artifact_desc *artifact = context->model->artifact;
  for (uint32_t i = 0; i < artifact->num_states; ++i)
    if (overlap(sq_tensor_data(tensor), tensor_size(tensor), context->states[i],
                sq_state_size(&artifact->states[i])))
      return true;
  return false;
}

/// Results must not overlap anything, and inputs no state, for generated code
/// reads after it has begun to write.
static sq_status check_aliasing(const sq_call *call, uint32_t num_inputs) {
  const sq_function_desc *f = call->function;
  for (uint32_t i = 0; i < f->num_results; ++i) {
    const char *other = NULL;
    for (uint32_t j = 0; j < num_inputs && !other; ++j)
      if (tensors_overlap(call->outputs[i], call->inputs[j]))
        other = "an input";
    for (uint32_t j = 0; j < i && !other; ++j)
      if (tensors_overlap(call->outputs[i], call->outputs[j]))
        other = "another result";
    if (!other && overlaps_state(call->context, call->outputs[i]))
      other = "a state of the context";
    if (other)
      return sq_fail(call->message, SQ_ERROR_ALIASING,
                     "function '%s', result '%s': its memory overlaps %s",
                     f->name, f->results[i].name, other);
  }
  for (uint32_t i = 0; i < num_inputs; ++i)
    if (overlaps_state(call->context, call->inputs[i]))
      return sq_fail(
          call->message, SQ_ERROR_ALIASING,
          "function '%s': the memory of input %u overlaps a state of "
          "the context",
          f->name, i);
  return SQ_OK;
}

static sq_status check_capacity(const sq_call *call, const sq_tensor *tensor) {
  const sq_function_desc *f = call->function;
  int64_t pos = load_integer(tensor, 0);
  int64_t len =
      f->len_symbol >= 0 ? call->context->symbols[f->len_symbol] : f->fixed_len;
  // Written so that no sum can overflow.
  if (pos >= 0 && len <= f->capacity && pos <= f->capacity - len)
    return SQ_OK;
  return sq_fail(
      call->message, SQ_ERROR_CAPACITY,
      "function '%s': '%s' %" PRId64 " + length %" PRId64
      " is outside the capacity of %" PRId64
      "; reset the context or compile the model for longer sequences",
      f->name, f->args[f->pos_arg].name, pos, len, f->capacity);
}

sq_status sq_check_call(const sq_call *call) {
  const sq_function_desc *f = call->function;
  for (uint32_t i = 0; i < f->num_symbols; ++i)
    call->context->symbols[i] = -1;

  // Inputs first: they bind the symbols that the results have.
  uint32_t input = 0;
  const sq_tensor *pos = NULL;
  for (uint32_t i = 0; i < f->num_args; ++i) {
    if (f->args[i].kind != SQ_TENSOR_INPUT)
      continue;
    operand o = {call, &f->args[i], call->inputs[input++]};
    sq_status status = check_operand(&o);
    if (status != SQ_OK)
      return status;
    if (f->pos_arg == (int32_t)i)
      pos = o.tensor;
  }
  for (uint32_t i = 0; i < f->num_results; ++i) {
    operand o = {call, &f->results[i], call->outputs[i]};
    sq_status status = check_operand(&o);
    if (status != SQ_OK)
      return status;
  }
  if (pos) {
    sq_status status = check_capacity(call, pos);
    if (status != SQ_OK)
      return status;
  }
  return check_aliasing(call, input);
}
