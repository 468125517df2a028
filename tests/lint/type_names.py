"""Types that stand twice under one full name.

Two such types in one program break the one-definition rule of C++ ([basic.def.odr]): the linker
keeps the inline functions of one of them, a destructor say, for both. No compiler tells.
"""

import re

_MARK = re.compile(
    r"^(?:namespace (?P<space>[\w:]*) ?\{"
    r"|(?P<end>\})  // namespace"
    r"|(?:class|struct) (?:[A-Z]+_[A-Z_]+(?:\([^)]*\))? )?(?P<type>\w+)(?: final)?(?: : [^;{]*)? \{)", re.M)


def types(text):
    """(full name, start) of the types of a file, but for those that no other file can see, and
    those within another type or a function, which are indented."""
    scopes = []
    for mark in _MARK.finditer(text):
        if mark["end"]:
            scopes.pop()
        elif mark["space"] is not None:
            scopes.append(mark["space"])
        elif "" not in scopes:
            yield "::".join(scopes + [mark["type"]]), mark.start()


class TypeNames:
    """Takes file after file; findings() tells of what two files define."""

    def __init__(self):
        self._places = {}

    def add(self, path, text):
        for name, start in types(text):
            line = text.count("\n", 0, start) + 1
            self._places.setdefault(name, []).append((path, line))

    def findings(self):
        for name, places in self._places.items():
            first = places[0][0]
            for path, line in places[1:]:
                if path != first:
                    yield path, line, "type", "%s is defined in %s, too" % (name, first)
