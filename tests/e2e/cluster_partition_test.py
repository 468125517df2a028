"""A cluster is split, and comes together again by itself."""

import time

import harness
from harness import namespace, wait_for
from harness.member import KEY, MemberCase, split

# Half of four: the word of two that somebody is dead counts after a dozen seconds.
SPLIT_S = 25
# Those that failed are called again so often, and the news has to get round.
HEAL_S = 30 + 10


class ClusterPartitionTest(MemberCase):
    def test_the_halves_find_each_other_again(self):
        members = self.together(4, key=KEY)
        left, right = members[:2], members[2:]
        split(self, left, right)
        begin = time.monotonic()
        for half, others in ((left, right), (right, left)):
            lost = {one.name for one in others}
            for member in half:
                wait_for(lambda one=member: one.count("lb_members", state="failed") == 2, SPLIT_S,
                         "%s has lost the other half" % member.name)
                self.assertEqual(set(member.events("failed")), lost)
                self.assertEqual(member.count("lb_members", state="alive"), 2)
        self.figure("split after %.1f s", time.monotonic() - begin)
        namespace.unblock_all()
        begin = time.monotonic()
        for member in members:
            member.wait_for_alive(4, HEAL_S)
        self.figure("healed after %.1f s", time.monotonic() - begin)


if __name__ == "__main__":
    harness.main()
