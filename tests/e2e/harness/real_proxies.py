"""HAProxy and nginx on either side of the balancer, with the PROXY protocol switched on."""

import os

from harness.process import run
from harness.real_peers import AS_USER, make_folder, start_server
from harness.waiting import wait_for

# What HAProxy (mode http) answers: who it takes the client for, and what that connected to.
_SEEN = "%[src]:%[src_port] %[dst]:%[dst_port]"


def haproxy(case, sections):
    """HAProxy with these sections ("frontend …", "listen …"), in which it says when it listens."""
    folder = make_folder(case, "haproxy")
    conf = os.path.join(folder, "haproxy.cfg")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("global\n  stats socket %s/sock\ndefaults\n  timeout connect 10s\n" % folder)
        file.write("  timeout client 60s\n  timeout server 60s\n%s\n" % sections)
    process = start_server(case, "haproxy", ["haproxy", "-db", "-f", conf])
    wait_for(lambda: os.path.exists(folder + "/sock") and process.running(), 30, "HAProxy runs")


def haproxy_sender(name, listen, server, options):
    """A section: TCP from `listen` on to `server`, which gets a header as `options` say."""
    return """
listen %s
  mode tcp
  unique-id-format %%{+X}o\\ %%ci:%%cp
  bind %s
  server s %s %s
""" % (name, listen, server, options)


def haproxy_receiver(name, listen):
    """A section: an HTTP server that needs a header and answers whom it is about."""
    return """
frontend %s
  mode http
  bind %s accept-proxy
  http-request return status 200 content-type text/plain lf-string "%s"
""" % (name, listen, _SEEN)


_NGINX_CONF = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
error_log stderr;
pid {folder}/pid;
events {{ worker_connections 1024; }}
stream {{
{stream}
}}
http {{
  access_log off;
  client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
  uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
{http}
}}
"""


def nginx(case, stream, http, ready_port):
    """nginx with these blocks; it answers on 127.0.0.1:`ready_port` without a header as well."""
    folder = make_folder(case, "nginx")
    conf = os.path.join(folder, "nginx.conf")
    http += "  server { listen 127.0.0.1:%d; return 200 ready; }\n" % ready_port
    with open(conf, "w", encoding="utf-8") as file:
        file.write(_NGINX_CONF.format(folder=folder, stream=stream, http=http))
    argv = AS_USER + ["nginx", "-e", "stderr", "-p", folder, "-c", conf]
    process = start_server(case, "nginx", argv)
    ready = ["curl", "-s", "http://127.0.0.1:%d/" % ready_port]
    wait_for(lambda: run(ready).stdout == "ready" and process.running(), 30, "nginx answers")


def nginx_sender(listen, server):
    """A block: TCP from `listen` on to `server`, with a header (nginx sends version 1)."""
    return "  server { listen %s; proxy_pass %s; proxy_protocol on; }\n" % (listen, server)


def nginx_receiver(listen):
    """A block: an HTTP server that needs a header and answers whom it is about."""
    return (
        '  server { listen %s proxy_protocol; return 200 "$proxy_protocol_addr:'
        '$proxy_protocol_port $proxy_protocol_server_addr:$proxy_protocol_server_port"; }\n' % listen
    )
