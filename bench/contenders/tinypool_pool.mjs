// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

import { fileURLToPath, pathToFileURL } from 'node:url';
import { serve, works } from './work.mjs';

const { default: Tinypool } = await import(pathToFileURL(process.env.BENCH_NODE_MODULES + '/tinypool/dist/index.js').href);
const pool = new Tinypool({
    filename: fileURLToPath(new URL('./worker.cjs', import.meta.url)),
    runtime: 'child_process',
    minThreads: 2,
    maxThreads: 2,
});
await serve(works((name, value) => pool.run({ name, value })));
