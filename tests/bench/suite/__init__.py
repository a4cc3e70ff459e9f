# SPDX-License-Identifier: ISC
"""What `make bench' runs: see tests/bench/README."""
