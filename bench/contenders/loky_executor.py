# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

from joblib.externals import loky

from executor import run

if __name__ == "__main__":
    run(loky.get_reusable_executor(max_workers=2))
