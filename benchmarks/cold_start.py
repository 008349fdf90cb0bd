"""How long `wattmark --help` and `import wattmark` take, against a bare interpreter.

Targets: 0.2 s and 0.1 s. Prints the median of several fresh processes, and the ratio to
`python -c pass`.
"""

import statistics
import subprocess
import sys
import time
from pathlib import Path

RUNS = 11
BIN = Path(sys.executable).parent


def median_s(command: list[str]) -> float:
    times = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])


def main() -> None:
    bare = median_s([sys.executable, "-c", "pass"])
    print(f"{'python -c pass':24} {bare:6.3f} s")
    cases = {
        "import wattmark": ([sys.executable, "-c", "import wattmark"], 0.1),
        "wattmark --help": ([str(BIN / "wattmark"), "--help"], 0.2),
        "wattmark run --help": ([str(BIN / "wattmark"), "run", "--help"], 0.2),
    }
    for name, (command, target_s) in cases.items():
        took = median_s(command)
        verdict = "ok" if took < target_s else "MISSED"
        print(f"{name:24} {took:6.3f} s  {took / bare:5.1f} x bare  target {target_s} s: {verdict}")


if __name__ == "__main__":
    main()
