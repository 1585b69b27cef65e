//===- Descriptor.c - Is the artifact's descriptor consistent? ------------===//
//
// Part of sparse-quant, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The compiler wrote the descriptor, so these errors are bugs of ours. They are
// checked all the same: what comes after relies on them for its memory safety,
// and hand-written descriptors exist (tests, examples).
//
//===----------------------------------------------------------------------===//

#include "Internal.h"

#include <string.h>

/// What is being checked, for messages.
typedef struct checker {
  const sq_artifact_desc *artifact;
  const sq_function_desc *function;
  sq_message message;
} checker;

#define FAIL(c, ...) sq_fail((c)->message, SQ_ERROR_DESCRIPTOR, __VA_ARGS__)

/// Types of whole bytes; vectors of them, not of bits.
static bool is_type_valid(uint8_t bits, uint16_t lanes) {
  return lanes >= 1 && bits >= 8 && bits % 8 == 0;
}

static bool is_integer(const sq_tensor_desc *tensor) {
  return (tensor->type_code == SQ_TYPE_INT ||
          tensor->type_code == SQ_TYPE_UINT) &&
         tensor->lanes == 1 &&
         (tensor->bits == 8 || tensor->bits == 16 || tensor->bits == 32 ||
          tensor->bits == 64);
}

size_t sq_state_size(const sq_state_desc *state) {
  size_t size = sq_element_size(state->bits, state->lanes);
  for (uint32_t i = 0; i < state->rank; ++i)
    size *= (size_t)state->shape[i];
  return size;
}

static sq_status check_state(const checker *c, const sq_state_desc *state) {
  if (!state->name || state->rank > SQ_MAX_RANK ||
      (state->rank && !state->shape))
    return FAIL(c, "the descriptor has a state without a name or shape");
  if (!is_type_valid(state->bits, state->lanes))
    return FAIL(c, "state '%s' has a type that isn't made of whole bytes",
                state->name);
  size_t size = sq_element_size(state->bits, state->lanes);
  for (uint32_t i = 0; i < state->rank; ++i)
    if (state->shape[i] < 0 ||
        __builtin_mul_overflow(size, (size_t)state->shape[i], &size) ||
        size > PTRDIFF_MAX)
      return FAIL(c, "state '%s' has an impossible extent in dimension %u",
                  state->name, i);
  return SQ_OK;
}

static sq_status check_state_arg(const checker *c,
                                 const sq_tensor_desc *tensor) {
  if (tensor->state >= c->artifact->num_states)
    return FAIL(c, "function '%s': '%s' refers to state %u of %u",
                c->function->name, tensor->name, tensor->state,
                c->artifact->num_states);
  const sq_state_desc *state = &c->artifact->states[tensor->state];
  if (state->type_code != tensor->type_code || state->bits != tensor->bits ||
      state->lanes != tensor->lanes || state->rank != tensor->rank)
    return FAIL(c, "function '%s': '%s' has another type than state '%s'",
                c->function->name, tensor->name, state->name);
  for (uint32_t i = 0; i < state->rank; ++i)
    if (state->shape[i] != tensor->shape[i])
      return FAIL(c, "function '%s': '%s' has another shape than state '%s'",
                  c->function->name, tensor->name, state->name);
  return SQ_OK;
}

static sq_status check_tensor(const checker *c, const sq_tensor_desc *tensor,
                              bool is_result) {
  const char *function = c->function->name;
  if (!tensor->name || tensor->rank > SQ_MAX_RANK ||
      (tensor->rank && !tensor->shape))
    return FAIL(c, "function '%s' has a tensor without a name or shape",
                function);
  if (!is_type_valid(tensor->bits, tensor->lanes))
    return FAIL(c, "function '%s': '%s' has a type that isn't whole bytes",
                function, tensor->name);
  for (uint32_t i = 0; i < tensor->rank; ++i)
    if (tensor->shape[i] < -(int64_t)c->function->num_symbols)
      return FAIL(c, "function '%s': dimension %u of '%s' has no symbol",
                  function, i, tensor->name);
  if (tensor->bound && (tensor->bound < 0 || !is_integer(tensor)))
    return FAIL(c, "function '%s': '%s' has a bound, but isn't an integer",
                function, tensor->name);
  bool kind_fits = is_result ? tensor->kind == SQ_TENSOR_RESULT
                             : tensor->kind == SQ_TENSOR_INPUT ||
                                   tensor->kind == SQ_TENSOR_STATE;
  if (!kind_fits)
    return FAIL(c, "function '%s': '%s' has the wrong kind, %u", function,
                tensor->name, tensor->kind);
  if (tensor->kind == SQ_TENSOR_STATE)
    return check_state_arg(c, tensor);
  return SQ_OK;
}

