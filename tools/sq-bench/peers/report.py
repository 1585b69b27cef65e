"""What peers.py measured, as a page: tables, which bars are met, a roofline plot."""

import json
import math
import pathlib
import subprocess

INT8, INT4 = "sq int8.row dense x int8.row", "sq int4.g64.f16 dense x int8.row"
SPARSE8, SPARSE4 = "sq int8.row nm2:4 x int8.row", "sq int4.g64.f16 nm2:4 x int8.row"
HALF8 = "sq int8.row unstructured0.5.row x int8.row"
HALF4 = "sq int4.g64.f16 unstructured0.5.row x int8.row"
BLOCK75, BLOCK90 = (f"sq int8.row block16x4.0.{s} x int8.row" for s in ("75", "9"))
MX4, MX6 = "sq mx.e2m1fn dense x int8.row", "sq mx.e2m3fn dense x int8.row"
HBFP8 = "sq hbfp7.g64 dense x int8.row"
ONEDNN = ["oneDNN (Debian), s8 product alone", "oneDNN (Debian), u8 product alone",
          "oneDNN in PyTorch, int8 product alone", "PyTorch int8, dynamic, oneDNN"]
GGML4 = ["ggml Q4_0", "ggml Q4_0, repacked"]


class Case:
    def __init__(self, data):
        self.data = data
        self.n, self.k = map(int, data["shape"].split("x"))
        self.m = data["m"]

    def seconds(self, *labels):
        """Of the fastest of `labels` in its best turn; NaN if none ran."""
        turns = [turn for label in labels
                 for turn in self.data["rows"].get(label, {}).get("turns", [])]
        return min(turns, default=math.nan)

    def ratio(self, label, *others):
        """How many times as fast as the fastest of `others`."""
        return self.seconds(*others) / self.seconds(label)

    def limit(self, key):
        return max(self.data.get(key, [math.nan]))

    def gigabytes(self, label):
        """A second, of packed weights."""
        return self.data["rows"].get(label, {}).get("MB", math.nan) / 1e3 / self.seconds(label)


class Bars:
    """One row a bar; where several measurements belong to it, the worst decides."""

    def __init__(self):
        self.rows = []

    def at_least(self, what, bar, values, percent=False):
        values = [value for value in values if not math.isnan(value)]
        show = (lambda value: f"{value * 100:.0f} %") if percent else \
            (lambda value: f"{value:.2f} ×")
        bound = f"≥ {bar * 100:.0f} %" if percent else f"≥ {bar:g} ×"
        self.add(what, bound, values, show, bool(values) and min(values) >= bar)

    def at_most(self, what, bar, values):
        values = [value for value in values if not math.isnan(value)]
        self.add(what, f"≤ {bar:g} s", values, lambda value: f"{value:.2f} s",
                 bool(values) and max(values) <= bar)

    def add(self, what, bound, values, show, is_met):
        if not values:
            text, verdict = "–", "not measured"
        else:
            ends = [show(min(values)), show(max(values))]
            text = ends[0] if ends[0] == ends[1] else " to ".join(ends)
            verdict = "**met**" if is_met else "missed"
        self.rows.append(f"| {what} | {bound} | {text} | {verdict} |")


def layer_bars(cases, bars):
    large = [case for (shape, m), case in cases.items() if (shape, m) == ("16384x14336", 1)]
    prefill = [case for (shape, m), case in cases.items()
               if shape in ("4096x4096", "4096x14336") and m in (128, 512)]

    def read_share(label):
        return [case.gigabytes(label) / case.limit("read_GB/s") for case in large]

    def ratios(cases, label, *others):
        return [case.ratio(label, *others) for case in cases]

    bars.at_least("decode 2:4 int4 g64: of the read bandwidth", .9, read_share(SPARSE4), True)
    bars.at_least("decode 2:4 int4 g64: to ggml Q4_0", 2, ratios(large, SPARSE4, *GGML4))
    bars.at_least("decode 2:4 int4 g64: to our dense int4", 1.3, ratios(large, SPARSE4, INT4))
    bars.at_least("decode dense int8: of the read bandwidth", .85, read_share(INT8), True)
    bars.at_least("decode dense int4: of the read bandwidth", .85, read_share(INT4), True)
    for name, label in [("dense int8", INT8), ("2:4 int8", SPARSE8), ("2:4 int4", SPARSE4),
                        ("50 % int8", HALF8), ("50 % int4", HALF4)]:
        bars.at_least(f"prefill {name}: to the fastest oneDNN int8", .9,
                      ratios(prefill, label, *ONEDNN))
    for name, label, dense in [("2:4 int8", SPARSE8, INT8), ("2:4 int4", SPARSE4, INT4),
                               ("50 % int8", HALF8, INT8), ("50 % int4", HALF4, INT4)]:
        bars.at_least(f"prefill {name}: to our dense", .95, ratios(prefill, label, dense))
    bars.at_least("prefill block 16x4 at 75 %: to our dense int8", 2.2,
                  ratios(prefill, BLOCK75, INT8))
    bars.at_least("prefill block 16x4 at 90 %: to our dense int8", 4,
                  ratios(prefill, BLOCK90, INT8))
    for where, some in [("decode", large), ("prefill", prefill)]:
        for name, label, other in [("MXFP4: to int4", MX4, INT4), ("HBFP8: to int8", HBFP8, INT8),
                                   ("MXFP6-E2M3: to int8", MX6, INT8)]:
            bars.at_least(f"{where} {name}", .95, ratios(some, label, other))


