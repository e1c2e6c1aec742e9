"""One worker process that drains: `workers.pipeline.drain` as the Celery task calls it."""

from bench import child
from equerry import logs
from workers import process
from workers.pipeline import drain


def main() -> None:
    """Answer `{"scope", "project", "seconds"}` by draining that long, or until it is empty."""
    logs.configure(process.settings().log_format)
    bench = process.bench()

    def handle(command: child.Answer) -> child.Answer:
        def work() -> int:
            done = drain.drain(bench, command["scope"], command["project"], command["seconds"])
            if done.failed:
                raise child.BenchError(f"{done.failed} events failed")
            return done.events

        return child.timed(work)

    child.serve(handle)


if __name__ == "__main__":
    main()
