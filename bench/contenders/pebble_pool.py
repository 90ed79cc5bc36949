# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import pebble

from work import plus_one, serve, works


def main():
    with pebble.ProcessPool(max_workers=2) as pool:
        list(pool.map(plus_one, range(100)).result())

        def submit(function, values):
            waiting = [pool.schedule(function, args=(value,)) for value in values]
            return [one.result() for one in waiting]

        serve(
            works(
                submit,
                lambda function, value: pool.schedule(function, args=(value,)).result(),
                lambda function, values: pool.map(function, values, chunksize=10_000).result(),
            )
        )


if __name__ == "__main__":
    main()
