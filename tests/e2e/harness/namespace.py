"""A network namespace for this process and its children, with loopback only.

Ports never meet those of another test, and nothing can leave the machine. Root uses its right to
make one; anybody else becomes root of a user namespace first (unshare(2)).
"""

import ctypes
import os
import subprocess

_CLONE_NEWUSER = 0x10000000
_CLONE_NEWNET = 0x40000000

# Thirty thousand connections from one address need more ports than the default range has.
_SYSCTLS = {
    "net/ipv4/ip_local_port_range": "2000 65000",
    "net/ipv4/tcp_tw_reuse": "1",
}
# Fixed ports of the tests; the kernel keeps out of them when it picks one.
_RESERVED_PORTS = "5000-9999"


def enter(sysctls=None):
    """Moves this process into its own namespace. Before any thread is started.

    `sysctls`: more settings of it, and other values for the usual ones, by path under /proc/sys.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.geteuid(), os.getegid()
    flags = _CLONE_NEWNET if uid == 0 else _CLONE_NEWNET | _CLONE_NEWUSER
    if libc.unshare(flags) != 0:
        error = ctypes.get_errno()
        raise OSError(error, "no network namespace: " + os.strerror(error))
    if uid != 0:
        for path, text in (
            ("/proc/self/setgroups", "deny"),
            ("/proc/self/uid_map", "0 %d 1" % uid),
            ("/proc/self/gid_map", "0 %d 1" % gid),
        ):
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    usual = {**_SYSCTLS, "net/ipv4/ip_local_reserved_ports": _RESERVED_PORTS}
    for name, value in {**usual, **(sysctls or {})}.items():
        set_sysctl(name, value)


def set_sysctl(name, value):
    """Sets what the kernel keeps for each namespace, "net/ipv4/tcp_wmem" for example."""
    with open("/proc/sys/" + name, "w", encoding="ascii") as file:
        file.write(value)


def add_address(address):
    """Gives loopback another address, "10.0.0.1"."""
    subprocess.run(["ip", "address", "add", address + "/32", "dev", "lo"], check=True)


def attach(pid, address, gateway="10.0.0.254"):
    """Gives the namespace of process `pid` this address, reached from ours over a veth pair.

    Ours is `gateway`, so that the two sides can use the same ports. Returns the pair's name.
    """
    near, enter_far = "to-%d" % pid, ["nsenter", "--net=/proc/%d/ns/net" % pid]
    commands = [
        ["ip", "link", "add", near, "type", "veth", "peer", "name", "eth0", "netns", str(pid)],
        ["ip", "link", "set", near, "up"],
        ["ip", "address", "add", gateway + "/32", "dev", near],
        ["ip", "route", "add", address + "/32", "dev", near, "src", gateway],
        [*enter_far, "ip", "address", "add", address + "/32", "dev", "eth0"],
        [*enter_far, "ip", "link", "set", "eth0", "up"],
        [*enter_far, "ip", "route", "add", gateway + "/32", "dev", "eth0"],
    ]
    for command in commands:
        subprocess.run(command, check=True)
    return near


def detach(near):
    """Removes a veth pair now; the kernel would do it some time after its namespace is gone."""
    subprocess.run(["ip", "link", "delete", near], check=True)


def block(*way):
    """Drops what goes this way: "to", ADDRESS, "from", ADDRESS, "ipproto", "udp", "dport", PORT.

    Addresses are of loopback. "from" sees that of a socket that is bound; others have 127.0.0.1.
    The table of our own addresses comes before any rule, until it is moved behind ours (ip-rule(8)).
    """
    rules = subprocess.run(["ip", "rule"], check=True, capture_output=True, text=True).stdout
    if rules.startswith("0:"):
        subprocess.run(["ip", "rule", "add", "pref", "100", "lookup", "local"], check=True)
        subprocess.run(["ip", "rule", "del", "pref", "0"], check=True)
    subprocess.run(["ip", "rule", "add", "pref", "10", *way, "blackhole"], check=True)


def unblock_all():
    """Ends every block."""
    while subprocess.run(["ip", "rule", "del", "pref", "10"], capture_output=True).returncode == 0:
        pass