def model_bars(models, bars):
    for case in models:
        def best(label):
            turns = case["rows"].get(label, {}).get("turns", [])
            return max((turn["decode"] for turn in turns), default=math.nan)
        for label in case["rows"]:
            if label.startswith("sq ") and "int4" in label:
                bars.at_least(
                    f"decode of {case['model']}, threads {case['threads']}, {label[3:]}: to "
                    "llama.cpp Q4_0", 2, [best(label) / best("llama.cpp Q4_0")])


def compile_bars(cases, bars):
    def seconds(case, label):
        return case.data["rows"].get(label, {}).get("compile_s", math.nan)

    small = [case for (shape, _), case in cases.items() if shape == "768x3072"]
    bars.at_most("compile a layer of 768x3072, packing included", 1,
                 [seconds(case, label) for case in small for label in case.data["rows"]])
    large = [case for (shape, _), case in cases.items() if shape == "16384x14336"]
    bars.at_least("pack 16384x14336: GB of f32 a second, code generation included", 1,
                  [case.n * case.k * 4 / 1e9 / seconds(case, label)
                   for case in large for label in (INT8, INT4, SPARSE8, SPARSE4)])


def layer_table(shape, threads, cases, write):
    ms = sorted(m for s, m in cases if s == shape)
    write(f"### {shape}, {threads} thread{'s' if threads > 1 else ''}\n")
    write("| program | " + " | ".join(f"M = {m}, µs" for m in ms)
          + " | GB/s at M = 1 | Gops at M = %d | kernel |" % ms[-1])
    write("| --- |" + " ---: |" * (len(ms) + 2) + " --- |")
    labels = list(dict.fromkeys(label for m in ms for label in cases[shape, m].data["rows"]))
    for label in labels:
        rows = {m: cases[shape, m].data["rows"].get(label, {}) for m in ms}
        reason = next((row["unavailable"] for row in rows.values() if "unavailable" in row), None)
        cells = []
        for m in ms:
            seconds = cases[shape, m].seconds(label)
            cells.append("–" if math.isnan(seconds) else f"{seconds * 1e6:.0f}")
        last = cases[shape, ms[-1]]
        speed = 2 * last.n * last.k * last.m / last.seconds(label) / 1e9
        bandwidth = cases[shape, 1].gigabytes(label) if 1 in ms else math.nan
        kernel = next((row["kernel"] for row in rows.values() if "kernel" in row), "")
        if reason and not any(row.get("turns") for row in rows.values()):
            kernel = "not available: " + reason.replace("|", "\\|")
        name = "ours: " + label[3:] if label.startswith("sq ") else label
        write(f"| {name} | " + " | ".join(cells) + " | "
              + ("" if math.isnan(bandwidth) else f"{bandwidth:.0f}") + " | "
              + ("" if math.isnan(speed) else f"{speed:.0f}") + f" | {kernel} |")
    limits = {key: max(cases[shape, m].limit(key) for m in ms)
              for key in ("read_GB/s", "int8_Gops", "f32_Gops")}
    write(f"\nLimits measured in the same run: read {limits['read_GB/s']:.0f} GB/s, int8 "
          f"{limits['int8_Gops']:.0f} Gops, f32 {limits['f32_Gops']:.0f} Gops.\n")


