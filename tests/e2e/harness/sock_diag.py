"""The kernel's list of TCP sockets: sock_diag(7), inet_diag by destination port.

A dump walks the kernel's tables while they change, so one dump can hold a socket that closed and
the one that took its place. Two things are exact: a dump taken while the owners are stopped, and
the sockets that are in two dumps in a row, since all of them were open in between.
"""

import os
import signal
import socket
import struct

from harness.waiting import wait_for

_SOCK_DIAG_BY_FAMILY = 20
_REQUEST_DUMP = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_DONE, _ERROR = 3, 2
_INET_DIAG_REQ_BYTECODE = 1
_BC_NOP, _BC_D_EQ = 0, 12
_HEADER = struct.Struct("=IHHII")
# Every state but LISTEN, CLOSE and TIME_WAIT, which belongs to no process any more.
_STATES = {1: "ESTABLISHED", 2: "SYN_SENT", 3: "SYN_RECV", 4: "FIN_WAIT1", 5: "FIN_WAIT2"}
_STATES.update({8: "CLOSE_WAIT", 9: "LAST_ACK", 11: "CLOSING"})
_MASK = sum(1 << state for state in _STATES)


class SockDiag:
    """Sockets connected, or connecting, to one port."""

    def __init__(self, port):
        self._netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 4)
        self._netlink.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
        equal = struct.pack("=BBHBBH", _BC_D_EQ, 8, 12, _BC_NOP, 4, port)
        body = struct.pack("=BBBBI", socket.AF_INET, socket.IPPROTO_TCP, 0, 0, _MASK) + bytes(48)
        body += struct.pack("=HH", 4 + len(equal), _INET_DIAG_REQ_BYTECODE) + equal
        self._request = (
            _HEADER.pack(_HEADER.size + len(body), _SOCK_DIAG_BY_FAMILY, _REQUEST_DUMP, 1, 0) + body
        )

    def close(self):
        self._netlink.close()

    def dump(self):
        """{cookie: (state, owned)}; owned: a process still has it open."""
        self._netlink.send(self._request)
        found = {}
        while True:
            data = self._netlink.recv(1 << 20)
            offset = 0
            while offset < len(data):
                length, kind = _HEADER.unpack_from(data, offset)[:2]
                if kind == _DONE:
                    return found
                if kind == _ERROR:
                    raise OSError("sock_diag refused the request")
                # struct inet_diag_msg: the state, the socket's cookie, and the inode at the end.
                cookie = data[offset + 60 : offset + 68]
                inode = struct.unpack_from("=I", data, offset + _HEADER.size + 68)[0]
                # One that was reset while it was looked at is closed by now.
                if (state := _STATES.get(data[offset + 17])) is not None:
                    found[cookie] = (state, inode != 0)
                offset += (length + 3) & ~3


def frozen(processes, action):
    """Runs `action` while all threads of the processes are stopped; returns what it returns."""
    for process in processes:
        process.send(signal.SIGSTOP)
    try:
        for process in processes:
            _wait_until_stopped(process.pid)
        return action()
    finally:
        for process in processes:
            process.send(signal.SIGCONT)


def _wait_until_stopped(pid):
    tasks = "/proc/%d/task" % pid

    def stopped():
        return all(_state(os.path.join(tasks, task, "stat")) == "T" for task in os.listdir(tasks))

    wait_for(stopped, 10, "process %d stops" % pid, poll=0.0002)


def _state(path):
    with open(path, encoding="ascii") as file:
        return file.read().rsplit(")", 1)[1].split()[0]
