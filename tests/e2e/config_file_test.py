"""Every way a file can change is noticed: a rename, an edit in place, Kubernetes' links, SIGHUP."""

import os
import signal
import stat

import harness
from harness import Requests, wait_for, yaml

RULE = {"name": "web", "listen": "127.0.0.1:8080"}


def to(port):
    """A configuration that leads to the backend on this port."""
    return yaml({"rules": [{**RULE, "backends": ["127.0.0.1:%d" % port]}]})


class ConfigFileTest(harness.Case):
    def setUp(self):
        self.servers("127.0.0.1:9001", "127.0.0.1:9002")

    def served_by(self):
        return set(Requests(self, "127.0.0.1:8080", connections=4).result()["backends"])

    def wait_until_served_by(self, name):
        wait_for(lambda: self.served_by() == {name}, 10, "the change arrives")

    def test_a_rename_and_an_edit_in_place(self):
        lb = self.balancer().start(to(9001))
        lb.write(to(9002))
        self.wait_until_served_by("b")
        with open(lb.config_path, "w", encoding="utf-8") as file:
            file.write(to(9001))
        self.wait_until_served_by("a")

    def test_the_links_of_a_kubernetes_volume(self):
        """The file is a link into a folder that is a link itself; only the inner one is swapped."""
        lb = self.balancer()
        volume = os.path.join(self.folder, "volume")
        for name, port in (("..1", 9001), ("..2", 9002)):
            os.makedirs(os.path.join(volume, name))
            with open(os.path.join(volume, name, "lb.yaml"), "w", encoding="utf-8") as file:
                file.write(to(port))
        os.symlink("..1", os.path.join(volume, "..data"))
        lb.config_path = os.path.join(volume, "lb.yaml")
        os.symlink("..data/lb.yaml", lb.config_path)
        lb.start()
        self.assertEqual(self.served_by(), {"a"})
        os.symlink("..2", os.path.join(volume, "..data_tmp"))
        os.rename(os.path.join(volume, "..data_tmp"), os.path.join(volume, "..data"))
        self.wait_until_served_by("b")

    def test_sighup_reads_the_file_again(self):
        lb = self.balancer().start(to(9001))

        def reads():
            return lb.control_metrics().sum("lb_config_reloads_total")

        before = reads()
        lb.control.send(signal.SIGHUP)
        wait_for(lambda: reads() > before, 10, "it is read again")
        self.assertTrue(lb.control.running())
        self.assertEqual(self.served_by(), {"a"})

    def test_the_sockets_are_closed_to_others(self):
        lb = self.balancer().start(to(9001))
        for api in (lb.worker_api, lb.admin_api):
            mode = stat.S_IMODE(os.stat(api[len("unix:"):]).st_mode)
            self.assertEqual(mode & 0o007, 0, "%s: %o" % (api, mode))


if __name__ == "__main__":
    harness.main()
