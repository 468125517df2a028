"""Servers from the larger Debian packages. The same rules as in real_peers.py."""

import os
import signal

from harness.process import run
from harness.real_peers import AS_USER, checked, make_folder, start_server
from harness.waiting import wait_for


def mariadb(case, host, port):
    """MariaDB with user "lb", password "lb", and an empty database "sbtest"."""
    folder = make_folder(case, "mariadb")
    data = os.path.join(folder, "data")
    sock = os.path.join(folder, "s")
    install = ["mariadb-install-db", "--no-defaults", "--datadir=" + data]
    checked(AS_USER + install + ["--auth-root-authentication-method=normal", "--skip-test-db"])
    argv = ["mariadbd", "--no-defaults", "--datadir=" + data, "--bind-address=" + host]
    argv += ["--port=%d" % port, "--socket=" + sock, "--pid-file=" + folder + "/pid"]
    argv += ["--innodb-flush-log-at-trx-commit=0", "--skip-name-resolve"]
    start_server(case, "mariadb", AS_USER + argv)
    admin = ["mariadb", "--no-defaults", "-u", "root", "--socket=" + sock, "-e"]
    wait_for(lambda: run(admin + ["select 1"]).returncode == 0, 60, "MariaDB answers")
    user = "create user lb@'%' identified by 'lb'; grant all on *.* to lb@'%';"
    checked(admin + [user + "create database sbtest"])


def rabbitmq(case, host, port):
    """RabbitMQ with its default user "guest"."""
    folder = make_folder(case, "rabbitmq")
    with open(folder + "/rabbitmq.conf", "w", encoding="utf-8") as file:
        file.write("listeners.tcp.1 = %s:%d\nloopback_users = none\n" % (host, port))
    env = {
        "HOME": folder,
        "RABBITMQ_NODENAME": "lb@localhost",
        "RABBITMQ_CONFIG_FILE": folder + "/rabbitmq.conf",
        "RABBITMQ_MNESIA_BASE": folder + "/mnesia",
        "RABBITMQ_LOG_BASE": folder + "/log",
        "RABBITMQ_ENABLED_PLUGINS_FILE": folder + "/plugins",
        "RABBITMQ_PID_FILE": folder + "/pid",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
    # Erlang would leave a daemon of its own behind.
    start_server(case, "epmd", ["epmd", "-address", "127.0.0.1"])
    # The wrapper of the package changes the user; the server behind it does not.
    argv = ["/usr/lib/rabbitmq/bin/rabbitmq-server"]
    start_server(case, "rabbitmq", AS_USER + argv, env=env)
    wait_until_open(host, port, 90)


def nats(case, host, port):
    start_server(case, "nats", ["nats-server", "-a", host, "-p", str(port)])
    wait_until_open(host, port)


def mosquitto(case, host, port):
    folder = make_folder(case, "mosquitto")
    with open(folder + "/conf", "w", encoding="utf-8") as file:
        file.write("listener %d %s\nallow_anonymous true\nmax_queued_messages 0\n" % (port, host))
    start_server(case, "mosquitto", AS_USER + ["mosquitto", "-c", folder + "/conf"])
    wait_until_open(host, port)


_SLAPD_CONF = """
include /etc/ldap/schema/core.schema
include /etc/ldap/schema/cosine.schema
include /etc/ldap/schema/inetorgperson.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {folder}/pid
database mdb
suffix "dc=t"
rootdn "cn=admin,dc=t"
rootpw x
directory {folder}/db
"""


def slapd(case, host, port):
    """OpenLDAP with the empty suffix dc=t; cn=admin,dc=t has password "x"."""
    folder = make_folder(case, "slapd")
    make_folder(case, "slapd/db")
    with open(folder + "/conf", "w", encoding="utf-8") as file:
        file.write(_SLAPD_CONF.format(folder=folder))
    argv = ["slapd", "-d", "0", "-f", folder + "/conf", "-h", "ldap://%s:%d" % (host, port)]
    start_server(case, "slapd", AS_USER + argv)
    wait_until_open(host, port)


def etcd(case, host, port):
    folder = make_folder(case, "etcd")
    url, peer = "http://%s:%d" % (host, port), "http://127.0.0.1:2381"
    argv = ["etcd", "--data-dir", folder, "--listen-client-urls", url]
    argv += ["--advertise-client-urls", url, "--listen-peer-urls", peer]
    argv += ["--initial-advertise-peer-urls", peer, "--initial-cluster", "default=" + peer]
    start_server(case, "etcd", argv)
    health = ["etcdctl", "--endpoints=" + url, "endpoint", "health"]
    env = {"ETCDCTL_API": "3"}
    wait_for(lambda: run(health, env=env).returncode == 0, 60, "etcd answers")


def smtp(case, host, port, folder):
    """An SMTP server that stores each message as a file in `folder`."""
    os.makedirs(folder, exist_ok=True)
    handler = os.path.join(case.folder, "smtp_handler.py")
    with open(handler, "w", encoding="utf-8") as file:
        file.write(_SMTP_HANDLER % folder)
    argv = ["/usr/bin/python3", "-m", "aiosmtpd", "-n", "-s", "67108864"]
    argv += ["-l", "%s:%d" % (host, port), "-c", "smtp_handler.Store"]
    start_server(case, "smtp", argv, signal.SIGINT, env={"PYTHONPATH": case.folder})
    wait_until_open(host, port)


_SMTP_HANDLER = """
class Store:
    count = 0

    async def handle_DATA(self, server, session, envelope):
        Store.count += 1
        with open("%s/%%d" %% Store.count, "wb") as file:
            file.write(envelope.original_content)
        return "250 stored"
"""


def wait_until_open(host, port, timeout=30):
    """Waits until somebody listens there."""

    def open_():
        return run(["socat", "-u", "/dev/null", "TCP:%s:%d" % (host, port)]).returncode == 0

    wait_for(open_, timeout, "a server at %s:%d" % (host, port))
