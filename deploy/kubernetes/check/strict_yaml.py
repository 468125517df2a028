"""YAML as Kubernetes should see it: a key that is there twice is an error, not the last one's gain."""

import yaml


class Error(Exception):
    """Not YAML, or a key twice; says where."""


class _Loader(yaml.SafeLoader):
    pass


def _mapping(loader, node):
    loader.flatten_mapping(node)
    seen = set()
    for key, _ in node.value:
        name = loader.construct_object(key)
        if name in seen:
            mark = key.start_mark
            raise Error("line %d: the key %r is there twice" % (mark.line + 1, name))
        seen.add(name)
    return loader.construct_mapping(node, deep=True)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_all(text):
    """The documents that are not empty."""
    try:
        return [document for document in yaml.load_all(text, Loader=_Loader) if document is not None]
    except yaml.YAMLError as error:
        raise Error(str(error)) from error


def load(text):
    documents = load_all(text)
    if len(documents) != 1:
        raise Error("%d documents instead of one" % len(documents))
    return documents[0]
