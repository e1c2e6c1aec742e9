"""Real builds: small sources through esbuild, and the minified positions in what it made."""

import json
import os
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

MODULES = Path(__file__).parent / "source_maps" / "node_modules"

SHOP = """\
import { checked } from "pricing";

export function total(order) {
  const sum = order.lines.reduce((all, line) => all + line.price, 0);
  return checked(sum);
}

export function checkout(order) {
  if (!order.customer) {
    throw new Error("no customer for " + order.name);
  }
  return total(order);
}

globalThis.checkout = checkout;
"""
PRICING = """\
export function checked(price) {
  if (price < 0) {
    throw new RangeError("negative price " + price);
  }
  return price;
}
"""


class Build(NamedTuple):
    """A built site. folder: what is deployed."""

    folder: Path
    script: Path
    source_map: Path

    def position(self, text: str) -> tuple[int, int]:
        """Return line and column, from 1, of a text in the minified script."""
        before = self.script.read_text().partition(text)[0]
        return before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1


def program(name: str) -> Path:
    """Return an installed program of npm's; without it skip on a laptop and fail in CI."""
    path = MODULES / ".bin" / name
    if not path.exists():
        reason = f"{name} is missing: run `npm install` in tests/source_maps"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return path


def write(folder: Path) -> Path:
    """Write the sources of a small shop with one package; returns its entry."""
    package = folder / "node_modules" / "pricing"
    package.mkdir(parents=True)
    (package / "package.json").write_text(json.dumps({"name": "pricing", "main": "index.js"}))
    (package / "index.js").write_text(PRICING)
    (folder / "src").mkdir()
    entry = folder / "src" / "shop.js"
    entry.write_text(SHOP)
    return entry


def esbuild(folder: Path, *options: str) -> Build:
    """Build the shop, minified, with a map."""
    run = program("esbuild")
    entry = write(folder)
    script = folder / "dist" / "static" / "shop-4f2a9c1b.js"
    subprocess.run(
        [
            run,
            entry,
            "--bundle",
            "--minify",
            "--sourcemap",
            f"--outfile={script}",
            "--log-level=error",
            *options,
        ],
        check=True,
        cwd=folder,
    )
    return Build(folder / "dist", script, script.with_name(script.name + ".map"))
