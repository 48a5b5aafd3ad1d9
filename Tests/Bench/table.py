"""The figures of all rounds, and the table of their medians."""
import json
import statistics
from pathlib import Path


class Table:
    """The figures of all rounds, by row and balancer. The others are compared with the first balancer."""

    def __init__(self, names: list[str]):
        self.names, self.reference = names, names[0]
        self.rounds: dict[tuple[str, str], list[float]] = {}
        self.busy: dict[tuple[str, str], list[float]] = {}
        self.units: dict[str, str] = {}

    def add(self, row: str, unit: str, name: str, figure: float, busy: float | None = None) -> None:
        self.units[row] = unit
        self.rounds.setdefault((row, name), []).append(figure)
        if busy is not None:
            self.busy.setdefault((row, name), []).append(busy)

    def ratio(self, row: str, name: str) -> float:
        pairs = zip(self.rounds[row, name], self.rounds[row, self.reference])
        return statistics.median(figure / reference for figure, reference in pairs)

    def write(self) -> None:
        others = self.names[1:]
        print(f"{'':26}{'unit':>15}" + "".join(f"{name:>11}" for name in self.names)
              + "".join(f"{f'{name}/{self.reference}':>19}" for name in others) + "   core busy %")
        for row, unit in self.units.items():
            figures = "".join(f"{statistics.median(self.rounds[row, name]):11.4g}" for name in self.names)
            ratios = "".join(f"{self.ratio(row, name):19.2f}" for name in others)
            busy = "/".join(f"{100 * statistics.median(self.busy[row, name]):.0f}"
                            for name in self.names if (row, name) in self.busy)
            print(f"{row:26}{unit:>15}{figures}{ratios}   {busy}")

    def save(self, path: Path) -> None:
        rows = [{"row": row, "unit": self.units[row], "balancer": name, "rounds": figures}
                for (row, name), figures in self.rounds.items()]
        path.write_text(json.dumps(rows, indent=1))
