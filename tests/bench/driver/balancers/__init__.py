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

BALANCERS = {adapter.name: adapter for adapter in _ADAPTERS}
