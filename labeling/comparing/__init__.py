"""A candidate against the champion on parts of the line: `drawing` draws where they differ, `looking` compares what
people said.
"""
