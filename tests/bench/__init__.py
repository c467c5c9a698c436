"""The benchmarks: their names hold, their figures carry what they say, at small sizes."""
