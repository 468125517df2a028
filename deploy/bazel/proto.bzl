"""lb_proto_library and lb_grpc_library: C++ from .proto files with Debian's protoc.

Both are used in //proto only. Generated headers are included as "lb/type/v1/type.pb.h".
"""

_PROTOC = "/usr/bin/protoc -Iproto "

def _generated_library(name, outs, deps, visibility):
    native.cc_library(
        name = name,
        srcs = [o for o in outs if o.endswith(".cc")],
        hdrs = [o for o in outs if o.endswith(".h")],
        # "includes" makes these system headers: generated code owes nothing to our warnings.
        includes = ["."],
        copts = ["-w"],
        deps = deps,
        visibility = visibility,
    )

def lb_proto_library(name, srcs, deps = [], proto_deps = [], root = None, visibility = None):
    """Messages only. proto_deps: the .proto files that srcs import. root: the folder outside the
    workspace that srcs are in, with a package of Debian's."""
    outs = [s[:-len(".proto")] + e for s in srcs for e in [".pb.h", ".pb.cc"]]
    native.genrule(
        name = name + "_gen",
        srcs = [] if root else srcs + proto_deps,
        outs = outs,
        cmd = ("/usr/bin/protoc -I%s --cpp_out=$(RULEDIR) %s" % (root, " ".join(srcs))) if root else (
            _PROTOC + "--cpp_out=$(RULEDIR) " + " ".join(["$(location %s)" % s for s in srcs])
        ),
    )
    _generated_library(name, outs, deps + ["@system//:protobuf"], visibility)

def lb_grpc_library(name, srcs, deps, proto_deps = [], visibility = None):
    """Service stubs of .proto files whose messages are in deps."""
    outs = [s[:-len(".proto")] + e for s in srcs for e in [".grpc.pb.h", ".grpc.pb.cc"]]
    native.genrule(
        name = name + "_gen",
        srcs = srcs + proto_deps,
        outs = outs,
        cmd = _PROTOC + "--grpc_out=$(RULEDIR) " +
              "--plugin=protoc-gen-grpc=/usr/bin/grpc_cpp_plugin " +
              " ".join(["$(location %s)" % s for s in srcs]),
    )
    _generated_library(name, outs, deps + ["@system//:grpcpp"], visibility)
