#!/usr/bin/python3
"""The APIs in proto/ are still what lb_api_v1.binpb says, and the check that tells finds each kind
of break. `tests/api/renew` writes the set anew after additions or a break that is wanted."""

import copy
import os
import subprocess
import sys
import tempfile
import unittest

from google.protobuf import descriptor_pb2

sys.dont_write_bytecode = True  # The folder is the source tree.
import breaking  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
KEPT = os.path.join(HERE, "lb_api_v1.binpb")


def read(path):
    files = descriptor_pb2.FileDescriptorSet()
    with open(path, "rb") as file:
        files.ParseFromString(file.read())
    return files


def compiled():
    """The set of the .proto files as they are now."""
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "now.binpb")
        subprocess.run([os.path.join(HERE, "renew"), path], check=True, timeout=60)
        return read(path)


def find(holders, name):
    return next(holder for holder in holders if holder.name == name)


class BreakingTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.now = compiled()

    def message(self, files, name):
        for file in files.file:
            for message in file.message_type:
                if message.name == name:
                    return message
        raise KeyError(name)

    def service(self, files, name):
        for file in files.file:
            for service in file.service:
                if service.name == name:
                    return service
        raise KeyError(name)

    def assert_breaks(self, change, expected):
        changed = copy.deepcopy(self.now)
        change(changed)
        found = breaking.breaks(self.now, changed)
        self.assertEqual(len(found), 1, found)
        self.assertIn(expected, found[0])

    def test_the_kept_api_is_not_broken(self):
        found = breaking.breaks(read(KEPT), self.now)
        self.assertEqual(found, [], "this breaks programs; see docs/api.md")

    def test_each_kind_of_break_is_found(self):
        backend = lambda files: self.message(files, "Backend")
        rules = lambda files: self.service(files, "RuleService")

        def removed(files):
            backend(files).field.remove(find(backend(files).field, "weight"))

        def renumbered(files):
            find(backend(files).field, "weight").number = 200

        def renamed(files):
            find(backend(files).field, "weight").name = "share"

        def retyped(files):
            weight = find(backend(files).field, "weight")
            weight.type = descriptor_pb2.FieldDescriptorProto.TYPE_STRING

        def repeated(files):
            weight = find(backend(files).field, "weight")
            weight.label = descriptor_pb2.FieldDescriptorProto.LABEL_REPEATED

        def no_method(files):
            rules(files).method.remove(find(rules(files).method, "ListRules"))

        def streams(files):
            find(rules(files).method, "ListRules").server_streaming = True

        def no_value(files):
            sync = find(self.message(files, "Worker").enum_type, "Sync")
            sync.value.remove(find(sync.value, "SYNC_STALE"))

        self.assert_breaks(removed, "Backend.weight = 3: removed (and its number is not reserved)")
        self.assert_breaks(renumbered, "Backend.weight = 3: removed")
        self.assert_breaks(renamed, "Backend.weight = 3: now named share")
        self.assert_breaks(retyped, "Backend.weight = 3: other type")
        self.assert_breaks(repeated, "Backend.weight = 3: repeated")
        self.assert_breaks(no_method, "RuleService.ListRules: removed")
        self.assert_breaks(streams, "RuleService.ListRules: removed, or other messages")
        self.assert_breaks(no_value, "Worker.Sync.SYNC_STALE = 3: removed")

    def test_additions_break_nothing(self):
        grown = copy.deepcopy(self.now)
        self.message(grown, "Backend").field.add(name="colour", number=99)
        self.service(grown, "RuleService").method.add(name="PaintRule")
        grown.file[0].message_type.add(name="Colour")
        self.assertEqual(breaking.breaks(self.now, grown), [])


if __name__ == "__main__":
    unittest.main()
