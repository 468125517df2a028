"""Manual pages out of what the programs and the configuration's reference say themselves.

Each function takes texts and returns a page in the man(7) macros. Nothing is written by hand but
the few sentences around.
"""

import re

_OPTION = re.compile(r"^  (-\S.*?)(?:  +(\S.*))?$")  # CLI11's lines: two spaces, flags, then the text.
_ITEM = re.compile(r"^  (\S.*?)  +(\S.*)$")  # "  name      what it does".
_HEADING = re.compile(r"^([A-Z][A-Za-z ]*):$")


def roff(text):
    """Text as man(7) takes it: nothing in it is a command."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti")
    return "\\&" + text if text.startswith(".") else text


def page(name, section, what, date, body):
    """A whole page; `date` as it stands at its foot."""
    title = '.TH "%s" "%d" "%s" "lb" "TCP load balancer"' % (name.upper(), section, date)
    return "\n".join([title, ".SH NAME", "%s \\- %s" % (roff(name), roff(what)), *body]) + "\n"


def _entry(term, text):
    return [".TP", ".B %s" % roff(term), roff(text) if text else "\\&"]


def daemon(name, help_text, date, after):
    """Of a program whose --help is CLI11's own; `after`: (heading, [sentences or (term, text)])."""
    lines = help_text.splitlines()
    what = lines[0].split(": ", 1)[1].rstrip(".")
    body = [".SH SYNOPSIS", ".B %s" % roff(name), "[\\fIOPTIONS\\fR]", ".SH DESCRIPTION"]
    body += [roff(what[0].upper() + what[1:] + "."), ".SH OPTIONS"]
    term = None
    for line in lines[lines.index("Options:") + 1 :]:
        found = _OPTION.match(line)
        if found:
            # A short text may follow after one space only: "--state-dir DIR=/var/lib/lb Folder ...".
            term, text = found.group(1), found.group(2)
            late = re.match(r"^(--\S+ \S+) ([A-Z].*)$", term) if text is None else None
            body += _entry(late.group(1), late.group(2)) if late else _entry(term, text)
        elif line.strip():
            body[-1] = roff(line.strip()) if body[-1] == "\\&" else body[-1] + "\n" + roff(line.strip())
    for heading, parts in after:
        body += [".SH " + heading]
        for part in parts:
            body += _entry(*part) if isinstance(part, tuple) else [".PP", roff(part)]
    return page(name, 8, what, date, body)


def command_names(help_text):
    """Commands that a help text of lbctl lists."""
    names, commands = [], False
    for line in help_text.splitlines():
        heading = _HEADING.match(line)
        if heading:
            commands = heading.group(1) not in ("Flags", "Arguments", "Examples", "Example")
        elif commands and _ITEM.match(line):
            names.append(_ITEM.match(line).group(1))
    return names


def _example(body, line):
    """One that says nothing of itself; such lines stand together, and not in the entry before."""
    begin = [] if body[-1:] == [".fi"] else [".PP", ".nf"]
    if not begin:
        body.pop()
    body += [*begin, "\\fB%s\\fR" % roff(line.strip()), ".fi"]


def _command_body(lines):
    """What a help says. Its paragraphs, wrapped at a width of their own, are filled again."""
    body, within = [], False  # within: a paragraph.
    for line in lines:
        heading, item = _HEADING.match(line), _ITEM.match(line)
        follows, within = within, False
        if heading:
            body += [".PP", "%s:" % roff(heading.group(1))]
        elif line.startswith("Usage: "):
            body += [".PP", ".B %s" % roff(line[len("Usage: ") :])]
        elif item:
            body += _entry(item.group(1), item.group(2))
        elif line.startswith("  "):
            _example(body, line)
        elif line.strip():
            body += [roff(line)] if follows else [".PP", roff(line)]
            within = True
    return body


