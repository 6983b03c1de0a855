"""Checks of what a review counts: totals, numbers said twice, people of crossover trials, percentages, references."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations

from extract.audit import Finding
from extract.audit.granular import printed_limits
from pool.audit.claims import Claims, Comparison, Percentage, Total, Trial

_MOST_LEFT_OUT = 2  # trials whose absence may explain a total


def count_findings(claims: Claims) -> Iterator[Finding]:
    """All checks of counts."""
    for total in claims.total:
        yield _total(total, claims)
    yield from _said_twice(claims)
    for trial in claims.trial:
        yield from _people(trial)
    for comparison in claims.comparison:
        yield from _comparison(comparison, claims)
    yield from _synthesised(claims)
    for percentage in claims.percentage:
        yield _percentage(percentage)
    yield from _references(claims)


def _total(total: Total, claims: Claims) -> Finding:
    if total.parts:
        found, terms = sum(total.parts), " ".join(f"{'+' if p >= 0 else '-'} {abs(p)}" for p in total.parts).removeprefix("+ ")
    else:
        trials = claims.trial if total.of == ("all",) else [t for t in claims.trial if t.study in total.of]
        found, terms = sum(t.n for t in trials), " + ".join(f"{t.n}" for t in trials)
    where = f"{total.where}: {total.what}"
    if found == total.value:
        return Finding("total", "pass", where, "the parts add up", f"{terms} = {found}")
    said = f"{total.value} is said, the parts give {found}"
    remedy = "find which part is missing or counted twice"
    if not total.parts and (why := _left_out(total, claims)):
        said, remedy = f"{said}: {why}", "see whether it was left out by mistake"
    return Finding("total", "impossible", where, said, f"{terms} = {found}, not {total.value}", remedy)


def _left_out(total: Total, claims: Claims) -> str:
    """Which trials are missing from a total that is too small; empty where that is not clear."""
    trials = [t for t in claims.trial if total.of == ("all",) or t.study in total.of]
    missing = sum(t.n for t in trials) - total.value
    for count in range(1, _MOST_LEFT_OUT + 1):
        fits = [names for names in combinations(trials, count) if sum(t.n for t in names) == missing]
        if len(fits) == 1:
            return f"{' and '.join(t.study for t in fits[0])} ({missing}) may be missing"
    return ""


def _said_twice(claims: Claims) -> Iterator[Finding]:
    for subject in dict.fromkeys(s.subject for s in claims.said):
        same = [s for s in claims.said if s.subject == subject]
        values = dict.fromkeys(s.value.strip().casefold() for s in same)
        listed = "; ".join(f"{s.value} ({s.where})" for s in same)
        if len(values) > 1:
            yield Finding("said twice", "impossible", subject, "different places say different things", listed, "see which is right")
        elif len(same) > 1:
            yield Finding("said twice", "pass", subject, "all places say the same", listed)


def _people(trial: Trial) -> Iterator[Finding]:
    if trial.people is None or trial.people == trial.n:
        return
    arithmetic = f"the review {trial.n}, the trial's own report {trial.people}"
    if trial.design == "crossover" and trial.people * trial.periods == trial.n:
        said = "periods of a crossover were counted as participants"
        yield Finding(
            "people", "impossible", trial.study, said, f"{arithmetic} in {trial.periods} periods: {trial.people} x {trial.periods}",
            "count each participant once",
        )  # fmt: skip
    else:
        yield Finding("people", "impossible", trial.study, "the number of participants is not the trial's own", arithmetic, "look again")


def people_of(trial: Trial, comparison: Comparison, claims: Claims) -> int:
    """Participants of a trial in a comparison: those of its two arms, a crossover's once; of the whole trial where arms are not given."""
    if trial.design == "crossover":
        return trial.people or min([trial.n, *(a.n for a in claims.arm if a.study == trial.study)])
    arms = [a.n for a in claims.arm if a.study == trial.study and a.arm in (comparison.treated, comparison.control)]
    return sum(arms) if len(arms) == 2 else trial.people or trial.n


def _comparison(comparison: Comparison, claims: Claims) -> Iterator[Finding]:
    trials = [t for t in claims.trial if t.study in comparison.studies]
    if comparison.k is not None and comparison.k != len(comparison.studies):
        listed = ", ".join(comparison.studies)
        said = f"{comparison.k} studies are said, {len(comparison.studies)} are pooled"
        yield Finding("studies", "impossible", comparison.name, said, listed, "see which belong")
    if comparison.n is None or len(trials) < len(comparison.studies):
        return
    people = {t.study: people_of(t, comparison, claims) for t in trials}
    total = sum(people.values())
    terms = " + ".join(f"{n} ({study})" for study, n in people.items())
    if comparison.n == total:
        yield Finding("participants", "pass", comparison.name, "the participants add up", f"{terms} = {total}")
        return
    twice = [t for t in trials if t.design == "crossover"]
    doubled = total + sum(people[t.study] for t in twice)
    said = f"{comparison.n} participants are said, the trials have {total}"
    if twice and comparison.n == doubled:
        said += f": those of {', '.join(t.study for t in twice)}, a crossover, were counted twice"
    remedy = "count each participant once"
    yield Finding("participants", "impossible", comparison.name, said, f"{terms} = {total}, not {comparison.n}", remedy)


def _synthesised(claims: Claims) -> Iterator[Finding]:
    pooled = list(dict.fromkeys(study for c in claims.comparison for study in c.studies))
    if claims.synthesised is not None and pooled and claims.synthesised != len(pooled):
        said = f"{claims.synthesised} studies are said to be in the synthesis, {len(pooled)} are pooled"
        yield Finding("studies", "impossible", "synthesis", said, ", ".join(pooled), "name every study that is pooled")


def _percentage(percentage: Percentage) -> Finding:
    low, high = (float(v) for v in printed_limits(percentage.value))
    where, n = f"{percentage.where}: {percentage.value} %", percentage.n
    count = math.ceil(low / 100 * n - 1e-9)
    if 100 * count / n <= high + 1e-9:
        said = "a whole number of participants is this percentage"
        return Finding("percentage", "pass", where, said, f"{count} / {n} = {100 * count / n:.4g} %")
    nearest = round(float(percentage.value) / 100 * n)
    arithmetic = f"{nearest} / {n} = {100 * nearest / n:.4g} %"
    return Finding("percentage", "impossible", where, f"no whole number of {n} is this percentage", arithmetic, "check n and the decimals")


def _references(claims: Claims) -> Iterator[Finding]:
    by_identity: dict[str, list[int]] = {}
    for reference in claims.reference:
        by_identity.setdefault(reference.identity.strip().casefold(), []).append(reference.number)
    twice = [numbers for numbers in by_identity.values() if len(numbers) > 1]
    if twice:
        listed = "; ".join(" = ".join(map(str, numbers)) for numbers in twice)
        yield Finding("references", "unusual", "references", "entries are listed more than once", listed, "join them")
    unused = [r.number for r in claims.reference if not r.cited]
    if unused:
        listed = ", ".join(map(str, unused))
        said = "entries are never cited: numbers in the text may be off"
        yield Finding("references", "note", "references", said, listed, "check the numbers of the citations around them")
    years = {r.number: r.year for r in claims.reference if r.year is not None}
    for trial in claims.trial:
        named = [int(word) for word in trial.study.split() if word.isdigit() and len(word) == 4]
        year = years.get(trial.reference or -1)
        if named and year is not None and year != named[-1]:
            said = f"the name says {named[-1]}, the reference {year}"
            yield Finding("references", "note", trial.study, said, f"reference {trial.reference}", "name the trial by its year of print")
