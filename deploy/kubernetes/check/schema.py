"""Objects against the types of Kubernetes, and values of the chart against its schema."""

import json

import jsonschema


class Kinds:
    """schema/kubernetes.json: the kinds that we use, made from the API's own types by schema/renew."""

    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self._schema = json.load(file)
        self._validators = {}

    def findings(self, thing):
        """What is wrong with one object, as texts."""
        if not isinstance(thing, dict):
            return ["not an object: %r" % (thing,)]
        kind = "%s/%s" % (thing.get("apiVersion"), thing.get("kind"))
        if kind not in self._schema["kinds"]:
            return ["apiVersion and kind %s are not among those of schema/kubernetes.json" % kind]
        if kind not in self._validators:
            root = {"$ref": self._schema["kinds"][kind], "definitions": self._schema["definitions"]}
            self._validators[kind] = jsonschema.Draft7Validator(root)
        return _texts(self._validators[kind], thing)


def value_findings(schema, values):
    """What is wrong with values of a chart."""
    jsonschema.Draft7Validator.check_schema(schema)
    return _texts(jsonschema.Draft7Validator(schema), values)


def _texts(validator, thing):
    errors = sorted(validator.iter_errors(thing), key=lambda error: [str(part) for part in error.absolute_path])
    return [_text(jsonschema.exceptions.best_match([error])) for error in errors]


def _text(error):
    path = ".".join(str(part) for part in error.absolute_path) or "top"
    return "%s: %s" % (path, error.message[:300])
