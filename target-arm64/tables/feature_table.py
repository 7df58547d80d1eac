"""Reads features.tbl: features, the ID fields that announce them, what they need, and the CPU models."""
import re
from dataclasses import dataclass, field


class TableError(Exception):
    """A mistake in a table; the text starts with file:line."""


@dataclass
class Feature:
    name: str
    version: tuple           # (8, 2)
    ids: list                # (register, field, value)
    needs: list
    where: str
    mandatory: tuple = ()    # version from which every implementation has it


@dataclass
class Model:
    name: str
    base: tuple
    features: list
    where: str


@dataclass
class Features:
    rows: dict = field(default_factory=dict)
    absent: list = field(default_factory=list)  # (register, field, value) when no feature says more
    models: dict = field(default_factory=dict)


def fail(where, text):
    raise TableError(f'{where}: {text}')


def version(where, text):
    m = re.fullmatch(r'v([89])\.(\d)', text)
    if not m:
        fail(where, f"bad version '{text}'")
    return int(m.group(1)), int(m.group(2))


def id_value(where, text):
    m = re.fullmatch(r'(\w+)\.(\w+):(0x[0-9a-f]+|\d+)', text)
    if not m:
        fail(where, f"bad ID field '{text}'")
    return m.group(1), m.group(2), int(m.group(3), 0)


def parse_feature(where, words):
    if len(words) < 3:
        fail(where, 'a feature needs a name and a version')
    row = Feature(words[1], version(where, words[2]), [], [], where)
    for item in words[3:]:
        key, _, value = item.partition('=')
        if key == 'id':
            row.ids += [id_value(where, v) for v in value.split(',')]
        elif key == 'needs':
            row.needs += value.split(',')
        elif key == 'mandatory':
            row.mandatory = version(where, value)
        else:
            fail(where, f"unknown key '{key}'")
    return row


def parse(path):
    out, model = Features(), None
    with open(path, encoding='utf-8') as lines:
        for no, text in enumerate(lines, 1):
            where = f'{path}:{no}'
            text = text.split('#')[0].rstrip()
            words = text.split()
            if not words:
                continue
            if text[0] == ' ':
                if model is None:
                    fail(where, 'no cpu above this line')
                model.features += words
            elif words[0] == 'feat':
                row = parse_feature(where, words)
                if row.name in out.rows:
                    fail(where, f'{row.name} described twice')
                out.rows[row.name] = row
            elif words[0] == 'id':
                out.absent.append((*id_value(where, words[1]), where))
            elif words[0] == 'cpu':
                model = Model(words[1], version(where, words[2]), [], where)
                out.models[words[1]] = model
            else:
                fail(where, f"expected 'feat', 'id' or 'cpu', got '{words[0]}'")
    check(out)
    return out


def too_new(feature, base):
    """May an implementation of version base have it? From one minor version below its own on."""
    major, minor = base
    newest = (major, minor + 1)
    also = (9, max(minor - 4, 0)) if major == 8 and minor >= 5 else newest
    return feature.version > newest and feature.version > also


def check(features):
    for row in features.rows.values():
        for n in row.needs:
            if n not in features.rows:
                fail(row.where, f'{row.name} needs {n}, which is not in the table')
    for m in features.models.values():
        seen = set()
        for name in m.features:
            if name in seen:
                fail(m.where, f'cpu {m.name}: {name} listed twice')
            seen.add(name)
            if name not in features.rows:
                fail(m.where, f'cpu {m.name}: no such feature {name}')
            row = features.rows[name]
            for n in row.needs:
                if n not in m.features:
                    fail(m.where, f'cpu {m.name}: {name} needs {n}')
            if too_new(row, m.base):
                fail(m.where, f'cpu {m.name}: {name} is newer than v{m.base[0]}.{m.base[1] + 1}')
        for row in features.rows.values():
            if row.mandatory and row.mandatory <= m.base and row.name not in m.features:
                fail(m.where, f'cpu {m.name}: v{m.base[0]}.{m.base[1]} includes {row.name}')
