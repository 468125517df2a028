"""Reads C++ text the way the lint rules need it: code without comments or literals, functions.

Knows no grammar. It relies on what clang-format leaves behind, and on braces that pair.
"""

import re

# What may stand before a "{" that opens a scope with functions in it.
_SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b(?!.*\)\s*(const|noexcept|override|final|->|$))", re.S)
_CONTROL = re.compile(r"^\s*(if|for|while|switch|do|else|try|catch)\b")
_RAW = re.compile(r'(?:u8|[uUL])?R"([^()\\\s]{0,16})\(')


def blank(text):
    """Spaces for every character but the line ends."""
    return re.sub(r"[^\n]", " ", text)


def split(text):
    """(code, comments): two texts of the same shape, each blank where the other is not.

    String and character literals are blank in both, but for their quotes in the code.
    """
    code, comments = [], []
    i, size = 0, len(text)
    while i < size:
        end, is_comment, keep = i + 1, False, True
        if text.startswith("//", i):
            end, is_comment = _end_of_line_comment(text, i), True
        elif text.startswith("/*", i):
            close = text.find("*/", i + 2)
            end, is_comment = (size if close < 0 else close + 2), True
        elif _RAW.match(text, i) and not (i and (text[i - 1].isalnum() or text[i - 1] == "_")):
            raw = _RAW.match(text, i)
            close = text.find(")" + raw.group(1) + '"', raw.end())
            end, keep = (size if close < 0 else close + len(raw.group(1)) + 2), False
        elif text[i] == '"' or (text[i] == "'" and not (i and text[i - 1].isalnum())):
            end, keep = _end_of_literal(text, i), False
        piece = text[i:end]
        if is_comment:
            comments.append(piece)
            code.append(blank(piece))
        else:
            comments.append(blank(piece))
            code.append(piece if keep else '"' + blank(piece[1:-1]) + '"')
        i = end
    return "".join(code), "".join(comments)


def _end_of_line_comment(text, start):
    end = text.find("\n", start)
    while end > 0 and text[end - 1] == "\\":
        end = text.find("\n", end + 1)
    return len(text) if end < 0 else end


def _end_of_literal(text, start):
    i = start + 1
    while i < len(text) and text[i] != text[start] and text[i] != "\n":
        i += 2 if text[i] == "\\" else 1
    return min(i + 1, len(text))


def _blank_preprocessor(code):
    return re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: blank(m.group()), code, flags=re.M)


def _kind(head):
    """What a "{" after `head` opens: "scope", "function" or "data"."""
    head = re.sub(r"\[\[.*?\]\]|\balignas\s*\([^)]*\)", " ", head, flags=re.S).strip()
    if _CONTROL.match(head):
        return "data"
    is_lambda = re.search(r"=\s*\[[^\]]*\]\s*(\(|$)", head, re.S)
    if is_lambda:
        return "function"
    if re.search(r"(^|[^=!<>+\-*/])=\s*$", head):
        return "data"
    if _SCOPE.search(re.sub(r"<[^<>]*>", " ", head)) and not re.search(r"\w\s*\([^)]*\)\s*(const)?\s*$", head):
        return "scope"
    return "function" if "(" in head else "data"


def _name(head):
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.S)
    made = re.match(r"\s*(TEST|TEST_F|TEST_P|TYPED_TEST)\s*\(\s*(\w+)\s*,\s*(\w+)", head)
    if made:
        return "%s.%s" % (made.group(2), made.group(3))
    called = re.search(r"(operator\s*[^\s\w(]+|operator\s*\(\)|[~\w:]+)\s*\(", head)
    if called:
        return re.sub(r"\s+", "", called.group(1))
    return (re.search(r"(\w+)\s*=", head) or re.search(r"(\w+)", head) or re.match("()", "")).group(1)


def functions(text):
    """Yields (name, first line, number of lines) of every function body outside other functions."""
    code = _blank_preprocessor(split(text)[0])
    head_start, i, size, parens = 0, 0, len(code), 0
    while i < size:
        char = code[i]
        if char in "()":
            parens += 1 if char == "(" else -1
        elif char in ";}" and parens <= 0:
            head_start, parens = i + 1, 0
        elif char == "{":
            head = code[head_start:i]
            kind = "data" if parens > 0 else _kind(_after_access(head))
            if kind == "scope":
                head_start = i + 1
            else:
                close = _matching(code, i)
                follows = code[close + 1 :].lstrip()[:1]
                if kind == "function" and not (parens == 0 and follows in (",", "{") and ":" in head):
                    first = head_start + len(head) - len(_after_access(head).lstrip())
                    start = code.count("\n", 0, first) + 1
                    yield _name(_after_access(head)), start, code.count("\n", 0, close) + 2 - start
                    head_start = close + 1
                i = close
        i += 1


def _after_access(head):
    labels = list(re.finditer(r"\b(public|private|protected)\s*:(?!:)", head))
    return head[labels[-1].end() :] if labels else head


def _matching(code, start):
    depth = 0
    for i in range(start, len(code)):
        if code[i] == "{":
            depth += 1
        elif code[i] == "}":
            depth -= 1
            if depth == 0:
                return i
    return len(code) - 1
