# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import multiprocessing

from work import plus_one, serve, works


def main():
    with multiprocessing.Pool(2) as pool:
        pool.map(plus_one, range(100))

        def submit(function, values):
            waiting = [pool.apply_async(function, (value,)) for value in values]
            return [one.get() for one in waiting]

        serve(works(submit, lambda function, value: pool.apply(function, (value,)), pool.map))


if __name__ == "__main__":
    main()
