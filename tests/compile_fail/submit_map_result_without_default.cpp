// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// expect: error: .*the result type of a map needs a default constructor

#include <procpool/procpool.hpp>

#include <vector>

class labelled {
public:
    explicit labelled(int label) : label_(label) {}
    template <class Archive>
    void serialize(Archive& archive, unsigned) {
        archive& label_;
    }

private:
    int label_;
};

labelled make(int label);

void use(procpool::process_pool& pool) {
    (void)pool.map(make, std::vector{1});
}