def model_table(models, write):
    write("| model | threads | program | weights, MB | prefill, tokens/s | decode, tokens/s | "
          "compile, s |")
    write("| --- | ---: | --- | ---: | ---: | ---: | ---: |")
    for case in models:
        for label, row in case["rows"].items():
            if row.get("turns"):
                speeds = [f"{max(turn[what] for turn in row['turns']):.{digits}f}"
                          for what, digits in (("prefill", 0), ("decode", 1))]
            else:
                speeds = ["–", "not available: " + row.get("unavailable", "it did not run")]
            seconds = f"{row['compile_s']:.1f}" if "compile_s" in row else ""
            size = f"{row['MB']:.0f}" if "MB" in row else ""
            name = "ours: " + label[3:] if label.startswith("sq ") else label
            write(f"| {case['model']} | {case['threads']} | {name} | {size} | {speeds[0]} | "
                  f"{speeds[1]} | {seconds} |")


def read(path):
    return json.loads(path.read_text()) if path.exists() else None


def write(options):
    layers, models = (read(options.folder / f"{name}.json") for name in ("layers", "models"))
    if not layers:
        raise SystemExit(f"peers.py: {options.folder} has no layers.json; run `peers.py layers`")
    by_threads = {}
    for data in layers["layers"]:
        by_threads.setdefault(data["threads"], {})[data["shape"], data["m"]] = Case(data)
    most = max(by_threads)
    model_cases = models["models"] if models else []

    lines = []
    add = lines.append
    bars = Bars()
    layer_bars(by_threads[most], bars)
    model_bars(model_cases, bars)
    compile_bars(by_threads[most], bars)
    machine = layers["machine"]
    commands = machine["commands"] + (models["machine"]["commands"] if models else [])
    later = models["machine"] if models else machine
    add(f"Measured {machine['date']} at commit {machine['commit']}"
        + (f", models at {later['commit']}," if later["commit"] != machine["commit"] else "")
        + f" on {machine['cpu']}, {machine['cores']} cores, {machine['system']}:\n")
    add("```\n" + "\n".join(f"python3 tools/sq-bench/{text}" for text in commands) + "\n```\n")
    for name, version in layers["versions"].items():
        add(f"- {version if not version.startswith('not available') else name + ': ' + version}")
    add(f"\n## Bars, layers with {most} threads\n")
    add("Decode is M = 1 on 16384x14336, prefill M = 128 and 512 on 4096x4096 and 4096x14336. "
        "Where a bar covers several measurements, both ends are given, and the worst decides.\n")
    add("| what | bar | measured | |\n| --- | --- | ---: | --- |")
    lines += bars.rows
    if model_cases:
        add("\n## Whole models\n")
        model_table(model_cases, add)
    add("\n## Layers\n")
    for threads, cases in sorted(by_threads.items(), reverse=True):
        for shape in dict.fromkeys(shape for shape, _ in cases):
            layer_table(shape, threads, cases, add)

    if options.markdown:
        # What stands above the marker is written by hand.
        marker = "<!-- tools/sq-bench/peers.py report writes what follows -->\n"
        text = options.markdown.read_text() if options.markdown.exists() else "# Peers\n\n" + marker
        options.markdown.write_text(text.split(marker)[0] + marker + "\n" + "\n".join(lines))
    else:
        print("\n".join(lines))
    if options.plot:
        points = options.folder / "roofline.json"
        points.write_text(json.dumps(roofline_points(by_threads[most])))
        here = pathlib.Path(__file__).resolve().parent
        subprocess.run([options.folder / "venv" / "bin" / "python", here / "plot.py", points,
                        options.plot], check=True)


def roofline_points(cases):
    shape = "4096x14336" if ("4096x14336", 1) in cases else next(iter(cases))[0]
    bits = {"oneDNN": 8, "ggml": 4.5}
    series = {
        "dense int8": [INT8], "dense int4": [INT4], "2:4 int8": [SPARSE8], "2:4 int4": [SPARSE4],
        "50 % int8": [HALF8], "block 16x4 90 % int8": [BLOCK90],
        "fastest oneDNN int8": ONEDNN, "fastest ggml Q4_0": GGML4,
    }
    result = {"shape": shape, "series": {}, "limits": {}}
    for (where, m), case in sorted(cases.items(), key=lambda item: item[0][1]):
        if where != shape:
            continue
        for key in ("read_GB/s", "int8_Gops", "f32_Gops"):
            result["limits"][key] = max(result["limits"].get(key, 0), case.limit(key))
        for name, labels in series.items():
            seconds = case.seconds(*labels)
            size = next((case.data["rows"][label]["MB"] * 1e6 for label in labels
                         if "MB" in case.data["rows"].get(label, {})),
                        case.n * case.k / 8 * bits.get(name.split()[1], 8))
            if not math.isnan(seconds):
                ops = 2 * case.n * case.k * m
                result["series"].setdefault(name, []).append(
                    [ops / size, ops / seconds / 1e9])
    return result
