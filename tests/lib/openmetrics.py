# SPDX-License-Identifier: ISC
"""
OpenMetrics 1.0 text, read as strictly as its ABNF and its MUSTs allow.

    families = parse(text)      # name to Family, in their order; Wrong
    families["strongroom_orders"].value("_total", outcome="done")
"""
import math
import re

NAME = r"[A-Za-z_:][A-Za-z0-9_:]*"
LABEL_NAME = r"[A-Za-z_][A-Za-z0-9_]*"
ESCAPED = r'(?:[^\n"\\]|\\[n"\\])*'
NUMBER = (r"(?:[+-]?(?:[0-9]+(?:\.[0-9]*)?|[0-9]*\.[0-9]+)"
          r"(?:[eE][+-]?[0-9]+)?|[+-]?[Ii][Nn][Ff]|[Nn][Aa][Nn])")
LABEL = rf'{LABEL_NAME}="{ESCAPED}"'
DESCRIPTOR = re.compile(
    rf"# (TYPE|HELP|UNIT) ({NAME}) ({ESCAPED})")
SAMPLE = re.compile(
    rf"({NAME})(?:\{{((?:{LABEL}(?:,{LABEL})*)?)\}})? ({NUMBER})"
    rf"(?: ({NUMBER}))?")
# Suffixes of a family's samples, by its type.
SUFFIXES = {
    "counter": ("_total", "_created"),
    "gauge": ("",),
    "histogram": ("_bucket", "_count", "_sum", "_created"),
    "gaugehistogram": ("_bucket", "_gcount", "_gsum"),
    "summary": ("", "_count", "_sum", "_created"),
    "stateset": ("",),
    "info": ("_info",),
    "unknown": ("",),
}


class Wrong(ValueError):
    """The text is no exposition; says why."""


class Family:
    def __init__(self, name):
        self.name = name
        self.described = {}     # TYPE, HELP, UNIT
        self.samples = []       # (suffix, labels, value, text of the value)

    @property
    def type(self):
        return self.described.get("TYPE", "unknown")

    def value(self, suffix="", **labels):
        found = [value for ending, marks, value, _ in self.samples
                 if ending == suffix and marks == labels]
        if len(found) != 1:
            raise KeyError(f"{self.name}{suffix}{labels}: {len(found)} times")
        return found[0]


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n"}.get(m[1], m[1]), text)


def labels_of(text):
    labels = {}
    for name, value in re.findall(rf'({LABEL_NAME})="({ESCAPED})"', text or ""):
        if name in labels:
            raise Wrong(f"the label {name} stands twice")
        if name.startswith("__"):
            raise Wrong(f"the label {name} is reserved")
        labels[name] = unescape(value)
    return labels


def describe(families, current, line):
    found = DESCRIPTOR.fullmatch(line)
    if not found:
        raise Wrong(f"no descriptor: {line!r}")
    what, name, text = found.groups()
    if current is None or current.name != name:
        if name in families:
            raise Wrong(f"{name} stands in two places")
        current = families[name] = Family(name)
    if current.samples:
        raise Wrong(f"{what} of {name} comes after its samples")
    if what in current.described:
        raise Wrong(f"{what} of {name} stands twice")
    if what == "TYPE" and text not in SUFFIXES:
        raise Wrong(f"{text} is no type")
    if what == "UNIT" and not re.fullmatch(r"[A-Za-z0-9_:]*", text):
        raise Wrong(f"{text!r} is no unit")
    current.described[what] = text
    return current


def take_sample(current, line):
    found = SAMPLE.fullmatch(line)
    if not found:
        raise Wrong(f"no sample: {line!r}")
    name, labels, number, _ = found.groups()
    for suffix in SUFFIXES[current.type] if current else ():
        if name == current.name + suffix:
            current.samples.append(
                (suffix, labels_of(labels), float(number), number))
            return
    raise Wrong(f"{name} belongs to no family that is open")


def check_histogram(family):
    """Each of its metrics, which differ in labels other than le."""
    metrics = {}
    for suffix, labels, value, _ in family.samples:
        rest = tuple(sorted((n, v) for n, v in labels.items() if n != "le"))
        if (suffix == "_bucket") != ("le" in labels):
            raise Wrong(f"{family.name}{suffix} and its le")
        metrics.setdefault(rest, []).append((suffix, labels.get("le"), value))
    for samples in metrics.values():
        buckets = [(float(le), value) for suffix, le, value in samples
                   if suffix == "_bucket"]
        single = {suffix: value for suffix, _, value in samples
                  if suffix != "_bucket"}
        bounds = [bound for bound, _ in buckets]
        counts = [count for _, count in buckets]
        if not buckets or bounds[-1] != math.inf:
            raise Wrong(f"{family.name} lacks the bucket +Inf")
        if bounds != sorted(set(bounds)):
            raise Wrong(f"the buckets of {family.name} do not ascend")
        if counts != sorted(counts):
            raise Wrong(f"the buckets of {family.name} do not cumulate")
        if single.get("_count", counts[-1]) != counts[-1]:
            raise Wrong(f"the count of {family.name} is not the last bucket")
        if ("_count" in single) != ("_sum" in single):
            raise Wrong(f"{family.name} has one of count and sum")
        if single.get("_sum", 0) < 0:
            raise Wrong(f"the sum of {family.name} is negative")


def check_values(family):
    for suffix, labels, value, _ in family.samples:
        name = family.name + suffix
        if suffix in ("_total", "_count", "_bucket") and not (
                0 <= value < math.inf):
            raise Wrong(f"{name} is {value}")
        if suffix in ("_count", "_bucket") and value != int(value):
            raise Wrong(f"{name} is no whole number")
        if family.type == "info" and value != 1:
            raise Wrong(f"{name} is not 1")
        if family.type == "stateset":
            if value not in (0, 1):
                raise Wrong(f"{name} is neither 0 nor 1")
            if family.name not in labels:
                raise Wrong(f"{name} lacks the label of its name")


def check_family(family):
    unit = family.described.get("UNIT", "")
    if unit and not family.name.endswith("_" + unit):
        raise Wrong(f"{family.name} does not end with its unit {unit}")
    if unit and family.type in ("info", "stateset"):
        raise Wrong(f"{family.name} must not have a unit")
    seen = set()
    for suffix, labels, _, _ in family.samples:
        key = (suffix, tuple(sorted(labels.items())))
        if key in seen:
            raise Wrong(f"{family.name}{suffix} {labels} stands twice")
        seen.add(key)
    check_values(family)
    if family.type == "histogram":
        check_histogram(family)


def check_names(families):
    """No sample's name is that of another family's sample."""
    owner = {}
    for family in families.values():
        for suffix in SUFFIXES[family.type]:
            name = family.name + suffix
            if owner.setdefault(name, family.name) != family.name:
                raise Wrong(f"{name} belongs to two families")


def parse(text):
    if not text.endswith("# EOF\n") and not text.endswith("# EOF"):
        raise Wrong("it does not end with # EOF")
    lines = text.removesuffix("\n").split("\n")
    if lines.pop() != "# EOF":
        raise Wrong("# EOF is no line of its own")
    families, current = {}, None
    for line in lines:
        if line.startswith("#"):
            current = describe(families, current, line)
        else:
            take_sample(current, line)
    for family in families.values():
        check_family(family)
    check_names(families)
    return families
