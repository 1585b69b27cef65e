"""The roofline plot of peers.py. Usage: plot.py POINTS.json PLOT.svg"""

import json
import sys

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "sparse-quant"
matplotlib.rcParams["svg.fonttype"] = "none"
import matplotlib.pyplot as plt  # noqa: E402


def main():
    data = json.load(open(sys.argv[1]))
    limits = data["limits"]
    figure, axes = plt.subplots(figsize=(8, 5))
    xs = [1, 1e4]
    for name, peak in [("int8 peak", limits["int8_Gops"]), ("f32 peak", limits["f32_Gops"])]:
        knee = peak / limits["read_GB/s"]
        axes.plot([xs[0], knee, xs[1]], [limits["read_GB/s"] * xs[0], peak, peak], color="black",
                  linewidth=1, linestyle="-" if "int8" in name else ":")
        axes.annotate(f"{name} {peak:.0f} Gops", (xs[1], peak), ha="right", va="bottom", fontsize=8)
    axes.annotate(f"read {limits['read_GB/s']:.0f} GB/s", (1.2, limits["read_GB/s"] * 1.5),
                  fontsize=8, rotation=38)
    for index, (name, points) in enumerate(data["series"].items()):
        peer = name.startswith("fastest")
        axes.plot(*zip(*points), marker="x" if peer else "o", markersize=5, linewidth=0.8,
                  linestyle="--" if peer else "-", color=f"C{index}", label=name)
    axes.set(xscale="log", yscale="log", xlabel="operations a byte of packed weights",
             ylabel="Gops (dropped weights included)",
             title=f"Linear layer {data['shape']}: M = 1, 8, 128, 512")
    axes.legend(fontsize=8)
    axes.grid(True, which="major", linewidth=0.3)
    figure.tight_layout()
    figure.savefig(sys.argv[2], metadata={"Date": None})


if __name__ == "__main__":
    main()
