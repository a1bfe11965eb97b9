"""Measures and prints the tables of docs/performance.md; tools/bench/run calls it."""
import argparse
import json
import sys

import measure
import tables


def main():
    parser = argparse.ArgumentParser(prog="tools/bench/run", description=__doc__)
    parser.add_argument("--build", default="build/nightly", help="folder that holds ulpscope_bench")
    parser.add_argument("--quick", action="store_true", help="about a minute")
    parser.add_argument("--keep", metavar="FILE", help="write what was measured as JSON")
    parser.add_argument("--show", metavar="FILE", help="tables of figures kept before")
    arguments = parser.parse_args()
    if arguments.show:
        with open(arguments.show, encoding="utf-8") as file:
            figures = json.load(file)
    else:
        figures = measure.everything(arguments.build, arguments.quick)
    if arguments.keep:
        with open(arguments.keep, "w", encoding="utf-8") as file:
            json.dump(figures, file, indent=1)
            file.write("\n")
    sys.stdout.write(tables.markdown(figures))


if __name__ == "__main__":
    main()
