#!/usr/bin/env python3
"""Compares the dead rules that `portcullis lint` names with those that a pairwise check names.

usage: dead_rules.py RULES.json ORDERED.gate [PORTCULLIS]

RULES.json and ORDERED.gate hold the same list, first match first: networks and services by name, rules with
a source, a service and an action, to anywhere. The pairwise check is naive and shares no code with
the compiler: a rule is shaded if one earlier rule has all of its source prefixes and all of its ports.
Every shaded rule must be among the dead ones; the others of those are covered by several rules
together, which is checked port by port and address by address.
"""
import ipaddress
import json
import subprocess
import sys


def prefixes(texts):
    out = []
    for text in texts:
        net = ipaddress.ip_network(text)
        out.append((int(net.network_address), int(net.broadcast_address)))
    return merged(out)


def ports(pairs):
    out = []
    for text, _ in pairs:
        first, _, last = text.partition("-")
        out.append((int(first), int(last or first)))
    return merged(out)


def merged(ranges):
    out = []
    for first, last in sorted(ranges):
        if out and first <= out[-1][1] + 1:
            out[-1] = (out[-1][0], max(out[-1][1], last))
        else:
            out.append((first, last))
    return out


def inside(small, large):
    return all(any(a <= first and last <= b for a, b in large) for first, last in small)


def covered(rule, by):
    """Whether some rules match all of another one, by elementary boxes."""
    def pieces(ranges, cuts):
        for first, last in ranges:
            starts = sorted({first} | {c for c in cuts if first < c <= last})
            yield from starts

    addresses = {a for other in by for r in other["src"] for a in (r[0], r[1] + 1)}
    numbers = {a for other in by for r in other["svc"] for a in (r[0], r[1] + 1)}
    at = lambda value, ranges: any(a <= value <= b for a, b in ranges)
    return all(
        any(at(s, other["src"]) and at(p, other["svc"]) for other in by)
        for s in pieces(rule["src"], addresses)
        for p in pieces(rule["svc"], numbers)
    )


def main():
    rules_file, gate = sys.argv[1:3]
    program = sys.argv[3] if len(sys.argv) > 3 else "portcullis"
    data = json.load(open(rules_file))
    nets = {name: prefixes(list_) for name, list_ in data["networks"].items()}
    services = {name: ports(list_) for name, list_ in data["services"].items()}
    rules = [
        {"name": r["name"], "src": nets[r["src"]], "svc": services[r["svc"]]}
        for r in data["rules"]
    ]
    shaded = set()
    for at, rule in enumerate(rules):
        for other in rules[:at]:
            if inside(rule["svc"], other["svc"]) and inside(rule["src"], other["src"]):
                shaded.add(rule["name"])
                break
    ran = subprocess.run(
        [program, "lint", gate, "--format", "json", "--warn", "PC5001", "--diagnostics", "/dev/null"],
        capture_output=True,
        text=True,
    )
    if ran.returncode:
        sys.exit(f"lint ended with {ran.returncode}\n{ran.stderr}")
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    short = lambda flow: flow.split("::")[-1]
    dead = {short(r["flow"]): [short(b) for b in r["by"]] for r in rows if r["kind"] == "dead"}
    places = {rule["name"]: at for at, rule in enumerate(rules)}
    missing = sorted(shaded - set(dead))
    wrong = [
        name
        for name, by in dead.items()
        if any(places[b] >= places[name] for b in by)
        or not covered(rules[places[name]], [rules[places[b]] for b in by])
    ]
    print(f"rules {len(rules)}, shaded by one earlier rule {len(shaded)}, dead {len(dead)}")
    print(f"dead by several together {len(set(dead) - shaded)}: {sorted(set(dead) - shaded)[:10]}")
    print(f"shaded and not named {missing}, named and not covered {wrong}")
    sys.exit(1 if missing or wrong else 0)


main()
