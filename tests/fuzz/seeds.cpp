// Copyright (c) 2026 the procpool authors
// Distributed under the Boost Software License, Version 1.0. (See LICENSE)

// Writes the seeds that the fuzzers start from: fuzz_seeds DIRECTORY
//
// They have to be written again when a subject comes to read its input in another way, or the kinds of values change.

#include <fuzz/exceptions.hpp>
#include <fuzz/graphs.hpp>
#include <fuzz/messages.hpp>
#include <fuzz/values.hpp>

#include <procpool/serialization/exceptions.hpp>
#include <wire/frame.hpp>
#include <wire/handshake.hpp>

#include <boost/asio/error.hpp>

#include <filesystem>
#include <fstream>
#include <future>
#include <initializer_list>
#include <iostream>

using namespace procpool;
using namespace procpool::fuzz;
namespace fs = std::filesystem;

namespace {

fs::path directory;

void write(const std::string& subject, const std::string& name, bytes content) {
    fs::create_directories(directory / subject);
    std::ofstream file(directory / subject / name, std::ios::binary | std::ios::trunc);
    file.write(reinterpret_cast<const char*>(content.data()), static_cast<std::streamsize>(content.size()));
    if (!file.flush())
        throw std::runtime_error("a seed cannot be written");
}

void write(const std::string& subject, const std::string& name, std::initializer_list<unsigned> numbers) {
    std::vector<std::byte> content;
    for (const unsigned number : numbers)
        content.push_back(static_cast<std::byte>(number));
    write(subject, name, content);
}

// A stream -----------------------------------------------------------------------------------------------------------

class stream {
public:
    /// @param buffer the reader's, beyond the smallest, in steps of 16
    stream(unsigned buffer, std::initializer_list<unsigned> pieces) {
        add(buffer).add(static_cast<unsigned>(pieces.size() - 1));
        for (const unsigned piece : pieces)
            add(piece);
    }
    stream& frame(wire::frame_kind kind, std::size_t size, std::size_t announced) {
        const wire::frame_header header{static_cast<std::uint32_t>(announced), kind, 0, 3, 4};
        for (const std::byte one : std::as_bytes(std::span(&header, 1)))
            content_.push_back(one);
        content_.resize(content_.size() + size, std::byte{'x'});
        return *this;
    }
    stream& frame(wire::frame_kind kind, std::size_t size) { return frame(kind, size, size); }
    operator bytes() const { return content_; }

private:
    stream& add(unsigned value) {
        content_.push_back(static_cast<std::byte>(value));
        return *this;
    }
    std::vector<std::byte> content_;
};

void write_streams() {
    using kind = wire::frame_kind;
    write("frame_reader", "short_frames_in_short_pieces",
          stream(0, {1, 16, 7})
              .frame(kind::hello, 5)
              .frame(kind::result, 0)
              .frame(kind::result, 40)
              .frame(kind::ready, 0));
    write("frame_reader", "a_large_frame_between_short_ones",
          stream(0, {100, 130}).frame(kind::result, 3).frame(kind::result, 300).frame(kind::progress, 10));
    write("frame_reader", "announced_and_not_sent", stream(4, {50}).frame(kind::result, 20, std::size_t{1} << 29));
    write("frame_reader", "larger_than_any",
          stream(4, {255}).frame(kind::result, 1).frame(kind::result, 5, 0xffffffff));
}

// The small messages -------------------------------------------------------------------------------------------------

void write_messages() {
    write("handshake", "hello", wire::encode(wire::hello_message{1, std::string(20, '\7')}).bytes());
    write("handshake", "setup", wire::encode(wire::setup_message{3, 1 << 20, 50'000}).bytes());
    write("handshake", "module", wire::encode(wire::module_message{2, "/lib/a.so", "id"}).bytes());
    write("handshake", "progress", wire::encode(wire::progress_message{0.5, "half"}).bytes());
}

// Values -------------------------------------------------------------------------------------------------------------

void write_values() {
    using samples::temperature_log;
    temperature_log log("here");
    log.values = {{1.5}, {-2}};
    any_values numbers{true,
                       samples::yes_no::yes,
                       samples::colour::blue,
                       7,
                       1.5,
                       std::complex<double>(1, 2),
                       std::bitset<20>(9),
                       std::bitset<0>(),
                       samples::point{1, 2},
                       std::monostate()};
    any_values times{std::chrono::milliseconds(5), std::chrono::sys_time<std::chrono::microseconds>(),
                     std::chrono::duration<double>(0.25)};
    any_values texts{std::string("text"),
                     std::u32string(U"text"),
                     std::filesystem::path("/a/b"),
                     std::array<std::string, 2>{"a", "b"},
                     std::optional<std::string>("x"),
                     std::deque<std::string>{"d"},
                     std::forward_list<std::string>{"f"},
                     std::vector<std::string>{"a", ""}};
    any_values lists{std::vector<int>{1, 2},
                     std::vector<bool>(11, true),
                     std::vector<samples::nothing>(3),
                     std::array<bool, 3>{true, false, true},
                     std::array<int, 0>(),
                     std::list<int>{1, 2},
                     std::pair<char, std::optional<bool>>('c', true),
                     std::tuple<int, std::string, std::vector<std::tuple<>>>(1, "2", std::vector<std::tuple<>>(3))};
    any_values tables{std::set<double>{1, 2},
                      std::multiset<std::string>{"a", "a"},
                      std::map<std::string, samples::tree>{{"t", {1, {{2, {}}}}}},
                      std::unordered_set<std::string>{"a", "b"},
                      std::unordered_multiset<std::int8_t>{1, 1, 2},
                      std::unordered_map<std::string, std::vector<int>>{{"a", {1}}},
                      std::unordered_multimap<int, bool>{{1, true}, {1, false}}};
    any_values classes{samples::account(5),
                       samples::rectangle{{1, 2}, {3, 4}},
                       samples::secret("s"),
                       samples::tree{1, {{2, {}}, {3, {}}}},
                       samples::celsius{20},
                       log,
                       std::vector<temperature_log>(2, log),
                       std::optional<temperature_log>(log),
                       std::forward_list<temperature_log>{log},
                       std::multimap<bool, temperature_log>{{true, log}},
                       std::variant<int, temperature_log, std::vector<std::monostate>>(log)};
    stock queues;
    queues.queue.push("q");
    queues.numbers = {1, 2};
    classes.emplace_back(queues);
    write("values", "numbers", encode(numbers).bytes());
    write("values", "times", encode(times).bytes());
    write("values", "texts", encode(texts).bytes());
    write("values", "lists", encode(lists).bytes());
    write("values", "tables", encode(tables).bytes());
    write("values", "classes", encode(classes).bytes());
}

// Objects ------------------------------------------------------------------------------------------------------------

void write_objects() {
    const auto parent = std::make_shared<node>();
    parent->links = {std::make_shared<node>(), std::make_shared<node>(), nullptr};
    parent->links[0]->parent = parent;
    parent->links[1]->links = {parent, parent->links[0]};
    any_objects family;
    family.emplace_back(parent);
    family.emplace_back(std::weak_ptr<node>(parent->links[0]));
    family.emplace_back(std::map<int, std::shared_ptr<node>>{{1, parent}, {2, nullptr}});
    write("graphs", "family", encode(family).bytes());
    family.clear();

    const samples::person ada{"Ada", 36, {"x"}};
    const auto shared = std::make_shared<samples::person>(ada);
    any_objects people;
    people.emplace_back(ada);
    people.emplace_back(std::vector<samples::person>{ada, ada});
    people.emplace_back(std::optional<std::shared_ptr<const samples::person>>(shared));
    people.emplace_back(std::pair<samples::person, std::shared_ptr<samples::person>>(ada, shared));
    people.emplace_back(std::make_unique<samples::person>(ada));
    people.emplace_back(std::make_unique<std::string>("u"));
    write("graphs", "people", encode(people).bytes());

    const auto make_group = [] {
        auto made = std::make_unique<samples::group>();
        made->parts.push_back(std::make_unique<samples::circle>());
        made->parts.push_back(std::make_unique<samples::group>());
        return made;
    };
    any_objects shapes;
    shapes.emplace_back(std::unique_ptr<samples::shape>(make_group()));
    const std::shared_ptr<samples::group> group = make_group();
    shapes.emplace_back(std::shared_ptr<samples::shape>(group));
    shapes.emplace_back(std::vector<std::shared_ptr<samples::group>>{group, group});
    shapes.emplace_back(std::make_unique<samples::circle>());
    shapes.emplace_back(samples::circle());
    write("graphs", "shapes", encode(shapes).bytes());

    any_objects teams(3);
    for (int i = 0; i != 3; ++i) {
        auto& one = std::get<team>(teams[static_cast<std::size_t>(i)]);
        one.members.push_back({"m"});
        one.others["o"] = {"p"};
        one.guests.push_back(std::make_unique<member>());
        one.leader = i == 0 ? &one.members[0] : i == 1 ? &one.others["o"] : one.guests[0].get();
    }
    write("graphs", "teams", encode(teams).bytes());

    // What a pointer refers to is to be told from what no pointer finds.
    any_objects cabins;
    cabins.emplace_back(std::vector<cabin>(2, cabin(1)));
    cabins.emplace_back(std::optional<cabin>(2));
    cabins.emplace_back(std::map<int, cabin>{{1, cabin(3)}});
    cabins.emplace_back(std::pair<cabin, member>(cabin(4), {}));
    cabins.emplace_back(team());
    write("graphs", "cabins", encode(cabins).bytes());
    std::get<team>(cabins.back()).leader = &std::get<std::vector<cabin>>(cabins.front()).front().guest;
    write("graphs", "pointer_into_a_cabin", encode(cabins).bytes());

    // One object of each class, each of which is to be told from the others.
    any_objects mixed;
    mixed.emplace_back(std::make_shared<node>());
    mixed.emplace_back(std::optional<std::shared_ptr<const samples::person>>(shared));
    mixed.emplace_back(std::shared_ptr<samples::shape>(make_group()));
    mixed.emplace_back(std::unique_ptr<samples::shape>(std::make_unique<samples::circle>()));
    mixed.emplace_back(std::make_unique<samples::circle>());
    mixed.emplace_back(std::make_unique<samples::list_node>());
    mixed.emplace_back(team());
    std::get<team>(mixed.back()).guests.push_back(std::make_unique<member>());
    write("graphs", "mixed", encode(mixed).bytes());

    any_objects lists;
    samples::list_node first;
    first.next = std::make_unique<samples::list_node>();
    lists.emplace_back(std::move(first));
    lists.emplace_back(samples::everything());
    write("graphs", "lists", encode(lists).bytes());
    parent->links.clear();
}

// Exceptions ---------------------------------------------------------------------------------------------------------

template <class E>
void write_exception(const std::string& name, const E& exception) {
    write("exceptions", name, serialization::encode_exception(std::make_exception_ptr(exception)).bytes());
}

void write_exceptions() {
    write_exception("plain", std::out_of_range("too far"));
    write_exception("system", std::system_error(2, std::generic_category(), "opening"));
    write_exception("file", fs::filesystem_error("copying", "/a", "/b", std::make_error_code(std::errc::io_error)));
    write_exception("future", std::future_error(std::future_errc::broken_promise));
    write_exception("asio", boost::system::system_error(boost::asio::error::eof, "reading"));
    write_exception("pool", pool_error(errc::timed_out, "late"));
    post_mortem details;
    details.pid = 7;
    details.signal = 9;
    write_exception("death", worker_died(details));
    write_exception("remote", remote_exception("some::type", "what"));
    write_exception("spoken", spoken_error("spoken"));
    detailed_error detailed;
    detailed.text = "detailed";
    detailed.places = {1, 2};
    write_exception("detailed", detailed);
    write_exception("described", 7);
}

// What happens -------------------------------------------------------------------------------------------------------

void write_lives() {
    // No initializer; the limits; hello, a moment, condemned, out of time, exited.
    write("worker_life", "short", {0, 232, 3, 100, 0, 0x10, 0x17, 0x1a, 0x28, 0x16});
    // With an initializer and a limit of its own: hello, a while, initialized, retired, the end of its output, exited.
    write("worker_life", "whole", {3, 232, 3, 100, 0, 200, 0, 0x10, 0x57, 0x12, 0xf7, 0x19, 0x15, 0x16});
    // Everything at once.
    write("worker_life", "everything", {1, 1, 0, 1, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12});
}

void write_memory() {
    // The sheet's task, and its items; then three numbers for each step: what, which, and the step's own.
    std::vector<std::byte> content;
    const auto add = [&](std::initializer_list<unsigned> numbers) {
        for (const unsigned number : numbers)
            content.push_back(static_cast<std::byte>(number));
    };
    add({1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0});
    add({0, 3, 40, 0, 0, 0, 7, 0, 5, 0, 6, 0, 3, 0, 4, 1, 0, 7});   // an answer; a sleep; a ring; one that is not whole
    add({0, 4, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 6}); // ringing too often
    add({1, 5, 0, 1, 2, 1, 5, 0, 1, 5, 1, 5, 0, 1, 3, 1, 4, 0, 200, 2});        // posted, looked at, withdrawn; a phase
    add({2, 1, 3, 0, 0, 0, 0, 2, 2, 2, 0, 0, 0, 9, 0, 0, 0, 2, 7, 2, 5, 2, 6}); // a chunk, looked at and split
    write("shared_memory", "some_of_everything", content);
    write("shared_memory", "positions",
          {1, 0,  0, 0, 0, 0, 0, 0, 9, 0, 0,  0,   0, 0, 255, 255, 255, 255, 255, 255, 255, 255, 0, 7, 0,
           1, 16, 0, 0, 0, 0, 7, 0, 2, 0, 20, 255, 4, 0, 0,   0,   1,   0,   0,   0,   0,   0,   0, 0, 0});
}

void write_links() {
    // hello; two tasks; both answered, the one through the ring and the other through the pipe; all handled; looked at; the end
    write("link", "honest", {5, 1, 0, 0, 4, 1, 3, 2, 19, 2, 0, 0, 20, 2, 0, 4, 30, 19, 6, 5, 9, 19, 17, 19});
    std::vector<std::byte> rounds{std::byte{5}, std::byte{1}};
    for (int i = 0; i != 6; ++i) // a task, its answer through the ring, and all handled
        for (const unsigned number : {0, 0, 4, 2, 0, 0, 9, 19})
            rounds.push_back(static_cast<std::byte>(number));
    write("link", "rounds", rounds);
    // large answers, and one that is a failure
    write("link", "large_answers", {5, 1, 0, 0, 4, 0, 0, 4, 2, 0, 1, 255, 255, 2, 1, 3, 0, 100, 19, 10, 0, 19});
    write("link", "withdrawn", {5, 1, 0, 0, 4, 0, 5, 4, 7, 0, 8, 0, 2, 0, 0, 8, 19, 10, 1, 19});
    write("link", "forged", {5, 1, 0, 0, 4, 12, 2, 65, 66, 1, 0, 0, 12, 1, 65, 1, 0, 1, 9, 0, 0, 0, 0, 0, 0, 0, 19});
    write("link", "forged_ring", {5, 1, 0, 0, 4, 14, 2, 65, 66, 1, 0, 0, 0, 19, 14, 0, 1, 0, 0, 1, 19});
    write("link", "scribbled", {5, 1,   0, 0, 4, 15, 0, 0, 8, 1,  2, 3,  4, 5, 6, 7, 8, 13, 0, 3, 0, 0, 19, 15,
                                2, 128, 4, 1, 2, 3,  4, 8, 0, 15, 3, 64, 0, 4, 1, 2, 3, 4,  8, 0, 7, 0, 17, 19});
    write("link", "printed", {5, 1, 18, 3, 'a', 10, 'b', 19, 18, 2, 'c', 10, 18, 1, 'd', 17, 19});
    write("link", "cut_off", {5, 1, 11, 5, 10, 0, 0, 0, 2, 19, 17, 19});
    // tasks with things attached, and with arguments in memory; answers of both kinds, read, and the memory given up
    write("link", "enclosed", {5,  1, 0, 0, 4, 21, 11, 21, 8,  0, 0, 4,  23, 0, 3,  10, 19, 24, 0, 2,  0,
                               25, 0, 9, 7, 9, 26, 23, 0,  69, 0, 9, 26, 27, 0, 26, 26, 27, 0,  9, 17, 19});
    std::vector<std::byte> much{std::byte{5}, std::byte{1}};
    for (int i = 0; i != 19; ++i) // more memory than there is
        for (const unsigned number : {0, 0, 4, 23, 0, 1, 0})
            much.push_back(static_cast<std::byte>(number));
    for (const unsigned number : {19, 26, 26, 0, 0, 4, 23, 0, 1, 0, 19})
        much.push_back(static_cast<std::byte>(number));
    write("link", "enclosed_much", much);
    write("link", "enclosed_and_ended", {5, 1, 0, 0, 4, 21, 11, 19, 23, 0, 163, 0, 19});
    // memory announced, an answer in it, announced again and dropped twice; then with something attached
    write("link", "forged_memory", {5,  1, 0, 0, 4, 0,  0, 4,  29, 0, 1,   0, 100, 0, 0, 1, 30, 0,  1, 0,  0, 50, 0,
                                    19, 0, 0, 0, 1, 0,  0, 19, 29, 0, 1,   0, 100, 0, 0, 1, 29, 51, 9, 0,  0, 1,  29,
                                    51, 9, 0, 0, 1, 30, 1, 0,  1,  0, 100, 0, 0,   8, 0, 0, 0,  19, 0, 17, 19});
    write("link", "forged_descriptors",
          {5, 1, 0, 0, 4, 28, 12, 19, 9, 0, 7, 0, 28, 15, 0, 0, 0, 5, 29, 0, 2, 19, 0, 0, 12, 0, 0, 0, 1, 19, 17, 19});
}

void write_enclosures() {
    // Each: what happens, then its own: things as how many and which, with their sizes; what is said of them.
    write("enclosures", "memory",
          {1, 1, 0, 99, 0, 0, 0, 0, 0, 6, 1, 0, 50, 0, 6, 1, 8, 10, 0, 90, 0, 4, 3, 1, 6, 1, 0, 50, 0});
    write("enclosures", "attached", {0, 2, 0, 99, 0, 1, 20, 0, 0, 6, 0, 1, 9, 0, 0, 1, 6, 0, 0, 0, 6, 0, 1, 9, 0});
    write("enclosures", "other_things", {0, 3, 19, 0, 0, 12, 0,  0, 15, 0, 0, 0, 6, 0, 1, 9, 0, 1, 1, 16, 0, 0,
                                         0, 0, 0,  0, 0, 12, 13, 0, 0,  7, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0,  0, 0});
    write("enclosures", "not_all_there",
          {1, 1, 6, 255, 0, 0, 2, 0, 0, 6, 3, 0, 255, 0, 6, 3, 8, 0, 16, 9, 0, 5, 40, 3});
}

void write_answers() {
    // Each: the kind of operation, its items less one, the size of chunks; then for each step the chunk, what happens, and more.
    write("answers", "map", {0, 9, 3, 0, 0, 0, 1, 1, 0, 6, 1, 0, 0});
    write("answers", "map_numbers", {1, 29, 0, 0, 1, 0, 0, 5, 0, 0, 1, 0, 2, 1, 3, 1, 2, 3});
    write("answers", "settled", {2, 9, 5, 0, 5, 2, 1, 1, 0, 2, 1, 1, 5, 1, 1, 65, 0, 0});
    write("answers", "reduce", {3, 20, 4, 0, 0, 1, 6, 1, 0, 5, 0, 0, 0, 0});
    write("answers", "stream_in_order", {4, 12, 4, 1, 0, 0, 7, 2, 0, 1, 0, 11, 3, 0, 5, 1, 1, 1, 0, 0});
    write("answers", "stream", {5, 12, 4, 0, 7, 1, 0, 0, 1, 65, 0, 4, 2, 0, 10, 1, 0, 11, 1, 0, 3, 0, 2, 1, 2});
    write("answers", "called_off", {5, 9, 2, 0, 0, 0, 11, 0, 0, 9, 1});
}

void write_lines() {
    // Each: a character, and how many of it, whether to go to a line's greatest length instead, and whether to cut there.
    write("lines", "short", {'a', 12, '\n', 5, 'b', 9, '\n', 8, 'c', 20});
    write("lines", "long", {'a', 2, 'b', 7, '\n', 4, 'c', 15, '\n', 4});
}

void write_fork_replies() {
    // orders, answered as they should be and by an error, read or not
    write("fork_replies", "honest",
          {0, 0, 6, 2, 7, 1, 1, 2, 7, 0, 0, 3, 12, 2, 11, 0, 0, 0, 6, 0, 7, 0, 1, 6, 7, 2, 7});
    // one that has ended; the same process once more; and the server itself
    write("fork_replies", "processes", {0, 0, 3, 0, 0, 1, 7, 0, 0, 3, 0, 0, 2, 7});
    write("fork_replies", "server", {0, 0, 3, 0, 0, 3, 7});
    write("fork_replies", "things", {0, 0, 3, 0, 1, 6, 1, 19, 0, 0, 3, 0, 1, 6, 13, 19, 0, 0, 7, 7});
    write("fork_replies", "too_early", {3, 3, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 5, 0, 7});
    write("fork_replies", "too_short", {0, 0, 3, 48, 0, 7, 0, 7});
}

} // namespace

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: fuzz_seeds DIRECTORY\n";
        return 2;
    }
    directory = argv[1];
    write_streams();
    write_messages();
    write_values();
    write_objects();
    write_exceptions();
    write_lives();
    write_memory();
    write_links();
    write_answers();
    write_lines();
    write_enclosures();
    write_fork_replies();
}
