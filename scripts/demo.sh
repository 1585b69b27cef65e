#!/usr/bin/env bash
# The demo: compiles the committed model dense, sparse, quantized and both, lets
# the sparse int8 one write, and prints one table of what that costs and gains.
# Every figure is measured in this run. Files go to build/demo.
#
# For its test: SQ_DEMO_TOOLS, a folder of tools to use instead of building them;
# SQ_DEMO_OUT, the folder of its files; SQ_DEMO_TEXT, what is scored; SQ_DEMO_RUNS,
# how often decoding is timed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
trap 'echo "demo: failed at line $LINENO: $BASH_COMMAND" >&2' ERR

if [[ ! -v SQ_DEMO_TOOLS ]]; then
  bash scripts/setup.sh
  bash scripts/build.sh release sq-compile sq-run
fi
export PATH=${SQ_DEMO_TOOLS:-$PWD/build/release/bin}:$PATH
models=models/demo
recipes=examples/recipes
tokenizer=$models/tokenizer.bin
text=${SQ_DEMO_TEXT:-$models/valid.txt}
out=${SQ_DEMO_OUT:-build/demo}
runs=${SQ_DEMO_RUNS:-30}
rm -rf "$out"
mkdir -p "$out"

# compile NAME MODEL [sq-compile options...] makes $out/NAME.{so,sqw,h}.
compile() {
  echo "compile $1"
  sq-compile "$models/$2" -o "$out/$1.so" --quiet "${@:3}"
}
compile dense dense
compile int8 dense --recipe $recipes/w8a8.yaml
for model in dense sparse24; do
  # What we ship: the mask first, then int8, packed for the sparse kernel.
  compile $model-24-int8 $model --recipe $recipes/sparse24-w8a8.yaml \
    --report "$out/$model-24-int8.json"
  # What we compare with: the same recipe's halves, and the wrong order.
  compile $model-24 $model --recipe $recipes/sparse24-w8a8.yaml --study-order=sparsity
  compile $model-int8-24 $model --recipe $recipes/sparse24-w8a8.yaml \
    --study-order=quantization-first
done

for library in "$out"/*.so; do
  name=$(basename "$library" .so)
  echo "score $name"
  sq-run perplexity "$library" --tokenizer $tokenizer --text "$text" \
    --json >"$out/$name.perplexity.json"
done
# Speed on one thread, since waking a second costs more than such small layers
# take. The table has the fastest of many runs: other programs on the machine
# disturb that the least.
echo "time decoding"
for ((run = 0; run < runs; ++run)); do
  for name in dense int8 dense-24-int8 sparse24-24-int8; do
    sq-run generate "$out/$name.so" --tokenizer $tokenizer --prompt "In the beginning" \
      --steps 256 --threads 1 >/dev/null 2>>"$out/$name.speed"
  done
done

echo
echo "The 2:4 fine-tuned model in int8, a native library without MLIR or Python, writes:"
echo
sq-run generate "$out/sparse24-24-int8.so" --tokenizer $tokenizer --steps 160 \
  --prompt "In the beginning" --temperature 0.7 --seed 7 2>/dev/null | fold -s -w 78
echo
.venv/bin/python scripts/demo_table.py "$out"
