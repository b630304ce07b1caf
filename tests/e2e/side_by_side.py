#!/usr/bin/python3
"""Runs one class as several processes, some of them at once, each with leaders of its own and a
share of the cycles or of the tests (case.share, case.Loader): what mostly waits takes a fraction
of the time then, and the data stay small, which every start of a leader reads.

    side_by_side.py 8 4 cycles.py Kill    # eight, at most four at once
"""
import os
import sys
import time

import case
import processes


def main():
    count, at_once, file, *classes = sys.argv[1:]
    count, at_once = int(count), int(at_once)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), file)
    root = processes.scratch_directory("side")
    ours = {name: value for name, value in os.environ.items() if name.startswith("TURNSTONE_")}

    def start(index):
        log = os.path.join(root, "%d.log" % index)
        share = {"TURNSTONE_SHARE": "%d/%d" % (index, count)}
        return log, processes.spawn([sys.executable, script, *classes], log, {**ours, **share})

    waiting, running, codes = list(range(count)), {}, []
    while waiting or running:
        while waiting and len(running) < at_once:
            index = waiting.pop(0)
            running[index] = start(index)
        time.sleep(0.05)
        for index, (log, child) in list(running.items()):
            if child.poll() is not None:
                codes.append(child.returncode)
                del running[index]
                with open(log, errors="replace") as text:
                    print("--- %d of %d: exit %d\n%s" % (index + 1, count, child.returncode, text.read()), flush=True)
    sys.exit(min(codes) if set(codes) <= {0, case.SKIP} else 1)


if __name__ == "__main__":
    main()
