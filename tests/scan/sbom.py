"""Reads `cargo metadata` and writes a bill of materials in CycloneDX 1.6: what the product is built from.

Only what reaches the program counts: dependencies of tests and of the simulated world's own crate are left out unless
the program needs them, too.
"""

import json
import sys
import urllib.parse

PROGRAM = "calmness"


def reached(metadata: dict) -> list[dict]:
    packages = {package["id"]: package for package in metadata["packages"]}
    nodes = {node["id"]: node for node in metadata["resolve"]["nodes"]}
    waiting = [package["id"] for package in metadata["packages"] if package["name"] == PROGRAM and not package["source"]]
    seen: dict[str, list[str]] = {}
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        wanted = nodes[current]["deps"]
        needed = [d["pkg"] for d in wanted if any(kind["kind"] != "dev" for kind in d["dep_kinds"])]
        seen[current] = needed
        waiting.extend(needed)
    return [{"package": packages[key], "needs": needs} for key, needs in sorted(seen.items())]


def address(package: dict) -> str:
    name, version = (urllib.parse.quote(package[key]) for key in ("name", "version"))
    return f"pkg:cargo/{name}@{version}"


def main() -> None:
    metadata = json.load(sys.stdin)
    packages = {package["id"]: package for package in metadata["packages"]}
    found = reached(metadata)
    components = [
        {
            "type": "application" if entry["package"]["name"] == PROGRAM else "library",
            "bom-ref": address(entry["package"]),
            "name": entry["package"]["name"],
            "version": entry["package"]["version"],
            "purl": address(entry["package"]),
            "licenses": [{"expression": entry["package"]["license"].replace("/", " OR ")}]
            if entry["package"].get("license")
            else [],
        }
        for entry in found
    ]
    depends = [
        {"ref": address(entry["package"]), "dependsOn": sorted({address(packages[key]) for key in entry["needs"]})}
        for entry in found
    ]
    bill = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "components": components,
        "dependencies": depends,
    }
    json.dump(bill, sys.stdout, indent=1)
    print(f"{len(components)} components", file=sys.stderr)


if __name__ == "__main__":
    main()
