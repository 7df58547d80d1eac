"""Reads features.tbl: features, the ID fields that announce them, what they need, and the CPU models."""
import re
from dataclasses import dataclass, field

import table_lines
from table_lines import fail


@dataclass
class Feature:
    name: str
    version: tuple           # (8, 2)
    ids: list                # (register, field, value)
    needs: list
    where: str
    mandatory: list = field(default_factory=list)  # (version, names): from it on all that have the names have this


@dataclass
class Model:
    name: str
    base: tuple
    features: list
    where: str
    about: str = ''


@dataclass
class Features:
    rows: dict = field(default_factory=dict)
    absent: list = field(default_factory=list)  # (register, field, value) when no feature says more
    models: dict = field(default_factory=dict)


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


def mandatory_from(where, text):
    since, _, names = text.partition(':')
    return version(where, since), names.split('+') if names else []


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
            row.mandatory += [mandatory_from(where, v) for v in value.split(',')]
        else:
            fail(where, f"unknown key '{key}'")
    return row


def parse_model(where, words, models):
    """A model begins with the features of the one that from= names."""
    if len(words) < 3:
        fail(where, 'a cpu needs a name and a version')
    rest, features = words[3:], []
    if rest and rest[0].startswith('from='):
        base = rest.pop(0)[5:]
        if base not in models:
            fail(where, f"cpu {words[1]}: no cpu '{base}' above")
        features = list(models[base].features)
    if words[1] in models:
        fail(where, f'cpu {words[1]} described twice')
    return Model(words[1], version(where, words[2]), features, where, ' '.join(rest))


def model_features(where, model, words):
    """Adds them to the model; -NAME takes away one that from= brought."""
    for word in words:
        if not word.startswith('-'):
            model.features.append(word)
        elif word[1:] in model.features:
            model.features.remove(word[1:])
        else:
            fail(where, f'cpu {model.name}: has no {word[1:]} to take away')


def parse(path):
    out, model = Features(), None
    for where, words, text in table_lines.lines(path):
        if text[0] == ' ':
            if model is None:
                fail(where, 'no cpu above this line')
            model_features(where, model, words)
        elif words[0] == 'feat':
            row = parse_feature(where, words)
            if row.name in out.rows:
                fail(where, f'{row.name} described twice')
            out.rows[row.name] = row
        elif words[0] == 'id':
            out.absent.append((*id_value(where, words[1]), where))
        elif words[0] == 'cpu':
            model = parse_model(where, words, out.models)
            out.models[words[1]] = model
        else:
            fail(where, f"expected 'feat', 'id' or 'cpu', got '{words[0]}'")
    check(out)
    return out


def includes(base, other):
    """Does version base include other? Armv9.n includes Armv8.(n+5)."""
    if base[0] == 9 and other[0] == 8:
        return base[1] + 5 >= other[1]
    return base[0] == other[0] and base[1] >= other[1]


def check_model(features, m):
    for name in m.features:
        if name not in features.rows:
            fail(m.where, f'cpu {m.name}: no such feature {name}')
        if m.features.count(name) > 1:
            fail(m.where, f'cpu {m.name}: {name} listed twice')
        row = features.rows[name]
        for n in row.needs:
            if n not in m.features:
                fail(m.where, f'cpu {m.name}: {name} needs {n}')
        if not includes(m.base, row.version):
            fail(m.where, f'cpu {m.name}: {name} is only for v{row.version[0]}.{row.version[1]} and later')
    for row in features.rows.values():
        for since, names in row.mandatory:
            if includes(m.base, since) and set(names) <= set(m.features) and row.name not in m.features:
                text = f' with {" and ".join(names)}' if names else ''
                fail(m.where, f'cpu {m.name}: v{m.base[0]}.{m.base[1]}{text} includes {row.name}')


def check(features):
    for row in features.rows.values():
        for n in row.needs:
            if n not in features.rows:
                fail(row.where, f'{row.name} needs {n}, which is not in the table')
        for n in [n for _, names in row.mandatory for n in names]:
            if n not in features.rows:
                fail(row.where, f'{row.name} is mandatory with {n}, which is not in the table')
    for m in features.models.values():
        check_model(features, m)
