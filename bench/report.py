# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

"""The table and the plots of scripts/bench."""

import statistics

from rows import ITSELF, NODES, PYTHONS


def best_of(values, names):
    present = [name for name in names if name in values]
    return max(present, key=lambda name: statistics.median(values[name])) if present else None


def ratios(row, values):
    """For each target: with whom, the ratio, and whether it is reached."""
    found = []
    for other, wanted, sense in row.targets:
        if other == ITSELF:
            ratio = statistics.median(values["procpool"]) if "procpool" in values else None
            reached = None if ratio is None else ratio >= wanted if sense == "at least" else ratio <= wanted
            found.append({"with": other, "ratio": ratio, "wanted": f"{sense} {wanted}", "reached": reached})
            continue
        name = {
            "best of Node": lambda: best_of(values, NODES),
            "best of Python": lambda: best_of(values, PYTHONS),
        }.get(other, lambda: other)()
        if name not in values or "procpool" not in values:
            found.append({"with": other, "ratio": None, "wanted": f"{sense} {wanted}", "reached": None})
            continue
        ratio = statistics.median(own / theirs for own, theirs in zip(values["procpool"], values[name]))
        reached = ratio >= wanted if sense == "at least" else ratio <= wanted
        shown = other if name == other else f"{other} ({name})"
        found.append({"with": shown, "ratio": ratio, "wanted": f"{sense} {wanted}", "reached": reached})
    return found


def dearest_over_cheapest(points):
    """How many times as much a task costs at the dearest point as at the cheapest."""
    medians = [statistics.median(found["procpool"]) for found in points.values() if "procpool" in found]
    return max(medians) / min(medians) if medians else None


def figure(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def median_and_spread(found):
    return f"{figure(statistics.median(found))} ({figure(min(found))} to {figure(max(found))})" if found else "missing"


def table(all_rows, values, all_scales, scale_values, missing):
    lines = ["| work | contender | median | least to most | procpool / it | wanted |", "|---|---|---|---|---|---|"]
    for row in all_rows:
        targets = {one["with"].split(" (")[0]: one for one in ratios(row, values[row.key])}
        for name, found in values[row.key].items():
            spread = f"{figure(min(found))} to {figure(max(found))}"
            ratio = wanted = ""
            if name != "procpool" and "procpool" in values[row.key]:
                own = values[row.key]["procpool"]
                ratio = figure(statistics.median(a / b for a, b in zip(own, found)))
            if name in targets or (name == "procpool" and ITSELF in targets):
                one = targets[ITSELF if name == "procpool" else name]
                wanted = f"{one['wanted']}: {'reached' if one['reached'] else 'not reached'}"
            lines.append(f"| {row.title} | {name} | {figure(statistics.median(found))} {row.unit} | {spread} | {ratio} | {wanted} |")
        for other, one in targets.items():
            if other.startswith("best") and one["ratio"] is not None:
                reached = "reached" if one["reached"] else "not reached"
                lines.append(f"| {row.title} | {one['with']} | | | {figure(one['ratio'])} | {one['wanted']}: {reached} |")
    for one in all_scales:
        headings = " | ".join(f"{name}, ns per task" for name in one.runs)
        lines += ["", f"| {one.title} | {headings} |", "|" + "---|" * (1 + len(one.runs))]
        for point, found in scale_values[one.key].items():
            lines.append(f"| {point:,} | {' | '.join(median_and_spread(found.get(name)) for name in one.runs)} |")
        times = dearest_over_cheapest(scale_values[one.key])
        if times is not None:
            reached = "reached" if times <= one.wanted else "not reached"
            lines.append(f"| procpool, dearest / cheapest | {times:.2f}; at most {one.wanted}: {reached} |" + " |" * (len(one.runs) - 1))
    for name, why in missing.items():
        lines.append(f"\nMissing: {name}: {why}")
    return "\n".join(lines)


def plot(all_rows, values, folder):
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "procpool"
    from matplotlib import pyplot

    for row in all_rows:
        found = values[row.key]
        if len(found) < 2:
            continue
        names = sorted(found, key=lambda name: statistics.median(found[name]))
        medians = [statistics.median(found[name]) for name in names]
        errors = [
            [middle - min(found[name]) for name, middle in zip(names, medians)],
            [max(found[name]) - middle for name, middle in zip(names, medians)],
        ]
        picture, axes = pyplot.subplots(figsize=(8, 0.5 + 0.45 * len(names)), layout="constrained")
        colours = ["#1f77b4" if name == "procpool" else "#999999" for name in names]
        axes.barh(names, medians, xerr=errors, color=colours, ecolor="#444444", capsize=2)
        if max(medians) > 20 * min(medians):
            axes.set_xscale("log")
        axes.set_title(row.title)
        axes.set_xlabel(row.unit)
        picture.savefig(folder / f"{row.key}.svg", metadata={"Date": None})
        pyplot.close(picture)


def plot_scales(all_scales, scale_values, folder):
    from matplotlib import pyplot

    for one in all_scales:
        picture, axes = pyplot.subplots(figsize=(8, 3.5), layout="constrained")
        for name in one.runs:
            found = {point: some[name] for point, some in scale_values[one.key].items() if name in some}
            medians = [statistics.median(some) for some in found.values()]
            errors = [
                [middle - min(some) for middle, some in zip(medians, found.values())],
                [max(some) - middle for middle, some in zip(medians, found.values())],
            ]
            colour = "#1f77b4" if name == "procpool" else "#999999"
            axes.errorbar(list(found), medians, yerr=errors, marker="o", capsize=2, color=colour, label=name)
        axes.set_xscale("log")
        axes.set_ylim(bottom=0)
        axes.set_title(one.title)
        axes.set_ylabel("ns per task")
        if len(one.runs) > 1:
            axes.legend()
        picture.savefig(folder / f"scale_{one.key}.svg", metadata={"Date": None})
        pyplot.close(picture)
