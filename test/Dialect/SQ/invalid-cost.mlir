// RUN: sq-opt %s --verify-diagnostics --split-input-file

// expected-error@below {{expected inputs above zero and no negative numbers, got inputs = 0, ns = 1, bytes = 1, ops = 1 [SQ-COST-1]}}
func.func @no_inputs() attributes {cost = #sq.cost<inputs = 0, ns = 1, bytes = 1, ops = 1, bound = memory>} { return }

// -----

// expected-error@below {{got inputs = 1, ns = -5, bytes = 1, ops = 1 [SQ-COST-1]}}
func.func @negative() attributes {cost = #sq.cost<inputs = 1, ns = -5, bytes = 1, ops = 1, bound = compute>} { return }
