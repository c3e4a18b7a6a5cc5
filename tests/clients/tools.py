"""The programs that generated clients are made and compiled with. One that is missing fails the test: nothing is skipped."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from conduit_operate.jars import fetched
from conduit_operate.paths import cache_dir
from tests.kubernetes.tools import go as go_program
from tests.support.node import node

HERE = Path(__file__).parent
SECONDS = 900
QUICK = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a Java that runs for seconds."""
JDK = "a JDK, 17 or later (Debian: default-jdk-headless), as the Java that comes with the environment has no compiler"
PROGRAMS = {"java": JDK, "javac": JDK}


def program(name: str) -> str:
    """The program's path. Raises AssertionError where it is not on this machine."""
    path = shutil.which(name)
    assert path is not None, f"{name} is missing: install {PROGRAMS[name]}"
    return path


def need_programs() -> None:
    """Raises AssertionError with one line that says what to install: what can be fetched is fetched, a JDK is not."""
    for name in PROGRAMS:
        program(name)
    node()


def run(*command: str, folder: Path, **environ: str) -> str:
    """What the command prints. Raises AssertionError with its complaint where it fails."""
    done = subprocess.run(
        command, cwd=folder, env=node().environment() | environ, capture_output=True, text=True, timeout=SECONDS, check=False
    )
    assert done.returncode == 0, f"{command[0]}: {(done.stdout + done.stderr)[-6000:]}"
    return done.stdout


@cache
def jars() -> tuple[Path, ...]:
    """The generator, and behind it what its Java clients stand on; checked against the lock."""
    return tuple(fetched(HERE / "jars.lock", cache_dir()))


def generate(generator: str, document: Path, folder: Path, *options: str) -> Path:
    """The client that openapi-generator makes of a document, with its own defaults and what docs/attach.md says."""
    parts = "--global-property=apiTests=false,modelTests=false,apiDocs=false,modelDocs=false"
    command = [
        program("java"),
        *QUICK,
        "-jar",
        str(jars()[0]),
        "generate",
        "-i",
        str(document),
        "-g",
        generator,
        "-o",
        str(folder),
    ]
    run(*command, parts, *options, folder=document.parent)
    return folder


def java(document: Path, folder: Path) -> list[str]:
    """The command that runs Main.java with Java's client for java.net.http."""
    made, classes = generate("java", document, folder / "java", "--library=native"), folder / "classes"
    path = os.pathsep.join(map(str, jars()[1:]))
    sources = [*map(str, (made / "src" / "main").rglob("*.java")), str(HERE / "programs" / "Main.java")]
    run(
        program("javac"),
        *(f"-J{each}" for each in QUICK),
        "-nowarn",
        "-d",
        str(classes),
        "-cp",
        path,
        *sources,
        folder=folder,
    )
    return [program("java"), *QUICK, "-cp", f"{classes}{os.pathsep}{path}", "Main"]


def go(document: Path, folder: Path) -> list[str]:
    """The command that runs main.go with Go's client."""
    made = generate("go", document, folder / "go", "--additional-properties=enumClassPrefix=true")
    shutil.rmtree(made / "test", ignore_errors=True)
    (made / "cmd").mkdir()
    shutil.copy(HERE / "programs" / "main.go", made / "cmd" / "main.go")
    own = {"GOFLAGS": "-mod=mod -modcacherw", **go_folders()}
    run(go_program(), "mod", "tidy", folder=made, **own)
    run(go_program(), "build", "-o", "sender", "./cmd", folder=made, **own)
    return [str(made / "sender")]


def go_folders() -> Mapping[str, str]:
    """Everything of Go's in one folder that may be removed."""
    folder = cache_dir() / "clients" / "go"
    return {"GOPATH": str(folder), "GOCACHE": str(folder / "build")}


def typescript(document: Path, folder: Path) -> list[str]:
    """The command that runs fetch.ts with TypeScript's client for fetch."""
    generate(
        "typescript-fetch", document, _module(folder / "fetch") / "client", "--additional-properties=importFileExtension=.js"
    )
    return _compiled(folder / "fetch", "fetch.ts")


def typed(document: Path, folder: Path) -> list[str]:
    """The command that runs typed.ts, which openapi-typescript's types and the compiler checked."""
    made = _module(folder / "typed")
    run(node().program, "node_modules/openapi-typescript/bin/cli.js", str(document), "-o", "schema.d.ts", folder=made)
    return _compiled(made, "typed.ts")


def _module(folder: Path) -> Path:
    folder.mkdir()
    shutil.copy(HERE / "node" / "package.json", folder / "package.json")
    kept = node().installed(HERE / "node" / "package-lock.json", cache_dir() / "clients" / "node")
    (folder / "node_modules").symlink_to(kept / "node_modules")
    return folder


def _compiled(folder: Path, name: str) -> list[str]:
    shutil.copy(HERE / "programs" / name, folder / name)
    options = ["--module", "nodenext", "--target", "es2022", "--strict", "--skipLibCheck", "--types", "node"]
    run(node().program, "node_modules/typescript/bin/tsc", *options, name, folder=folder)
    return [node().program, str(folder / name.replace(".ts", ".js"))]
