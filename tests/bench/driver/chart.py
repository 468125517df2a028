"""The ratios as a picture: for each scenario a group of bars, one bar a balancer. Pure."""

import xml.sax.saxutils

_BAR, _GAP, _GROUP_GAP = 14, 2, 22
_LEFT, _RIGHT, _TOP, _BOTTOM = 40, 16, 84, 60
_WIDTH_MIN = 560  # Of the plot; what the title takes.
_HEIGHT = 240  # Of the plot, for ratios from 0 to _RATIO_MAX.
# A bar that would be higher is cut, and its ratio is written above it.
_RATIO_MAX = 3.0
_COLOURS = ("#1f6feb", "#d1861e", "#9c6b1a", "#5c8a3a", "#8250df", "#b23a48", "#4d7c8a")


def chart(summary):
    """An SVG document."""
    balancers = [
        balancer
        for balancer in summary.balancers
        if any(summary.ratio(scenario, balancer) is not None for scenario in summary.scenarios)
    ]
    group = len(balancers) * (_BAR + _GAP) + _GROUP_GAP
    width = _LEFT + max(group * len(summary.scenarios), _WIDTH_MIN) + _RIGHT
    height = _TOP + _HEIGHT + _BOTTOM
    parts = [
        '<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" '
        'viewBox="0 0 %d %d" font-family="sans-serif" font-size="11">' % (width, height, width, height),
        '<rect width="100%" height="100%" fill="white"/>',
        _text(_LEFT, 20, "Cost per unit of work, as a multiple of the best peer (lower is better)", size=14),
        *_legend(balancers),
        *_grid(width),
    ]
    for at, scenario in enumerate(summary.scenarios):
        parts += _group(summary, scenario, balancers, _LEFT + at * group + _GROUP_GAP / 2)
    return "\n".join(parts + ["</svg>"]) + "\n"


def _y(ratio):
    return _TOP + _HEIGHT * (1 - min(max(ratio, 0), _RATIO_MAX) / _RATIO_MAX)


def _text(x, y, text, anchor="start", size=11, turn=0):
    turned = ' transform="rotate(%d %.1f %.1f)"' % (turn, x, y) if turn else ""
    return '<text x="%.1f" y="%.1f" text-anchor="%s" font-size="%d"%s>%s</text>' % (
        x, y, anchor, size, turned, xml.sax.saxutils.escape(text))


def _colour(index):
    return _COLOURS[index % len(_COLOURS)]


def _legend(balancers):
    x = _LEFT
    for index, balancer in enumerate(balancers):
        yield '<rect x="%d" y="32" width="10" height="10" fill="%s"/>' % (x, _colour(index))
        yield _text(x + 14, 41, balancer)
        x += 34 + 7 * len(balancer)


def _grid(width):
    for step in range(int(_RATIO_MAX * 2) + 1):
        ratio = step / 2
        stroke = "#333333" if ratio in (0, 1) else "#dddddd"
        yield '<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="%s"/>' % (
            _LEFT, width - _RIGHT, _y(ratio), _y(ratio), stroke)
        yield _text(_LEFT - 6, _y(ratio) + 4, "%.1f" % ratio, anchor="end")


def _group(summary, scenario, balancers, left):
    for index, balancer in enumerate(balancers):
        ratio = summary.ratio(scenario, balancer)
        if ratio is None:
            continue
        x = left + index * (_BAR + _GAP)
        yield '<rect class="bar" x="%.1f" y="%.1f" width="%d" height="%.1f" fill="%s"><title>%s</title></rect>' % (
            x, _y(ratio), _BAR, _y(0) - _y(ratio), _colour(index),
            xml.sax.saxutils.escape("%s, %s: %.2f" % (scenario, balancer, ratio)))
        yield _text(x + _BAR / 2 + 4, _y(ratio) - 4, "%.2f" % ratio, size=9, turn=-90)
    middle = left + len(balancers) * (_BAR + _GAP) / 2
    yield _text(middle, _TOP + _HEIGHT + 14, scenario, anchor="end", turn=-30)
