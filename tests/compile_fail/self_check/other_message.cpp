// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*a plain sentence

static_assert(sizeof(int) == 1, "another sentence");
