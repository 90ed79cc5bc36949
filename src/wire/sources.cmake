set(PROCPOOL_WIRE_SOURCES
    wire/answer_ring.cpp
    wire/frame_reader.cpp
    wire/handshake.cpp
    wire/payload.cpp
    wire/run_sheet.cpp)
