// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// What the workers do: SHA-256 of files, with OpenSSL.

#ifndef CHECKSUM_HASH_HPP
#define CHECKSUM_HASH_HPP

#include <boost/serialization/array.hpp>

#include <openssl/evp.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include <fcntl.h>
#include <unistd.h>

using sha256_digest = std::array<unsigned char, 32>;

/// What became of one file.
struct file_sum {
    int error = 0; ///< errno if the file could not be read, or else 0
    std::uint64_t bytes = 0;
    sha256_digest digest{};

    template <class Archive>
    void serialize(Archive& archive, unsigned /*version*/) {
        archive& error& bytes& digest;
    }
};

/// A file that is open for reading as long as this exists.
class input_file {
public:
    explicit input_file(const std::string& path) : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
    input_file(const input_file&) = delete;
    input_file& operator=(const input_file&) = delete;
    ~input_file() {
        if (is_open())
            ::close(descriptor_);
    }

    bool is_open() const { return descriptor_ >= 0; }
    int descriptor() const { return descriptor_; }

private:
    int descriptor_;
};

inline file_sum hash_file(const std::string& path) {
    // A worker runs one task at a time, so all files can share these.
    static const std::unique_ptr<EVP_MD, decltype(&EVP_MD_free)> sha256(EVP_MD_fetch(nullptr, "SHA256", nullptr),
                                                                        &EVP_MD_free);
    static const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> hash(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    static std::vector<unsigned char> buffer(256 * 1024);

    const auto check = [](int success) {
        if (!success)
            throw std::runtime_error("OpenSSL cannot compute SHA-256");
    };

    file_sum sum;
    const input_file file(path);
    if (!file.is_open()) {
        sum.error = errno;
        return sum;
    }
    check(EVP_DigestInit_ex2(hash.get(), sha256.get(), nullptr));
    ssize_t got = 0;
    while ((got = ::read(file.descriptor(), buffer.data(), buffer.size())) != 0) {
        if (got > 0) {
            check(EVP_DigestUpdate(hash.get(), buffer.data(), static_cast<std::size_t>(got)));
            sum.bytes += static_cast<std::uint64_t>(got);
        } else if (errno != EINTR) {
            sum.error = errno;
            break;
        }
    }
    check(EVP_DigestFinal_ex(hash.get(), sum.digest.data(), nullptr));
    return sum;
}

/// The function that crosses to a worker: a batch of files, so that small files are worth the way.
inline std::vector<file_sum> hash_files(const std::vector<std::string>& paths) {
    std::vector<file_sum> sums;
    sums.reserve(paths.size());
    for (const std::string& path : paths)
        sums.push_back(hash_file(path));
    return sums;
}

#endif
