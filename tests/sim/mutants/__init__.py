"""The protocol with one rule left out, one at a time: what the simulation must catch.

Each mutant replaces a function of the real code by one that a hurried programmer might have
written.  `python -m tests.sim --mutants` says how many schedules it took to catch each.
"""

from tests.sim.mutants import jobs, life, work
from tests.sim.mutants.rule import MUTANTS, applied

ROOMS = (jobs, life, work)

__all__ = ["MUTANTS", "ROOMS", "applied"]
