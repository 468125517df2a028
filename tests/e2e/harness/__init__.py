"""What the end-to-end tests share: real processes of the product and of its peers, in a network
namespace of their own, with nothing left behind.

A test file imports Case, runs `harness.main()`, and finds the rest on `self`. Only Debian's Python
and its standard library are needed.
"""

from harness.balancer import Balancer, yaml
from harness.case import Case, main
from harness.metrics import http_get, parse_metrics
from harness.peers import Idle, Requests, Server, Streams
from harness.waiting import SLOW, sample_while, wait_for

__all__ = [
    "Balancer",
    "Case",
    "Idle",
    "Requests",
    "SLOW",
    "Server",
    "Streams",
    "http_get",
    "main",
    "parse_metrics",
    "sample_while",
    "wait_for",
    "yaml",
]
