// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

#include <system/modules.hpp>

#include <procpool/error.hpp>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <limits>
#include <mutex>
#include <utility>

#include <dlfcn.h>
#include <elf.h>
#include <link.h>

namespace procpool::system {

namespace {

constexpr std::uint64_t offset_mask = (std::uint64_t{1} << 48) - 1;

struct loaded_module {
    std::string path;
    std::string build_id;
    std::uint64_t base = 0;
    std::uint64_t code_begin = std::numeric_limits<std::uint64_t>::max(); ///< from the base
    std::uint64_t code_end = 0;

    bool holds(std::uint64_t address) const noexcept {
        return code_begin < code_end && address >= base + code_begin && address < base + code_end;
    }
};

const char* at(std::uint64_t address) noexcept {
    return reinterpret_cast<const char*>(address);
}

std::string build_id_in(const char* notes, std::size_t size) {
    while (size >= sizeof(ElfW(Nhdr))) {
        ElfW(Nhdr) note;
        std::memcpy(&note, notes, sizeof note);
        const std::size_t name_size = (std::size_t{note.n_namesz} + 3) & ~std::size_t{3};
        const std::size_t text_size = (std::size_t{note.n_descsz} + 3) & ~std::size_t{3};
        const std::size_t whole = sizeof note + name_size + text_size;
        if (whole > size)
            break;
        if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 && std::memcmp(notes + sizeof note, "GNU", 4) == 0)
            return std::string(notes + sizeof note + name_size, note.n_descsz);
        notes += whole;
        size -= whole;
    }
    return {};
}

// For a module that was linked without a build-id: FNV-1a over its code. Only as good as telling builds apart needs.
std::string hash_of(const char* code, std::size_t size) {
    std::uint64_t hash = 0xcbf29ce484222325;
    for (std::size_t i = 0; i != size; ++i)
        hash = (hash ^ static_cast<unsigned char>(code[i])) * 0x100000001b3;
    return "code:" + std::to_string(hash) + ":" + std::to_string(size);
}

loaded_module describe(const dl_phdr_info& info) {
    loaded_module module;
    module.path = info.dlpi_name ? info.dlpi_name : "";
    module.base = info.dlpi_addr;
    for (int i = 0; i != info.dlpi_phnum; ++i) {
        const auto& part = info.dlpi_phdr[i];
        if (part.p_type == PT_LOAD && (part.p_flags & PF_X) != 0) {
            module.code_begin = std::min<std::uint64_t>(module.code_begin, part.p_vaddr);
            module.code_end = std::max<std::uint64_t>(module.code_end, part.p_vaddr + part.p_memsz);
        } else if (part.p_type == PT_NOTE && module.build_id.empty()) {
            module.build_id = build_id_in(at(module.base + part.p_vaddr), part.p_memsz);
        }
    }
    return module;
}

void settle_build_id(loaded_module& module) {
    if (module.build_id.empty() && module.code_begin < module.code_end)
        module.build_id = hash_of(at(module.base + module.code_begin), module.code_end - module.code_begin);
}

// The loader names the main program first, and with an empty name.
template <class Matches>
std::optional<loaded_module> find_module(Matches matches) {
    struct search {
        Matches& matches;
        std::optional<loaded_module> found;
        bool first = true;
    } state{matches, {}};
    ::dl_iterate_phdr(
        [](dl_phdr_info* info, std::size_t, void* data) {
            auto& looking = *static_cast<search*>(data);
            loaded_module module = describe(*info);
            if (std::exchange(looking.first, false))
                module.path.clear();
            if (!looking.matches(module))
                return 0;
            looking.found = std::move(module);
            return 1;
        },
        &state);
    if (state.found)
        settle_build_id(*state.found);
    return std::move(state.found);
}

// The pool's numbers, the same for all pools of the process. A number once given keeps its meaning.
struct module_numbers {
    std::mutex mutex;
    std::vector<loaded_module> modules;
    std::atomic<std::size_t> count{
        1}; ///< with the main program; for those who only want to know whether there are more
};

module_numbers& numbers() {
    static module_numbers instance;
    return instance;
}

const loaded_module& main_program() {
    static const loaded_module instance = [] {
        auto found = find_module([](const loaded_module& module) { return module.path.empty(); });
        return found ? std::move(*found) : loaded_module{};
    }();
    return instance;
}

} // namespace

const std::string& main_build_id() {
    return main_program().build_id;
}

std::uint64_t locate_function(const void* function) {
    const auto address = reinterpret_cast<std::uint64_t>(function);
    if (main_program().holds(address))
        return address - main_program().base;
    module_numbers& known = numbers();
    const std::lock_guard lock(known.mutex);
    for (std::size_t i = 0; i != known.modules.size(); ++i)
        if (known.modules[i].holds(address))
            return (static_cast<std::uint64_t>(i + 1) << 48) | (address - known.modules[i].base);
    auto found = find_module([address](const loaded_module& module) { return module.holds(address); });
    if (!found || known.modules.size() + 1 >= std::numeric_limits<std::uint16_t>::max())
        throw pool_error(errc::not_serializable,
                         "the function lies neither in the program nor in a shared library that it loaded, "
                         "so a worker could not find it");
    const std::uint64_t offset = (address - found->base) & offset_mask;
    known.modules.push_back(std::move(*found));
    known.count.store(known.modules.size() + 1, std::memory_order_release);
    return (static_cast<std::uint64_t>(known.modules.size()) << 48) | offset;
}

std::size_t modules_met() noexcept {
    return numbers().count.load(std::memory_order_acquire);
}

module_identity identify_module(std::uint16_t number) {
    if (number == main_module)
        return {"", main_build_id()};
    module_numbers& known = numbers();
    const std::lock_guard lock(known.mutex);
    if (number > known.modules.size())
        return {};
    const loaded_module& module = known.modules[number - 1U];
    return {module.path, module.build_id};
}

module_table::module_table() {
    const loaded_module& own = main_program();
    modules_.push_back({own.base, own.code_begin, own.code_end, true, {}});
}

std::optional<std::string> module_table::add(std::uint16_t number, const module_identity& identity) {
    if (number >= modules_.size())
        modules_.resize(number + 1U);
    code& entry = modules_[number];
    entry = code{};
    const auto is_it = [&](const loaded_module& module) { return module.path == identity.path; };
    auto found = find_module(is_it);
    if (!found) {
        // A plug-in that the pool's process loaded while it ran. Kept for the worker's whole life.
        if (!::dlopen(identity.path.c_str(), RTLD_NOW | RTLD_LOCAL)) {
            const char* why = ::dlerror();
            entry.problem = "the worker cannot load the shared library '" + identity.path +
                            "' that the task's function lies in: " + (why ? why : "unknown reason");
            return entry.problem;
        }
        found = find_module(is_it);
    }
    if (!found || found->build_id != identity.build_id) {
        entry.problem = "the shared library '" + identity.path +
                        "' is another build in the worker than in the pool's process; was it replaced while the "
                        "program runs?";
        return entry.problem;
    }
    entry = {found->base, found->code_begin, found->code_end, true, {}};
    return std::nullopt;
}

const void* module_table::find_function(std::uint64_t entry) const {
    const std::uint16_t number = module_of(entry);
    const std::uint64_t offset = entry & offset_mask;
    if (number < modules_.size()) {
        const code& module = modules_[number];
        if (module.present && offset >= module.begin && offset < module.end)
            return at(module.base + offset);
        if (!module.problem.empty())
            throw pool_error(errc::protocol_error, module.problem);
    }
    throw pool_error(errc::protocol_error, "the task's function does not exist in the worker");
}

} // namespace procpool::system
