# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

from mpi4py.futures import MPIPoolExecutor

from executor import run

if __name__ == "__main__":
    with MPIPoolExecutor(max_workers=2) as executor:
        run(executor)
