# Copyright (c) 2026 the procpool authors
# Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import concurrent.futures

from work import plus_one, serve, works


def run(executor):
    list(executor.map(plus_one, range(100)))

    def submit(function, values):
        waiting = [executor.submit(function, value) for value in values]
        return [one.result() for one in waiting]

    # Its own chunk size is one; this is about its best.
    serve(
        works(
            submit,
            lambda function, value: executor.submit(function, value).result(),
            lambda function, values: executor.map(function, values, chunksize=10_000),
        )
    )


if __name__ == "__main__":
    with concurrent.futures.ProcessPoolExecutor(2) as executor:
        run(executor)
