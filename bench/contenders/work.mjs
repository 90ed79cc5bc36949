// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// How a Node contender is asked to work: lines of a work's name and a number, each answered with a number of seconds.

import { createInterface } from 'node:readline';
import { performance } from 'node:perf_hooks';

async function timed(call) {
    const begin = performance.now();
    await call();
    return (performance.now() - begin) / 1000;
}

// call: name of a function, value -> promise of its result.
export function works(call) {
    let large = Buffer.alloc(0);
    const submit = async (count) => {
        const waiting = [];
        for (let value = 0; value !== count; ++value) waiting.push(call('plusOne', value));
        const sum = (await Promise.all(waiting)).reduce((total, one) => total + one, 0);
        if (sum !== (count * (count + 1)) / 2) throw new Error('a result is wrong');
    };
    return {
        submit: (count) => timed(() => submit(count)),
        latency: async (count) => {
            const times = [];
            for (let i = 0; i !== count; ++i) times.push(await timed(() => call('plusOne', 1)));
            return times.sort((a, b) => a - b)[count >> 1];
        },
        argument: (size) => {
            if (large.length !== size) large = 'x'.repeat(size);
            return timed(() => call('length', large));
        },
        result: (size) => timed(() => call('make', size)),
    };
}

export async function serve(all) {
    console.log('ready');
    for await (const line of createInterface({ input: process.stdin })) {
        const [name, count] = line.split(' ');
        console.log(String(await all[name](Number(count))));
    }
    process.exit(0);
}
