// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the Node contenders have their workers do.

const functions = {
    plusOne: (value) => value + 1,
    length: (value) => value.length,
    make: (size) => 'x'.repeat(size),
};

module.exports = functions;
module.exports.default = ({ name, value }) => functions[name](value);
