"""What the processes of a stack have used: CPU, memory, open files. Read from outside, by process group."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

import psutil

from conduit_local.children import Child
from conduit_local.stack import Stack

Group = Mapping[str, Child]


@dataclass(frozen=True, slots=True)
class Usage:
    """Of one child and all processes below it."""

    cpu_seconds: float
    rss_bytes: int
    """Resident memory, summed over processes: what they share counts in each."""
    own_bytes: int
    """Memory that no other process shares."""
    files: int
    threads: int


def stack_children(stack: Stack) -> dict[str, Child]:
    """The servers' and services' processes of a stack that runs on embedded servers."""
    kafka, postgres = stack.servers.kafka, stack.servers.postgres
    if kafka is None or postgres is None or kafka.child is None or postgres.child is None:
        raise RuntimeError("the benchmark needs the embedded servers: unset KAFKA_BOOTSTRAP_SERVERS and POSTGRES_DSN")
    return {"kafka": kafka.child, "postgres": postgres.child, **{child.name: child for child in stack.processes()}}


def cpu_seconds(children: Group) -> dict[str, float]:
    """CPU used so far, by name."""
    return {name: sum(_cpu(process) for process in _tree(child)) for name, child in children.items()}


def usage(children: Group) -> dict[str, Usage]:
    """Everything, by name. Reading memory maps costs about a millisecond per process."""
    return {name: _usage(_tree(child)) for name, child in children.items()}


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """CPU used in between, of what ran at both times."""
    return {name: after[name] - before[name] for name in before if name in after}


def _tree(child: Child) -> list[psutil.Process]:
    try:
        parent = psutil.Process(child.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def _cpu(process: psutil.Process) -> float:
    # With what its ended children used: PostgreSQL's short-lived workers would be lost otherwise.
    with suppress(psutil.Error):
        times = process.cpu_times()
        return times.user + times.system + times.children_user + times.children_system
    return 0.0


def _usage(processes: Iterable[psutil.Process]) -> Usage:
    cpu, rss, own, files, threads = 0.0, 0, 0, 0, 0
    for process in processes:
        with suppress(psutil.Error):
            memory = process.memory_full_info()
            cpu += _cpu(process)
            rss += memory.rss
            own += memory.uss
            files += process.num_fds()
            threads += process.num_threads()
    return Usage(cpu, rss, own, files, threads)
