"""The load balancers that are compared, a file each; contract.py says what an adapter is."""

from driver.balancers.direct import Direct
from driver.balancers.haproxy import Haproxy
from driver.balancers.lb import Lb
from driver.balancers.nginx import Nginx

_ADAPTERS = (
    Lb(),
    Haproxy("haproxy"),
    Haproxy("haproxy-splice", splice=True),
    Nginx(),
    Direct(),
)

# The same with a feature that costs something; compared with "lb", and only when asked for.
_GIGABYTE = 1000 ** 3
_TEN_GIGABIT = {"upload_per_sec": 10 * _GIGABYTE // 8, "download_per_sec": 10 * _GIGABYTE // 8}
_VARIANTS = (
    Lb("lb-bandwidth", bandwidth_limit={"client": _TEN_GIGABIT, "backend": _TEN_GIGABIT}),
    Lb("lb-rate", rate_limit={"requests_per_second": 1_000_000, "burst": 1_000_000}),
    Lb("lb-access-log", access_log="/dev/null"),
)

BALANCERS = {adapter.name: adapter for adapter in _ADAPTERS + _VARIANTS}
# Those that are compared unless others are asked for.
USUAL = [adapter.name for adapter in _ADAPTERS]
