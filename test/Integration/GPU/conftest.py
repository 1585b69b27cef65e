"""Models for GPUs run on a driver that interprets PTX (test/PTX), in this process.

The driver's library has the name of NVIDIA's, so once it is loaded, artifacts find it.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
for folder in ("python", "test/Integration/CPU", "test/Numerics", "test/PTX"):
    sys.path.append(str(ROOT / folder))
