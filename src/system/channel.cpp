// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/channel.hpp>

#include <system/failure.hpp>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <memory>
#include <new>

namespace procpool::system {

unique_fd above_worker_numbers(unique_fd fd) {
    // One more than a worker has is what a fork server has.
    constexpr int first_free = fork_server_orders_fd + 1;
    if (fd.get() >= first_free)
        return fd;
    unique_fd moved(::fcntl(fd.get(), F_DUPFD_CLOEXEC, first_free));
    if (!moved) {
        if (errno == EINVAL) // which is how the system says that the limit leaves no number so high
            errno = EMFILE;
        throw_failure("moving a descriptor");
    }
    return moved;
}

unique_fd::~unique_fd() {
    if (fd_ >= 0)
        ::close(fd_);
}

pipe_ends make_pipe(int size) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
        throw_failure("making a pipe to a worker");
    pipe_ends made{unique_fd(ends[0]), unique_fd(ends[1])};
    made.read = above_worker_numbers(std::move(made.read));
    made.write = above_worker_numbers(std::move(made.write));
    // It may not be allowed; then the pipe has the usual size.
    ::fcntl(made.write.get(), F_SETPIPE_SZ, size);
    return made;
}

void set_non_blocking(int fd) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags < 0 || ::fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0)
        throw_failure("making a pipe non-blocking");
}

unique_fd open_own_process() {
    unique_fd fd(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
    if (!fd)
        throw_failure("opening a pidfd of this process");
    return above_worker_numbers(std::move(fd));
}

shared_mapping shared_mapping::create() {
    unique_fd fd(::memfd_create("procpool-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd)
        throw_failure("making the memory shared with a worker");
    fd = above_worker_numbers(std::move(fd));
    // Sealed, for a worker that cut the memory short could make this process fault when it looks.
    if (::ftruncate(fd.get(), sizeof(shared_memory)) != 0 ||
        ::fcntl(fd.get(), F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) != 0)
        throw_failure("sizing the memory shared with a worker");
    void* memory = ::mmap(nullptr, sizeof(shared_memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED)
        throw_failure("mapping the memory shared with a worker");
    return {std::move(fd), new (memory) shared_memory};
}

shared_mapping shared_mapping::open(unique_fd fd) {
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0)
        throw_failure("looking at the memory shared with the pool");
    if (status.st_size != sizeof(shared_memory))
        throw_failure("looking at the memory shared with the pool", EINVAL); // it is something else
    void* memory = ::mmap(nullptr, sizeof(shared_memory), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0);
    if (memory == MAP_FAILED)
        throw_failure("mapping the memory shared with the pool");
    return {unique_fd(), std::launder(static_cast<shared_memory*>(memory))};
}

shared_mapping::shared_mapping(unique_fd fd, shared_memory* memory)
    : fd_(std::move(fd)), memory_(memory, [](shared_memory* mapped) { ::munmap(mapped, sizeof *mapped); }) {
}

} // namespace procpool::system
