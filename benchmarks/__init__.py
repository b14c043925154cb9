"""What the storage experiment costs, beside a peer in the same run: ``python -m benchmarks``."""
