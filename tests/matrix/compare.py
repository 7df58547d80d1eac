#!/usr/bin/env python3
"""Compares two results of the trap matrix, and says why they differ.

usage: compare.py [--pairs] OURS THEIRS differences.tsv

A case in which the machines differ is explained when each does what the rules of tests/facts say for a machine with its ID registers
(one announces a feature that the other has not, or the architecture leaves a choice). Every other difference, and every case where
THEIRS is not as the rules say, needs a row of differences.tsv; a row that explains nothing is an error.
"""
import argparse
import collections
import csv
import re
import sys

import cases
import expect

Case = collections.namedtuple("Case", "context controls key")


class Judge(expect.Comparison):
    """The rules for one machine; keeps what does not fit them."""

    def __init__(self, results):
        super().__init__(expect.Expectation(results.ids, expect.base_values()))
        self.results, self.misfits = results, {}
        self.written_as = {Case(context, text, "MSR>:" + key[4:]): got for context, text, key, got in results.writes}

    def mismatch(self, context, controls, key, want, got, why=""):
        mark = key.replace("MSR:", "MSR>:") if want.startswith("a write of") else key
        self.misfits[Case(context, controls, mark)] = (want, got)

    def judge_all(self, pairs):
        self.bases(self.results)
        self.singles(self.results, expect.tried_singles(self.results))
        self.written(self.results)
        if pairs:
            self.pairs(self.results, pairs)

    def fits(self, case, got):
        """True when this result of a case is what the rules say for this machine."""
        if case in self.misfits:
            return False
        if case.key.startswith("MSR>:"):
            return True
        before = len(self.misfits)
        state = self.e.state(*case.context[1:], expect.parse_controls(case.controls))
        self.check(case.context, case.controls, case.key, state, got)
        return len(self.misfits) == before

    def resolve(self, case, alone):
        """The result of a case, printed or not; alone: labels of the single controls of a pair."""
        printed = self.results.lines.get((case.context, case.controls), {}).get(case.key)
        for label in alone:
            printed = printed or self.results.lines.get((case.context, label), {}).get(case.key)
        return printed or self.results.base.get((case.context, case.key))


def same(ours, theirs):
    """Whether two results agree; `ok=?` is any value. A name and a number, or a name and nothing, do not contradict each other."""
    if ours == theirs or ">" in ours:
        return ours == theirs
    if not (ours.startswith("ok") and theirs.startswith("ok")) or "ok=?" in (ours, theirs):
        return ours.startswith("ok") and theirs.startswith("ok")
    named = [bool(re.match("ok=[A-Z]", text)) for text in (ours, theirs)]
    return named[0] != named[1]


def differing(ours, theirs, pairs):
    """(case, result, result) wherever the two machines differ and both could run the case."""
    controls = cases.controls()
    by_label = {cases.label(c): c for c in controls}
    absent = ours.results.absent | theirs.results.absent
    sets = {cases.label(*some) for some in cases.sets(controls)}
    for context, key in sorted(ours.results.base.keys() | theirs.results.base.keys()):
        yield Case(context, "-", key), []
    for (context, text) in sorted(ours.results.lines.keys() | theirs.results.lines.keys()):
        labels = text.split(",")
        if any(re.sub("=.*", "", label) in absent for label in labels) or (len(labels) > 1 and text not in sets and not pairs):
            continue
        keys = ours.results.lines.get((context, text), {}).keys() | theirs.results.lines.get((context, text), {}).keys()
        alone = labels if len(labels) == 2 and text not in sets and all(label in by_label for label in labels) else []
        for key in sorted(keys):
            yield Case(context, text, key), alone
    for case in sorted(ours.written_as.keys() & theirs.written_as.keys()):
        yield case, None


class Explanations:
    """The rows of differences.tsv."""

    def __init__(self, name):
        self.name, self.rows = name, []
        with open(name, newline="", encoding="utf-8") as file:
            for line, row in enumerate(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE), 2):
                if not row["rule"] or row["right"] not in ("ours", "theirs", "both"):
                    raise SystemExit(f"{name}:{line}: a row names a rule, and who is right: ours, theirs or both")
                row["line"], row["used"] = line, 0
                row["match"] = [re.compile(row[column]) for column in ("access", "controls", "el", "theirs")]
                self.rows.append(row)

    def find(self, case, theirs):
        texts = (case.key, case.controls, "".join(map(str, case.context)), theirs)
        for row in self.rows:
            if all(pattern.fullmatch(text) for pattern, text in zip(row["match"], texts)):
                row["used"] += 1
                return row
        return None

    def unused(self):
        return [row for row in self.rows if not row["used"]]


def misfit_result(judge, case):
    if case.key.startswith("MSR>:"):
        return judge.written_as[case]
    return judge.resolve(case, case.controls.split(","))


def compare(ours, theirs, rows, pairs):
    """Prints what is not explained; the number of such cases."""
    counts, open_cases = collections.Counter(), {}
    for case, (want, got) in theirs.misfits.items():
        counts["cases where THEIRS is not as the rules say"] += 1
        if not rows.find(case, misfit_result(theirs, case)):
            open_cases[case] = f"theirs {got}, the rules say {want}"
    for case, alone in differing(ours, theirs, pairs):
        mine = ours.written_as[case] if alone is None else ours.resolve(case, alone)
        other = theirs.written_as[case] if alone is None else theirs.resolve(case, alone)
        if mine is None or other is None or same(mine, other):
            continue
        counts["differences"] += 1
        # The rules do not say what a read returns. What a write does not change is RES0.
        values = mine.startswith("ok") and other.startswith("ok") and ">" not in mine
        if not values and ours.fits(case, mine) and theirs.fits(case, other):
            counts["explained by features and choices"] += 1
        elif rows.find(case, other):
            counts["explained by a row"] += 1
        elif case not in open_cases:
            open_cases[case] = f"ours {mine}, theirs {other}"
    groups = collections.defaultdict(list)
    for case, text in open_cases.items():
        groups[re.sub(r"ISS\w+", "ISS", text), case.key, case.context[0]].append(case)
    for (text, key, el), some in sorted(groups.items(), key=str):
        print(f"{key} at EL{el}: {text}; {len(some)} cases, e.g. E2H={some[0].context[1]} TGE={some[0].context[2]} {some[0].controls}")
    for text, count in counts.items():
        print(f"compare: {count} {text}")
    return len(open_cases)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--pairs", type=int, default=0)
    parser.add_argument("ours")
    parser.add_argument("theirs")
    parser.add_argument("explain")
    args = parser.parse_args()
    ours, theirs = Judge(expect.Results(args.ours)), Judge(expect.Results(args.theirs))
    ours.judge_all(args.pairs)
    theirs.judge_all(args.pairs)
    rows = Explanations(args.explain)
    bad = compare(ours, theirs, rows, args.pairs)
    for row in rows.unused():
        print(f"{rows.name}:{row['line']}: explains nothing: {row['access']} {row['controls']}")
    print(f"compare: {len(rows.rows)} rows, {bad} cases without explanation")
    return 1 if bad or rows.unused() else 0


if __name__ == "__main__":
    sys.exit(main())
