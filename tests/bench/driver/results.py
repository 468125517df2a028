"""The three files of a benchmark: results.json, which holds everything, and what is made of it."""

import json
import os

from driver.chart import chart
from driver.summary import Summary
from driver.tables import report


def read(path):
    """An earlier results.json; OSError or ValueError when it cannot be read."""
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def text_of(results):
    """The report."""
    return report(Summary(results))


def write(folder, results):
    """Writes all three, into a folder that is made if need be."""
    files = {
        "results.json": json.dumps(results, indent=1) + "\n",
        "report.md": text_of(results),
        "ratios.svg": chart(Summary(results)),
    }
    os.makedirs(folder, exist_ok=True)
    for name, content in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(content)
