"""Control planes of a cluster are restarted one after the other, while clients come and go."""

import signal
import time

import harness
from harness import Requests, wait_for
from harness.member import Member

COUNT, ROUNDS = 5, 4


class ClusterRollingTest(harness.Case):
    def start_all(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")
        members = [self.balancer(Member, name="lb-%d" % number, ip="127.0.3.%d" % number)
                   for number in range(1, COUNT + 1)]
        for member in members:
            member.cluster["peers"] = [one.address for one in members if one is not member]
            backends = ["127.0.0.1:9001", "127.0.0.1:9002"]
            rule = {"name": "web", "listen": member.ip + ":8080", "backends": backends}
            member.start({"rules": [rule], "cluster": member.cluster}, threads=1)
        for member in members:
            member.wait_for_alive(COUNT)
        return members

    def restart(self, member):
        """Returns what it said had failed before it ended."""
        failed = member.events("failed")
        self.assertEqual(member.control.stop(signal.SIGTERM, 20 * harness.SLOW), 0)
        member.run_again()
        member.wait_for_alive(COUNT)
        member.wait_until_synced()
        return failed

    def test_clients_and_members_see_nothing_of_it(self):
        members = self.start_all()
        crowds = [Requests(self, member.ip + ":8080", clients=2, pause_ms=20) for member in members]
        failed, took = [], []
        for member in members * ROUNDS:
            begin = time.monotonic()
            failed += self.restart(member)
            took.append(time.monotonic() - begin)
        for member in members:
            wait_for(lambda one=member: one.count("lb_members", state="alive") == COUNT, 20,
                     "%s sees all" % member.name)
            failed += member.events("failed")
        results = [crowd.finish() for crowd in crowds]
        self.figure("%d restarts, each %.1f to %.1f s; %d requests", len(took), min(took), max(took),
                    sum(result["ok"] for result in results))
        self.assertEqual([result["errors"] for result in results], [{}] * COUNT)
        self.assertEqual(failed, [])


if __name__ == "__main__":
    harness.main()
