#!/usr/bin/python3
"""Checks the objects of one installation, from files or standard input, and prints what is wrong.

    check [--outside NAME]... [FILE]...

--outside names a ConfigMap or ServiceAccount that is made elsewhere. Exit code 1: there are findings.
"""

import argparse
import os
import sys

_HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, _HERE)
import rules  # pylint: disable=wrong-import-position
import schema  # pylint: disable=wrong-import-position
import strict_yaml  # pylint: disable=wrong-import-position

KINDS = os.path.join(_HERE, "..", "schema", "kubernetes.json")


def findings(text, outside=()):
    """All findings about the objects in a text of YAML documents."""
    try:
        things = strict_yaml.load_all(text)
    except strict_yaml.Error as error:
        return [str(error)]
    kinds = schema.Kinds(KINDS)
    found = []
    for thing in things:
        name = rules.title(thing) if isinstance(thing, dict) else "?"
        found += ["%s: %s" % (name, text) for text in kinds.findings(thing)]
    # The rules read fields that the schema has found to be there.
    return found or rules.findings(things, outside)


def main():
    parser = argparse.ArgumentParser(description="checks the objects of one installation")
    parser.add_argument("--outside", action="append", default=[])
    parser.add_argument("files", nargs="*")
    options = parser.parse_args()
    texts = []
    for path in options.files:
        with open(path, encoding="utf-8") as file:
            texts.append(file.read())
    text = "\n---\n".join(texts) if texts else sys.stdin.read()
    found = findings(text, options.outside)
    print("\n".join(found) if found else "good")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
