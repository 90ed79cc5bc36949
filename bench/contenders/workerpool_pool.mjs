// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { serve, works } from './work.mjs';

const workerpool = createRequire(process.env.BENCH_NODE_MODULES + '/')('workerpool');
const pool = workerpool.pool(fileURLToPath(new URL('./workerpool_worker.cjs', import.meta.url)), {
    workerType: 'process',
    minWorkers: 2,
    maxWorkers: 2,
});
await serve(works((name, value) => pool.exec(name, [value])));
