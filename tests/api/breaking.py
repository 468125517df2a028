"""What a change of the .proto files would break for programs that were built before it: removed or
renumbered fields, other types or names, removed methods, messages, enum values.

Works on FileDescriptorSets. New things are never breaking. `buf breaking` says the same and more;
this needs nothing but Debian's python3-protobuf.
"""


def _methods(service):
    return {
        method.name: (
            method.input_type,
            method.output_type,
            method.client_streaming,
            method.server_streaming,
        )
        for method in service.method
    }


def _walk(files):
    """(messages, enums, services) of a set, by full name."""
    messages, enums, services = {}, {}, {}

    def below(scope, holder, nested):
        for enum in holder.enum_type:
            enums["%s.%s" % (scope, enum.name)] = enum
        for message in nested:
            name = "%s.%s" % (scope, message.name)
            messages[name] = message
            below(name, message, message.nested_type)

    for file in files.file:
        below(file.package, file, file.message_type)
        for service in file.service:
            services["%s.%s" % (file.package, service.name)] = service
    return messages, enums, services


def _reserved(message, number):
    return any(part.start <= number < part.end for part in message.reserved_range)


def _field_breaks(name, old, new):
    now = {field.number: field for field in new.field}
    for field in old.field:
        what = "%s.%s = %d" % (name, field.name, field.number)
        changed = now.get(field.number)
        if changed is None:
            hint = "" if _reserved(new, field.number) else " (and its number is not reserved)"
            yield "%s: removed%s" % (what, hint)
        elif changed.name != field.name:
            yield "%s: now named %s" % (what, changed.name)
        elif (changed.type, changed.type_name) != (field.type, field.type_name):
            yield "%s: other type" % what
        elif changed.label != field.label:
            yield "%s: repeated or no longer repeated" % what
        elif changed.proto3_optional != field.proto3_optional:
            yield "%s: optional or no longer optional" % what
        elif _oneof(new, changed) != _oneof(old, field):
            yield "%s: moved into or out of a oneof" % what


def _oneof(message, field):
    return message.oneof_decl[field.oneof_index].name if field.HasField("oneof_index") else None


def breaks(old_files, new_files):
    """The breaking differences between two FileDescriptorSets, one line each."""
    old, new = _walk(old_files), _walk(new_files)
    found = []
    for kind, before, after in zip(("message", "enum", "service"), old, new):
        found += ["%s %s: removed" % (kind, name) for name in before if name not in after]
    for name, message in old[0].items():
        if name in new[0]:
            found += _field_breaks(name, message, new[0][name])
    for name, enum in old[1].items():
        values = {value.number: value.name for value in getattr(new[1].get(name), "value", [])}
        for value in enum.value if name in new[1] else []:
            if values.get(value.number) != value.name:
                found.append("%s.%s = %d: removed or renamed" % (name, value.name, value.number))
    for name, service in old[2].items():
        methods = _methods(new[2][name]) if name in new[2] else {}
        for method, types in _methods(service).items() if name in new[2] else ():
            if methods.get(method) != types:
                found.append("%s.%s: removed, or other messages" % (name, method))
    return sorted(found)
