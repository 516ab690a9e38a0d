"""Side by side on this machine, in one run: a bare relay, giliran, haproxy and nginx before the
same servers and under the same load. docs/benchmarks.md says how, and what came out."""