def lbctl(helps, exit_codes, date):
    """`helps`: (words of a command, its help) of every command, the whole program's first."""
    (_, top), rest = helps[0], helps[1:]
    lines = top.splitlines()
    what = lines[0].split(" ", 1)[1].rstrip(".")
    body = [".SH SYNOPSIS", ".B lbctl", "[\\fIflags\\fR] [\\fICOMMAND\\fR]", ".SH DESCRIPTION"]
    body += _command_body(lines[3:])
    body += [".SH COMMANDS"]
    for words, text in rest:
        body += [".SS %s" % roff("lbctl " + words)] + _command_body(text.splitlines())
    body += [".SH EXIT STATUS", ".nf", *[roff(line) for line in exit_codes.splitlines()], ".fi"]
    body += [".SH SEE ALSO", "\\fBlb\\-controlplane\\fR(8), \\fBlb\\-worker\\fR(8), \\fBlb.yaml\\fR(5)"]
    return page("lbctl", 1, what, date, body)


def _inline(text):
    """Markdown within a line: code and bold become bold, links their text."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", text)
    parts = re.split(r"(`[^`]+`|\*\*[^*]+\*\*)", text)
    marked = [
        "\\fB%s\\fR" % roff(part.strip("`*")) if part[:1] == "`" or part[:2] == "**" else roff(part)
        for part in parts
        if part
    ]
    line = "".join(marked)
    return "\\&" + line if line.startswith(".") else line


def _cells(row):
    return [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def _table(rows):
    """A row becomes an entry: the first cell, then the others, named by their heads where short."""
    heads, body = _cells(rows[0]), []
    for row in rows[2:]:
        cells = _cells(row)
        body += [".TP", _inline(cells[0])]
        if heads[:3] == ["key", "value", "default"]:
            default = "; default: %s" % cells[2] if cells[2] else ""
            body += ["%s%s." % (_inline(cells[1]), _inline(default)), ".br", _inline(cells[3])]
        else:
            body += [_inline("; ".join(cell for cell in cells[1:] if cell) or cells[0])]
    return body


def _blocks(markdown):
    """(kind, lines) of a Markdown text: code, table, heading, list, text."""
    kind, lines = None, []
    for line in markdown.splitlines() + [""]:
        if kind == "code":
            if line.startswith("```"):
                yield kind, lines
                kind, lines = None, []
            else:
                lines.append(line)
            continue
        new = (
            "code" if line.startswith("```") else
            "table" if line.startswith("|") else
            "heading" if line.startswith("#") else
            "list" if line.startswith("- ") else
            "skip" if line.startswith("<!--") or not line.strip() else "text"
        )
        if lines and (new != kind or new in ("heading", "list")):
            yield kind, lines
            lines = []
        kind = new
        if new not in ("skip", "code"):
            lines.append(line)
        elif new == "skip":
            kind = None


def configuration(markdown, date):
    """lb.yaml(5) out of the guide and reference of the configuration."""
    body = [".SH DESCRIPTION"]
    for kind, lines in _blocks(markdown):
        if kind == "heading":
            level, title = lines[0].split(" ", 1)
            if level == "##":
                body.append(".SH %s" % roff(title.upper()))
            elif level != "#":
                body.append(".SS %s" % roff(title.replace("`", "")))
        elif kind == "code":
            body += [".PP", ".nf", ".RS 4", *[roff(line) or "\\&" for line in lines], ".RE", ".fi"]
        elif kind == "table":
            body += _table(lines)
        elif kind == "list":
            body += [".IP \\(bu 2", _inline(lines[0][2:])]
        elif kind == "text":
            body += [".PP", *[_inline(line) for line in lines]]
    body += [".SH FILES", "/etc/lb/lb.yaml", ".SH SEE ALSO"]
    body += ["\\fBlb\\-controlplane\\fR(8), \\fBlbctl\\fR(1)"]
    return page("lb.yaml", 5, "configuration of the TCP load balancer", date, body)