/// Whether some input has the extent `symbol`.
static bool is_bound(const sq_function_desc *function, uint32_t symbol) {
  for (uint32_t i = 0; i < function->num_args; ++i) {
    const sq_tensor_desc *tensor = &function->args[i];
    if (tensor->kind != SQ_TENSOR_INPUT)
      continue;
    for (uint32_t dim = 0; dim < tensor->rank; ++dim)
      if (tensor->shape[dim] == -1 - (int64_t)symbol)
        return true;
  }
  return false;
}

static sq_status check_position_rule(const checker *c) {
  const sq_function_desc *f = c->function;
  if (f->pos_arg == -1)
    return SQ_OK;
  if (f->pos_arg < -1 || (uint32_t)f->pos_arg >= f->num_args)
    return FAIL(c, "function '%s' has no argument %d for its position", f->name,
                f->pos_arg);
  const sq_tensor_desc *pos = &f->args[f->pos_arg];
  if (pos->kind != SQ_TENSOR_INPUT || pos->rank != 0 || !is_integer(pos))
    return FAIL(c, "function '%s': the position '%s' isn't an integer scalar",
                f->name, pos->name);
  if (f->len_symbol < -1 ||
      (f->len_symbol >= 0 && (uint32_t)f->len_symbol >= f->num_symbols))
    return FAIL(c, "function '%s' has no symbol %d for its length", f->name,
                f->len_symbol);
  if (f->capacity < 0 || f->fixed_len < 0)
    return FAIL(c, "function '%s' has a negative capacity or length", f->name);
  return SQ_OK;
}

static sq_status check_function(const checker *c) {
  const sq_function_desc *f = c->function;
  if (!f->name || !f->entry || (f->num_args && !f->args) ||
      (f->num_results && !f->results) || (f->num_symbols && !f->symbols))
    return FAIL(c, "the descriptor has a function with missing parts");
  // Before the tensors are looked at: they may be many.
  if (f->num_symbols > INT32_MAX)
    return FAIL(c, "function '%s' has too many symbols", f->name);

  sq_status status = SQ_OK;
  for (uint32_t i = 0; i < f->num_args && status == SQ_OK; ++i)
    status = check_tensor(c, &f->args[i], /*is_result=*/false);
  for (uint32_t i = 0; i < f->num_results && status == SQ_OK; ++i)
    status = check_tensor(c, &f->results[i], /*is_result=*/true);
  if (status != SQ_OK)
    return status;

  for (uint32_t i = 0; i < f->num_symbols; ++i) {
    if (!f->symbols[i].name)
      return FAIL(c, "function '%s': symbol %u has no name", f->name, i);
    if (!is_bound(f, i))
      return FAIL(c, "function '%s': no input has the extent '%s'", f->name,
                  f->symbols[i].name);
  }
  return check_position_rule(c);
}

sq_status sq_check_descriptor(const sq_artifact_desc *a, sq_message message) {
  checker c = {a, NULL, message};
  if (!a->producer || !a->model_name || !a->target_triple || !a->target_cpu ||
      !a->target_features)
    return FAIL(&c, "the descriptor has a NULL string");
  if ((a->num_functions && !a->functions) || (a->num_states && !a->states) ||
      (a->num_layers && !a->layers))
    return FAIL(&c, "the descriptor has a NULL table");
  if (a->flags)
    return FAIL(&c, "the descriptor has unknown flags, 0x%x", a->flags);
  for (uint32_t i = 0; i < a->num_states; ++i) {
    sq_status status = check_state(&c, &a->states[i]);
    if (status != SQ_OK)
      return status;
  }
  for (uint32_t i = 0; i < a->num_functions; ++i) {
    c.function = &a->functions[i];
    sq_status status = check_function(&c);
    if (status != SQ_OK)
      return status;
  }
  return SQ_OK;
}
