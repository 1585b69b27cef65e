"""Nothing of the compiler: PTX is written here."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
