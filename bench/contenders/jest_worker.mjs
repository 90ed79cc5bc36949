// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { serve, works } from './work.mjs';

const { Worker } = createRequire(process.env.BENCH_NODE_MODULES + '/')('jest-worker');
const pool = new Worker(fileURLToPath(new URL('./worker.cjs', import.meta.url)), {
    exposedMethods: ['plusOne', 'length', 'make'],
    numWorkers: 2,
    enableWorkerThreads: false,
});
await serve(works((name, value) => pool[name](value)));
