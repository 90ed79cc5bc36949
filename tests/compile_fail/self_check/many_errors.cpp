// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a plain sentence

static_assert(sizeof(int) == 1, "a plain sentence");
int one = unknown;
int two = unknown;
int three = unknown2;
int four = unknown3;
