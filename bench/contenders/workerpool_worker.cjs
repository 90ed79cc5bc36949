// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

const { plusOne, length, make } = require('./worker.cjs');

require(process.env.BENCH_NODE_MODULES + '/workerpool').worker({ plusOne, length, make });
