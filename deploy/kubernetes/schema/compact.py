#!/usr/bin/python3
"""Standard input: what ts-json-schema-generator makes of types.ts. Standard output: the same for
check/schema.py, without descriptions and status, and only what the kinds reach; one type a line."""

import json
import sys

# Whole numbers are "number" in TypeScript. All numbers of these kinds are whole in the API; the types
# of the Prometheus operator, which begin with I, have others too.
_FOREIGN = "I"


def stripped(part, whole):
    if isinstance(part, list):
        return [stripped(value, whole) for value in part]
    if not isinstance(part, dict):
        return "integer" if whole and part == "number" else part
    return {key: stripped(value, whole) for key, value in part.items()
            if not (key == "description" and isinstance(value, str))}


def references(part):
    if isinstance(part, dict):
        if isinstance(part.get("$ref"), str):
            yield part["$ref"].rsplit("/", 1)[1]
        for value in part.values():
            yield from references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)


def is_foreign(name):
    return name[0] == _FOREIGN and name[1].isupper() and name not in ("IPBlock",)


def main():
    types = json.load(sys.stdin)["definitions"]
    types = {name: stripped(value, not is_foreign(name)) for name, value in types.items()}
    types["Quantity"] = {"type": ["number", "string"]}  # The API takes "cpu: 4" as well.
    kinds = {}
    for field in types["All"]["properties"].values():
        name = next(references(field))
        properties = types[name]["properties"]
        properties.pop("status", None)  # The API's own; a manifest has none.
        types[name]["required"] = sorted({"apiVersion", "kind", "metadata", *types[name].get("required", [])})
        key = "%s/%s" % (properties["apiVersion"]["const"], properties["kind"]["const"])
        kinds[key] = "#/definitions/" + name
    reached, waiting = set(), [next(references({"$ref": ref})) for ref in kinds.values()]
    while waiting:
        name = waiting.pop()
        if name not in reached:
            reached.add(name)
            waiting += references(types[name])
    rows = ",\n".join('%s: %s' % (json.dumps(name), json.dumps(types[name], sort_keys=True, separators=(",", ":")))
                      for name in sorted(reached))
    print('{"kinds": %s,\n"definitions": {\n%s\n}}' % (json.dumps(kinds, sort_keys=True), rows))


if __name__ == "__main__":
    main()
